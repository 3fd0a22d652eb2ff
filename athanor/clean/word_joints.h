// Private to words.cc: what a code point is to the word rule, and what becomes of punctuation between two words that no
// white space parts.
#pragma once

#include <array>
#include <cstdint>

#include "athanor/base/unicode.h"
#include "athanor/clean/words.h"

namespace athanor::words {

enum class Kind : uint8_t { kSpace, kLetter, kMark, kNumber, kSingle, kOther };

inline Kind kind_of_rare(char32_t code) {
  const Category category = category_of(code);
  if (category >= Category::kLl && category <= Category::kLu) {
    return is_unspaced_script(code) ? Kind::kSingle : Kind::kLetter;
  }
  if (category >= Category::kMc && category <= Category::kMn) {
    return Kind::kMark;
  }
  if (category >= Category::kNd && category <= Category::kNo) {
    return is_unspaced_script(code) ? Kind::kSingle : Kind::kNumber;
  }
  return is_space(code) ? Kind::kSpace : Kind::kOther;
}

constexpr std::array<Kind, 128> make_ascii_kinds() {
  std::array<Kind, 128> kinds{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= 9 && c <= 13);
    kinds[static_cast<size_t>(c)] = letter                 ? Kind::kLetter
                                    : c >= '0' && c <= '9' ? Kind::kNumber
                                    : space                ? Kind::kSpace
                                                           : Kind::kOther;
  }
  return kinds;
}
inline constexpr std::array<Kind, 128> kAsciiKinds = make_ascii_kinds();

struct Next {
  char32_t code;
  Kind kind;
};

// Reads one code point; p < end.
inline Next read(const char*& p, const char* end) {
  const uint8_t byte = static_cast<uint8_t>(*p);
  if (byte < 0x80) {
    ++p;
    return {byte, kAsciiKinds[byte]};
  }
  const char32_t code = decode_utf8(p, end);
  return {code, kind_of_rare(code)};
}

// Punctuation that stands between a word's character and the next word's, as spaCy's infixes for English have it: it is
// part of one word ("so.--\"I", "him?But", "a)b"), unless it holds one of these, between these:
//   two full stops or more, U+2026, a symbol (category So)   anything
//   - -- --- U+2013 U+2014 ~ alone, a comma                  letters
//   : < > = /                                                a letter or digit, and a letter
//   + - * ^                                                  a digit, and a digit or "-"
//   .                                                        lower case or a quotation mark, and upper case or such a mark
struct Joint {
  const char* end = nullptr;    // where the next word's character begins, when all is one word
  uint32_t num_chars = 0;       // code points up to there
  const char* glued = nullptr;  // behind a full stop that parts: the marks from here on belong to the next word (|."|Next)
};
// p: behind a word's character of that kind, which is in the same text.
Joint find_joint(const char* p, const char* end, Kind before);

}  // namespace athanor::words
