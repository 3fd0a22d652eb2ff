// Reading one character beyond ASCII inline, by the same rules as decode_utf8 of base (a maximal bad subpart is one
// U+FFFD).
#pragma once

#include "athanor/base/unicode.h"

namespace athanor::token {

struct HighRead {
  char32_t code;  // U+FFFD when ill-formed
  int length;     // 0: room ends inside it
  bool valid;
};

// p: a byte of 80 or more, with room bytes from it on (at least one).
inline HighRead read_high(const char* p, size_t room) {
  const auto byte = [p](int i) { return static_cast<uint32_t>(static_cast<uint8_t>(p[i])); };
  const uint32_t first = byte(0);
  if (first < 0xC2 || first > 0xF4) {
    return {kReplacement, 1, false};
  }
  const int length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  char32_t code = first & (0x7Fu >> length);
  for (int i = 1; i < length; ++i) {
    if (static_cast<size_t>(i) == room) {
      return {kReplacement, 0, false};
    }
    const uint32_t next = byte(i);
    uint32_t low = 0x80, high = 0xBF;
    if (i == 1) {  // neither overlong, nor a surrogate, nor above U+10FFFF
      low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
      high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
    }
    if (next < low || next > high) {
      return {kReplacement, i, false};
    }
    code = code << 6 | (next & 0x3F);
  }
  return {code, length, true};
}

}  // namespace athanor::token
