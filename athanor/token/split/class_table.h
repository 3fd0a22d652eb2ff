// What HF tokenizers 0.23.3 holds each character to be. The library mixes Unicode versions: its regexes know 16, Rust's
// own classes 17, BERT's punctuation, controls and marks 8, its normal forms 9. Ids depend on it, so it is kept as it
// is (scripts/make_token_classes.py asks the library about every code point).
#pragma once

#include <cstddef>
#include <cstdint>

#include "athanor/base/unicode.h"

namespace athanor::token {

namespace class_table {

extern const uint16_t kRecords[];
extern const uint16_t kStage1[];  // code >> 7 -> block
extern const uint8_t kStage2[];   // block * 128 + (code & 127) -> record

struct LowerCase {
  uint32_t code, lower;
};
extern const LowerCase kLowerCase[];  // what to_lower() of base does not know yet, by code
extern const size_t kNumLowerCase;

}  // namespace class_table

// Bits above the general category (five bits, Category of unicode.h).
enum ClassBit : uint16_t {
  kWordBit = 1 << 5,          // \w of the regexes in files (Oniguruma)
  kPlainWordBit = 1 << 6,     // \w of Whitespace and of single_word
  kNumericBit = 1 << 7,       // Digits
  kPunctuationBit = 1 << 8,   // Punctuation, BertPreTokenizer
  kBertControlBit = 1 << 9,   // dropped by BertNormalizer's clean_text
  kBertMarkBit = 1 << 10,     // dropped by BertNormalizer's strip_accents
  kAccentBit = 1 << 11,       // dropped by StripAccents
  kLateBit = 1 << 12,         // has a normal form or a combining class that came after Unicode 9
  kWhiteBit = 1 << 13,        // White_Space
  kAlphabeticBit = 1 << 14,   // Alphabetic
};

inline uint16_t class_bits(char32_t code) {
  const char32_t known = code < 0x110000 ? code : 0x10FFFF;
  return class_table::kRecords[class_table::kStage2[class_table::kStage1[known >> 7] * 128 + (known & 127)]];
}

inline bool has_class(char32_t code, ClassBit bit) { return (class_bits(code) & bit) != 0; }

inline Category regex_category(char32_t code) { return static_cast<Category>(class_bits(code) & 31); }

}  // namespace athanor::token
