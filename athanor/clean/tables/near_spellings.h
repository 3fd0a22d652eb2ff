// Values of a category that look like one: "U.S.A." and "USA", "female" and "femlae". Proposed, never merged unasked.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace athanor {

struct SpelledValue {
  std::string text;
  uint64_t count = 0;
};
struct NearSpelling {
  std::string text;  // the rarer one
  uint64_t count = 0;
  std::string as;    // the more frequent one
  uint64_t as_count = 0;
  std::string why;   // "but for capitals, blanks and signs", "1 letter apart"
};

// Pairs whose letters and digits are the same when capitals, blanks and signs are left out; then, for values with at least
// one letter, one edit apart from 4 characters on (of 2 Han characters none: 北京 and 南京 are two), two from 9 on. A number
// apart is another value (A1, A2). At most 50 pairs, the most frequent first; more than 3,000 values are not compared by
// edits. Time: the square of their number.
std::vector<NearSpelling> near_spellings(std::vector<SpelledValue> values);

}  // namespace athanor
