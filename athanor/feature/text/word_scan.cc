#include "athanor/feature/text/word_scan.h"

#include <array>
#include <bit>
#include <cstring>

#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor {

namespace {

constexpr size_t kStep = 16;

constexpr bool is_ascii_word(char32_t c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_';
}

struct StepMasks {
  uint32_t high = 0;   // bytes beyond ASCII
  uint32_t words = 0;  // of words, where ASCII
};

// Lower-cases what is ASCII of 16 bytes.
#if defined(__SSE2__)
inline StepMasks read_step(const char* from, char* to, bool lowercase) {
  const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(from));
  const auto within = [](__m128i v, char low, int count) {  // unsigned: low <= v < low + count
    const __m128i above = _mm_sub_epi8(v, _mm_set1_epi8(low));
    return _mm_cmpeq_epi8(_mm_min_epu8(above, _mm_set1_epi8(static_cast<char>(count - 1))), above);
  };
  const __m128i upper = within(x, 'A', 26);
  const __m128i folded = _mm_or_si128(x, _mm_and_si128(upper, _mm_set1_epi8(0x20)));
  const __m128i word =
      _mm_or_si128(_mm_or_si128(within(folded, 'a', 26), within(x, '0', 10)), _mm_cmpeq_epi8(x, _mm_set1_epi8('_')));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(to), lowercase ? folded : x);
  return {static_cast<uint32_t>(_mm_movemask_epi8(x)), static_cast<uint32_t>(_mm_movemask_epi8(word))};
}
#else
inline StepMasks read_step(const char* from, char* to, bool lowercase) {
  StepMasks masks;
  for (size_t i = 0; i < kStep; ++i) {
    const auto c = static_cast<unsigned char>(from[i]);
    to[i] = static_cast<char>(lowercase && c >= 'A' && c <= 'Z' ? c + 32 : c);
    masks.high |= static_cast<uint32_t>(c >> 7) << i;
    masks.words |= static_cast<uint32_t>(is_ascii_word(c)) << i;
  }
  return masks;
}
#endif

}  // namespace

bool is_word_character(char32_t code) {
  return code < 0x80 ? is_ascii_word(code) : is_letter(code) || is_number(code);
}

bool is_python_space(char32_t code) {
  return code < 0x80 ? (code >= 9 && code <= 13) || (code >= 0x1c && code <= 0x20) : is_space(code);
}

void append_lower(std::string& out, char32_t code, std::string_view before, const char* p,
                  const char* end) {
  if (code == U'\u0130') {
    out += "i\u0307";
    return;
  }
  if (code != U'\u03a3') {
    append_utf8(out, to_lower(code));
    return;
  }
  constexpr size_t kLooked = 64;
  before.remove_prefix(before.size() > kLooked ? before.size() - kLooked : 0);
  bool letter_before = false;
  for (const char *q = before.data(), *stop = q + before.size(); q < stop;) {
    letter_before = is_letter(decode_utf8(q, stop));
  }
  const bool letter_after = p < end && is_letter(decode_utf8(p, end));
  append_utf8(out, letter_before && !letter_after ? U'\u03c2' : U'\u03c3');
}

void WordScan::reserve(size_t bytes) {
  const size_t wanted = 3 * bytes + 2 * kPadding;  // a bad byte becomes three
  if (capacity_ < wanted) {
    capacity_ = wanted + wanted / 2;
    buffer_ = std::make_unique_for_overwrite<char[]>(capacity_);
    bits_.resize(capacity_ / 64 + 3);
  }
}

void WordScan::mark(uint64_t bits, size_t count) {
  const size_t word = size_ / 64, shift = size_ % 64;
  bits_[word] |= bits << shift;
  bits_[word + 1] = shift + count > 64 ? bits >> (64 - shift) : 0;
  size_ += count;
}

const char* WordScan::read_ascii(const char* p, const char* end, bool lowercase) {
  while (static_cast<size_t>(end - p) >= kStep) {
    const StepMasks masks = read_step(p, buffer_.get() + size_, lowercase);
    if (masks.high != 0) {
      const auto count = static_cast<size_t>(std::countr_zero(masks.high));
      mark(masks.words & ((1U << count) - 1), count);
      return p + count;
    }
    mark(masks.words, kStep);
    p += kStep;
  }
  char last[kStep] = {};
  const auto left = static_cast<size_t>(end - p);
  std::memcpy(last, p, left);
  const StepMasks masks = read_step(last, buffer_.get() + size_, lowercase);
  const size_t count = masks.high != 0 ? static_cast<size_t>(std::countr_zero(masks.high)) : left;
  mark(masks.words & ((1U << count) - 1), count);
  return p + count;
}

const char* WordScan::read_character(const char* p, const char* end, bool lowercase) {
  const char* const begin = p;
  const char32_t code = decode_utf8(p, end);
  const bool word = is_word_character(code);
  piece_.clear();
  if (lowercase && word) {
    append_lower(piece_, code, text(), p, end);
  } else {
    piece_.append(begin, p);
  }
  std::memcpy(buffer_.get() + size_, piece_.data(), piece_.size());
  beyond_ascii_ = beyond_ascii_ || word;
  // What becomes of a letter may hold a mark that is of no word: U+0130.
  for (const char *q = piece_.data(), *stop = q + piece_.size(); q < stop;) {
    const char* const from = q;
    const bool of_word = is_word_character(decode_utf8(q, stop));
    const auto count = static_cast<size_t>(q - from);
    mark(of_word ? (uint64_t{1} << count) - 1 : 0, count);
  }
  return p;
}

void WordScan::read(std::string_view text, bool lowercase) {
  reserve(text.size());
  size_ = 0;
  bits_[0] = 0;
  beyond_ascii_ = false;
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    p = read_ascii(p, end, lowercase);
    if (p < end) {
      p = read_character(p, end, lowercase);
    }
  }
  std::memset(buffer_.get() + size_, 0, kPadding);
  bits_[size_ / 64 + 1] = 0;
  bits_[size_ / 64 + 2] = 0;
  find_edges();
}

void WordScan::find_edges() {
  const size_t words = size_ / 64 + 2;  // the last is 0: it ends a run at the end
  if (edges_.size() < size_ + 2) {
    edges_.resize(2 * size_ + 2);
  }
  uint32_t* out = edges_.data();
  uint64_t before = 0, open = 0;  // the highest bit of what came before, as it was; and kept
  for (size_t i = 0; i < words; ++i) {
    const uint64_t bits = bits_[i], after = i + 1 < words ? bits_[i + 1] : 0;
    const uint64_t kept = bits & ((bits << 1 | before) | (bits >> 1 | after << 63));
    uint64_t turns = kept ^ (kept << 1 | open);
    before = bits >> 63;
    open = kept >> 63;
    for (; turns != 0; turns &= turns - 1) {
      *out++ = static_cast<uint32_t>(i * 64) + static_cast<uint32_t>(std::countr_zero(turns));
    }
  }
  num_edges_ = static_cast<size_t>(out - edges_.data());
}

}  // namespace athanor
