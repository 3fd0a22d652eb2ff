// Words as Python's str.split() sees them: what white space parts.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace athanor {

struct SpacedWord {
  std::string_view text;
  uint32_t num_chars = 0;   // code points
  bool has_letter = false;  // \p{L}
};

std::vector<SpacedWord> split_spaced_words(std::string_view text);

// Runs of '#'.
size_t count_hash_runs(std::string_view text);

}  // namespace athanor
