#include "athanor/clean/find_folded.h"

#include <bit>
#include <cstdint>

#if defined(__x86_64__)
#include <emmintrin.h>
#endif

namespace athanor {

namespace {

char fold(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c; }

bool stands_at(const char* text, std::string_view needle) {
  for (size_t i = 0; i < needle.size(); ++i) {
    if (fold(text[i]) != needle[i]) {
      return false;
    }
  }
  return true;
}

}  // namespace

size_t find_folded(std::string_view text, std::string_view needle, size_t from) {
  if (needle.empty() || text.size() < needle.size()) {
    return std::string_view::npos;
  }
  const size_t places = text.size() - needle.size() + 1;
  size_t at = from;
#if defined(__x86_64__)
  // Candidates: first and last byte fit, with bit 5 set on both sides (letters of both cases, and a few others).
  const __m128i bit = _mm_set1_epi8(0x20);
  const __m128i first = _mm_set1_epi8(static_cast<char>(needle.front() | 0x20));
  const __m128i last = _mm_set1_epi8(static_cast<char>(needle.back() | 0x20));
  for (; at + 16 <= places; at += 16) {
    const __m128i a = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at));
    const __m128i b = _mm_loadu_si128(reinterpret_cast<const __m128i*>(text.data() + at + needle.size() - 1));
    const __m128i fits = _mm_and_si128(_mm_cmpeq_epi8(_mm_or_si128(a, bit), first),
                                       _mm_cmpeq_epi8(_mm_or_si128(b, bit), last));
    for (auto mask = static_cast<uint32_t>(_mm_movemask_epi8(fits)); mask != 0; mask &= mask - 1) {
      const size_t place = at + static_cast<size_t>(std::countr_zero(mask));
      if (stands_at(text.data() + place, needle)) {
        return place;
      }
    }
  }
#endif
  for (; at < places; ++at) {
    if (stands_at(text.data() + at, needle)) {
      return at;
    }
  }
  return std::string_view::npos;
}

}  // namespace athanor
