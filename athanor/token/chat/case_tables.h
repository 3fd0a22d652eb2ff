// Case mappings and number classes that general categories do not give, as Python 3.11 has them (Unicode 14).
// Made by tests/parity/make_chat_case_tables.py.
#pragma once

#include <cstddef>
#include <cstdint>

namespace athanor::chat {

struct CodeRange {
  char32_t first, last;
};

struct CaseRun {  // every stride-th code of [first, last] maps to code + delta
  char32_t first, last;
  uint32_t stride;
  int32_t delta;
};

struct SpecialCase {  // to: ends with 0 when shorter than three
  char32_t code;
  char32_t to[3];
};

extern const CaseRun kUpperRuns[], kLowerRuns[];
extern const CaseRun kFoldRuns[];  // of those that casefold() maps to one character, and not as lower() does
extern const SpecialCase kUpperSpecial[], kLowerSpecial[], kTitleSpecial[], kFoldSpecial[];
extern const CodeRange kOtherDigit[], kOtherNumeric[], kOtherLower[], kOtherUpper[];
extern const size_t kNumUpperRuns, kNumLowerRuns, kNumFoldRuns;
extern const size_t kNumUpperSpecial, kNumLowerSpecial, kNumTitleSpecial, kNumFoldSpecial;
extern const size_t kNumOtherDigit, kNumOtherNumeric, kNumOtherLower, kNumOtherUpper;

}  // namespace athanor::chat
