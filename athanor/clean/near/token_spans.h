// The tokens of a text with the places where they stand: what passages and evaluation items are compared by.
//
// The rule of "plain" in shingle.h: a token is a run of letters, marks, numbers and _ in lower case, or one character of
// a script without spaces (Han, kana, Thai, ...). Punctuation, white space and case do not count; numbers do.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct TokenSpan {
  uint64_t hash;        // well mixed
  uint32_t begin, end;  // bytes of the text
};

inline constexpr char kTokenEnd = ' ';  // in no token

class TokenScanner {
 public:
  TokenScanner();
  // Replaces out. Ill-formed UTF-8 separates words. Only the first 2^32 - 1 bytes are read. Thread-safe.
  void scan(std::string_view text, std::vector<TokenSpan>& out) const;
  // Appends what the token is compared by, in lower case, and kTokenEnd: equal tokens are equal there, and only these.
  void append_token(std::string_view text, const TokenSpan& token, std::string& out) const;

 private:
  uint32_t entry(char32_t code) const;

  std::vector<uint32_t> table_;  // of code points below 0x10000: kind and lower-case form
};

// A rolling hash of `width` tokens: the same for the same tokens wherever they stand.
class TokenWindow {
 public:
  explicit TokenWindow(size_t width);
  size_t width() const { return width_; }
  // Calls fn(first token, hash) for every window. The hash is well mixed.
  template <class Fn>
  void for_each(const std::vector<TokenSpan>& tokens, Fn&& fn) const {
    if (tokens.size() < width_ || width_ == 0) {
      return;
    }
    uint64_t sum = 0;
    for (size_t i = 0; i < tokens.size(); ++i) {
      if (i >= width_) {
        sum -= tokens[i - width_].hash * top_;
      }
      sum = sum * kBase + tokens[i].hash;
      if (i + 1 >= width_) {
        fn(i + 1 - width_, mix(sum));
      }
    }
  }

 private:
  static constexpr uint64_t kBase = 0x9ddfea08eb382d69ULL;  // odd
  static uint64_t mix(uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }
  size_t width_;
  uint64_t top_ = 1;  // kBase^(width - 1)
};

}  // namespace athanor
