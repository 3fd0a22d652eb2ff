// The scanners behind split.h. Each does what its regex does, by hand; the regexes use no \s class that differs
// from White_Space, and look ahead only in `\s+(?!\S)`: white space that ends the text or leaves its last
// character to what follows.
#pragma once

#include <string_view>

#include "athanor/base/unicode.h"
#include "athanor/token/split/class_table.h"

namespace athanor::token {

enum class Class : uint8_t { kOther, kLetter, kNumber, kSpace };

constexpr Class class_of_ascii(uint8_t byte) {
  if ((byte | 0x20) >= 'a' && (byte | 0x20) <= 'z') {
    return Class::kLetter;
  }
  if (byte >= '0' && byte <= '9') {
    return Class::kNumber;
  }
  return byte == ' ' || (byte >= '\t' && byte <= '\r') ? Class::kSpace : Class::kOther;
}

struct AsciiClasses {
  Class of[128];
};
constexpr AsciiClasses make_ascii_classes() {
  AsciiClasses table{};
  for (int byte = 0; byte < 128; ++byte) {
    table.of[byte] = class_of_ascii(static_cast<uint8_t>(byte));
  }
  return table;
}
inline constexpr AsciiClasses kAscii = make_ascii_classes();

inline Class class_of(char32_t code) {
  if (code >= 0x4E00 && code <= 0x9FFF) {
    return Class::kLetter;  // CJK unified ideographs
  }
  const uint16_t bits = class_bits(code);
  const auto category = static_cast<Category>(bits & 31);
  if (category >= Category::kLl && category <= Category::kLu) {
    return Class::kLetter;
  }
  if (category >= Category::kNd && category <= Category::kNo) {
    return Class::kNumber;
  }
  return (bits & kWhiteBit) != 0 ? Class::kSpace : Class::kOther;
}

// The class of the character at p and, in next, where it ends. p < end.
inline Class read(const char* p, const char* end, const char*& next) {
  const uint8_t byte = static_cast<uint8_t>(*p);
  if (byte < 0x80) {
    next = p + 1;
    return kAscii.of[byte];
  }
  next = p;
  return class_of(decode_utf8(next, end));
}

inline const char* skip(const char* p, const char* end, Class kind) {
  const char* next;
  while (p != end && read(p, end, next) == kind) {
    p = next;
  }
  return p;
}

inline bool is_newline(char c) { return c == '\r' || c == '\n'; }

// 's 't 'm 'd 're 've 'll at p, where *p is the apostrophe; its length, or 0. any_case also takes capitals and,
// as case folding has it, U+017F (long s) for s.
inline size_t contraction(const char* p, const char* end, bool any_case) {
  const auto at = [&](size_t i) {
    const char c = p + i < end ? p[i] : '\0';
    return any_case && c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
  };
  const char first = at(1);
  if (first == 's' || first == 't' || first == 'm' || first == 'd') {
    return 2;
  }
  const char second = at(2);
  if ((first == 'r' && second == 'e') || (first == 'v' && second == 'e') || (first == 'l' && second == 'l')) {
    return 3;
  }
  return any_case && first == '\xC5' && at(2) == '\xBF' ? 3 : 0;
}

// `\s+(?!\S)|\s+` at the white space [p, stop): all of it at the text's end or when it is one character, else all
// but its last character.
inline const char* leave_last_space(const char* p, const char* stop, const char* end) {
  if (stop == end) {
    return stop;
  }
  const char* last = stop - 1;
  while (last > p && (static_cast<uint8_t>(*last) & 0xC0) == 0x80) {
    --last;
  }
  return last == p ? stop : last;
}

// '(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
struct Gpt2Scanner {
  static const char* piece(const char* p, const char* end) {
    if (*p == '\'') {
      const size_t length = contraction(p, end, false);
      if (length != 0) {
        return p + length;
      }
    }
    const char* const start = *p == ' ' && p + 1 != end ? p + 1 : p;
    const char* next;
    Class kind = read(start, end, next);
    if (kind != Class::kSpace) {
      return skip(next, end, kind);
    }
    return leave_last_space(p, skip(next, end, Class::kSpace), end);
  }
};

// (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,kDigits}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|
// \s+(?!\S)|\s+
template <int kDigits>
struct Llama3Scanner {
  static const char* piece(const char* p, const char* end) {
    if (*p == '\'') {
      const size_t length = contraction(p, end, true);
      if (length != 0) {
        return p + length;
      }
    }
    const char* next;
    const Class kind = read(p, end, next);
    if (kind == Class::kLetter) {
      return skip(next, end, Class::kLetter);
    }
    if (kind == Class::kNumber) {
      const char* after;
      for (int digits = 1; digits < kDigits && next != end && read(next, end, after) == Class::kNumber; ++digits) {
        next = after;
      }
      return next;
    }
    const char* second = next;
    const Class follows = next != end ? read(next, end, second) : Class::kSpace;
    if (follows == Class::kLetter && !is_newline(*p)) {
      return skip(second, end, Class::kLetter);
    }
    if (kind == Class::kOther || (*p == ' ' && follows == Class::kOther)) {
      const char* stop = skip(next, end, Class::kOther);
      while (stop != end && is_newline(*stop)) {
        ++stop;
      }
      return stop;
    }
    return white_space(p, next, end);
  }

 private:
  static const char* white_space(const char* p, const char* next, const char* end) {
    const char* const stop = skip(next, end, Class::kSpace);
    for (const char* last = stop; last != p; --last) {
      if (is_newline(last[-1])) {
        return last;
      }
    }
    return leave_last_space(p, stop, end);
  }
};

// [\s\S]
struct CharScanner {
  static const char* piece(const char* p, const char* end) {
    decode_utf8(p, end);
    return p;
  }
};

struct WholeScanner {
  static const char* piece(const char*, const char* end) { return end; }
};

template <typename Scanner>
size_t scan(std::string_view text, size_t begin, size_t* ends, size_t max) {
  const char* p = text.data() + begin;
  const char* const end = text.data() + text.size();
  size_t count = 0;
  while (count < max && p != end) {
    p = Scanner::piece(p, end);
    ends[count++] = static_cast<size_t>(p - text.data());
  }
  return count;
}

}  // namespace athanor::token
