#include "athanor/data/readers/json_scan.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor {

namespace {

// True when one of 8 bytes is a quote, a backslash or below 0x20 (Mycroft's test; it may also say true for a byte
// of 0x80 and more that follows such a one, which costs only time).
bool has_special(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL, kHigh = 0x8080808080808080ULL;
  const uint64_t quote = word ^ (kOnes * '"'), backslash = word ^ (kOnes * '\\');
  return (((quote - kOnes) & ~quote) | ((backslash - kOnes) & ~backslash) | ((word - kOnes * 0x20) & ~word)) & kHigh;
}

// The first place at or after `at` that may hold a quote, a backslash or a byte below 0x20, or that lies within the
// last bytes of the text.
size_t skip_plain(std::string_view text, size_t at) {
#if defined(__SSE2__)
  const __m128i quote = _mm_set1_epi8('"'), backslash = _mm_set1_epi8('\\'), control = _mm_set1_epi8(0x1f);
  for (; at + 16 <= text.size(); at += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i special = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, quote), _mm_cmpeq_epi8(bytes, backslash)),
                                         _mm_cmpeq_epi8(_mm_min_epu8(bytes, control), bytes));
    if (const int mask = _mm_movemask_epi8(special); mask != 0) {
      return at + static_cast<size_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
#endif
  uint64_t word = 0;
  while (at + 8 <= text.size() && (std::memcpy(&word, text.data() + at, 8), !has_special(word))) {
    at += 8;
  }
  return at;
}

// What an escape of one letter stands for; 0 where there is none.
constexpr std::array<char, 256> make_escaped() {
  std::array<char, 256> bytes{};
  constexpr std::string_view kCodes = "\"\\/bfnrt", kBytes = "\"\\/\b\f\n\r\t";
  for (size_t i = 0; i < kCodes.size(); ++i) {
    bytes[static_cast<uint8_t>(kCodes[i])] = kBytes[i];
  }
  return bytes;
}
constexpr std::array<char, 256> kEscaped = make_escaped();

int hex_digit(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

// The four hex digits at `at`, or -1.
int hex_four(std::string_view text, size_t at) {
  int value = 0;
  for (size_t i = at; i < at + 4; ++i) {
    const int digit = i < text.size() ? hex_digit(text[i]) : -1;
    if (digit < 0) {
      return -1;
    }
    value = value * 16 + digit;
  }
  return value;
}

bool is_high_surrogate(int unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low_surrogate(int unit) { return unit >= 0xdc00 && unit < 0xe000; }

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  void space() {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n' || text_[at_] == '\r' || text_[at_] == '\t')) {
      ++at_;
    }
  }
  bool take(char c) {
    if (at_ < text_.size() && text_[at_] == c) {
      ++at_;
      return true;
    }
    return false;
  }
  bool at_end() {
    space();
    return at_ == text_.size();
  }

  // Begins behind the opening quote and ends behind the closing one.
  bool string() {
    while (true) {
      at_ = skip_plain(text_, at_);
      if (at_ == text_.size()) {
        break;
      }
      const char c = text_[at_++];
      if (c == '"') {
        return true;
      }
      if (static_cast<uint8_t>(c) < 0x20 || (c == '\\' && !escape())) {
        return false;
      }
    }
    return false;
  }

  bool value(int depth) {
    if (at_ == text_.size() || depth > kMaxJsonDepth) {
      return false;
    }
    switch (text_[at_]) {
      case '"':
        ++at_;
        return string();
      case '{':
        return object(depth, nullptr);
      case '[':
        return array(depth);
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool object(int depth, std::vector<JsonField>* fields) {
    ++at_;
    space();
    if (take('}')) {
      return true;
    }
    do {
      space();
      const size_t key = at_ + 1;
      if (!take('"') || !string()) {
        return false;
      }
      const size_t key_end = at_ - 1;
      space();
      if (!take(':')) {
        return false;
      }
      space();
      const size_t begin = at_;
      if (!value(depth + 1)) {
        return false;
      }
      if (fields != nullptr) {
        fields->push_back({text_.substr(key, key_end - key), text_.substr(begin, at_ - begin)});
      }
      space();
    } while (take(','));
    return take('}');
  }

 private:
  bool array(int depth) {
    ++at_;
    space();
    if (take(']')) {
      return true;
    }
    do {
      space();
      if (!value(depth + 1)) {
        return false;
      }
      space();
    } while (take(','));
    return take(']');
  }

  // Behind a backslash.
  bool escape() {
    if (at_ == text_.size()) {
      return false;
    }
    const char c = text_[at_++];
    if (c != 'u') {
      return kEscaped[static_cast<uint8_t>(c)] != '\0';
    }
    const int unit = hex_four(text_, at_);
    at_ += 4;
    if (unit < 0 || is_low_surrogate(unit)) {
      return false;
    }
    if (!is_high_surrogate(unit)) {
      return true;
    }
    if (text_.substr(at_, 2) != "\\u" || !is_low_surrogate(hex_four(text_, at_ + 2))) {
      return false;
    }
    at_ += 6;
    return true;
  }

  bool word(std::string_view expected) {
    if (text_.substr(at_, expected.size()) != expected) {
      return false;
    }
    at_ += expected.size();
    return true;
  }

  bool digits() {
    const size_t begin = at_;
    while (at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9') {
      ++at_;
    }
    return at_ > begin;
  }

  bool number() {
    constexpr size_t kSafeDigits = 300;  // shorter than this and without an exponent it fits a double
    const size_t begin = at_;
    take('-');
    if (!take('0') && !digits()) {
      return false;
    }
    if (take('.') && !digits()) {
      return false;
    }
    bool check = at_ - begin > kSafeDigits;
    if (take('e') || take('E')) {
      check = true;
      if (!take('+')) {
        take('-');
      }
      if (!digits()) {
        return false;
      }
    }
    return !check || std::isfinite(std::strtod(std::string(text_.substr(begin, at_ - begin)).c_str(), nullptr));
  }

  std::string_view text_;
  size_t at_ = 0;
};

void append_utf8(uint32_t point, std::string& out) {
  if (point < 0x80) {
    out += static_cast<char>(point);
  } else if (point < 0x800) {
    out += static_cast<char>(0xc0 | point >> 6);
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    out += static_cast<char>(0xe0 | point >> 12);
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | point >> 18);
    out += static_cast<char>(0x80 | (point >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (point >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (point & 0x3f));
  }
}

}  // namespace

bool is_json(std::string_view text) {
  Scanner scanner(text);
  scanner.space();
  return scanner.value(0) && scanner.at_end();
}

bool scan_json_object(std::string_view text, std::vector<JsonField>& fields) {
  fields.clear();
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos || text[begin] != '{') {
    return false;
  }
  Scanner scanner(text);
  scanner.space();
  if (scanner.object(0, &fields) && scanner.at_end()) {
    return true;
  }
  fields.clear();
  return false;
}

namespace {

// The bytes before the first backslash, copied; as many again may be written behind them.
size_t copy_plain(const char* from, size_t size, char* to) {
  size_t done = 0;
#if defined(__SSE2__)
  const __m128i backslash = _mm_set1_epi8('\\');
  for (; done + 16 <= size; done += 16) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from + done));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(to + done), bytes);
    if (const int mask = _mm_movemask_epi8(_mm_cmpeq_epi8(bytes, backslash)); mask != 0) {
      return done + static_cast<size_t>(std::countr_zero(static_cast<unsigned>(mask)));
    }
  }
#endif
  for (; done < size && from[done] != '\\'; ++done) {
    to[done] = from[done];
  }
  return done;
}

}  // namespace

void unescape_json(std::string_view raw, std::string& out) {
  const size_t start = out.size();
  out.resize(start + raw.size());  // an escape is never shorter than what it stands for
  char* to = out.data() + start;
  size_t at = 0;
  std::string point;
  while (true) {
    at = std::min(at, raw.size());
    const size_t plain = copy_plain(raw.data() + at, raw.size() - at, to);
    to += plain;
    at += plain;
    if (at + 1 >= raw.size()) {
      break;
    }
    const char c = raw[at + 1];
    at += 2;
    if (c != 'u') {
      const char byte = kEscaped[static_cast<uint8_t>(c)];
      *to++ = byte != '\0' ? byte : c;
      continue;
    }
    auto code = static_cast<uint32_t>(hex_four(raw, at));
    at += 4;
    if (is_high_surrogate(static_cast<int>(code))) {
      const auto low = static_cast<uint32_t>(hex_four(raw, at + 2));
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
      at += 6;
    }
    point.clear();
    append_utf8(code, point);
    to = std::copy(point.begin(), point.end(), to);
  }
  out.resize(static_cast<size_t>(to - out.data()));
}

}  // namespace athanor
