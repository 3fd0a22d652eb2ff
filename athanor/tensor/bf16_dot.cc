#include "athanor/tensor/bf16_dot.h"

#if defined(ATHANOR_BF16_DOT)
#include <cpuid.h>

#include <algorithm>

namespace athanor::bf16_dot {
namespace {

bool has_matrix_unit() {
  unsigned int a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned int kAmxBf16 = 1U << 22;
  return __get_cpuid_count(7, 0, &a, &b, &c, &d) != 0 && (d & kAmxBf16) != 0;
}

// Rows of words become columns.
ATHANOR_DOT_INLINE void transpose(__m512i r[16]) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
    t[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
    t[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
    t[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0x88);
    r[i + 8] = _mm512_shuffle_i32x4(t[i], t[i + 8], 0xdd);
    r[i + 4] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0x88);
    r[i + 12] = _mm512_shuffle_i32x4(t[i + 4], t[i + 12], 0xdd);
  }
}

ATHANOR_DOT_INLINE __mmask16 first_of(int64_t n) {
  return n >= 16 ? 0xffff : n <= 0 ? 0 : static_cast<__mmask16>((1U << n) - 1);
}
// The first n of 16 elements, rounded where they are fp32.
ATHANOR_DOT_INLINE __m256i load_part(const c10::BFloat16* p, int64_t n) {
  return _mm256_maskz_loadu_epi16(first_of(n), p);
}
ATHANOR_DOT_INLINE __m256i load_part(const float* p, int64_t n) { return rounded(_mm512_maskz_loadu_ps(first_of(n), p)); }
// The first n (even) of 32.
ATHANOR_DOT_INLINE __m512i load_pairs(const c10::BFloat16* p, int64_t n) {
  return _mm512_maskz_loadu_epi32(first_of(n / 2), p);
}
ATHANOR_DOT_INLINE __m512i load_pairs(const float* p, int64_t n) {
  return reinterpret_cast<__m512i>(
      _mm512_cvtne2ps_pbh(_mm512_maskz_loadu_ps(first_of(n - 16), p + 16), _mm512_maskz_loadu_ps(first_of(n), p)));
}

// Asks for 32 elements before they are needed: sixteen short streams are more than the processor follows by itself
// (measured: 10 % of a product whose right operand lies in memory). No fault where p is no memory.
template <typename T>
ATHANOR_DOT_INLINE void ask_for(const T* p) {
  for (int64_t i = 0; i < 32; i += 64 / static_cast<int64_t>(sizeof(T))) {
    _mm_prefetch(reinterpret_cast<const char*>(p + i), _MM_HINT_T0);
  }
}

template <typename T>
ATHANOR_DOT_INLINE void interleave_lines_of(const T* lines, int64_t stride, int64_t count, int64_t width, int64_t padded,
                                            Words* to) {
  alignas(64) constexpr uint16_t kLow[32] = {0, 32, 1, 33, 2,  34, 3,  35, 4,  36, 5,  37, 6,  38, 7,  39,
                                             8, 40, 9, 41, 10, 42, 11, 43, 12, 44, 13, 45, 14, 46, 15, 47};
  const __m512i low = _mm512_load_si512(kLow);
  const __m512i high = _mm512_add_epi16(low, _mm512_set1_epi16(16));
  for (int64_t k = 0; k < count; k += 2, lines += 2 * stride, to += padded) {
    int64_t j = 0;
    for (; j + 32 <= width; j += 32) {
      const __m512i a = load_pairs(lines + j, 32);
      const __m512i b = load_pairs(lines + stride + j, 32);
      _mm512_storeu_si512(to + j, _mm512_permutex2var_epi16(a, low, b));
      _mm512_storeu_si512(to + j + 16, _mm512_permutex2var_epi16(a, high, b));
    }
    for (; j < padded; j += 16) {
      _mm512_storeu_si512(to + j, interleaved(load_part(lines + j, width - j), load_part(lines + stride + j, width - j)));
    }
  }
}

template <typename T>
ATHANOR_DOT_INLINE void pack_lines_of(const T* lines, int64_t stride, int64_t count, int64_t width, int64_t padded,
                                      Words* to) {
  for (int64_t j = 0; j < padded; j += 16) {
    for (int64_t k = 0; k < count; k += 32) {
      const int64_t here = std::min<int64_t>(32, count - k);
      __m512i rows[16];
      for (int64_t i = 0; i < 16; ++i) {
        const T* row = lines + (j + i) * stride + k;
        ask_for(row + 16 * stride);
        rows[i] = j + i < width ? load_pairs(row, here) : _mm512_setzero_si512();
      }
      transpose(rows);
      for (int64_t i = 0; i < here / 2; ++i) {
        _mm512_storeu_si512(to + (k / 2 + i) * padded + j, rows[i]);
      }
    }
  }
}

}  // namespace

bool supported() {
  static const bool yes = __builtin_cpu_supports("avx512bf16") && __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq") &&
                          __builtin_cpu_supports("avx512cd") && __builtin_cpu_supports("fma") && !has_matrix_unit();
  return yes;
}

ATHANOR_DOT void interleave_lines(const c10::BFloat16* lines, int64_t stride, int64_t count, int64_t width,
                                  int64_t padded, Words* to) {
  interleave_lines_of(lines, stride, count, width, padded, to);
}
ATHANOR_DOT void interleave_lines(const float* lines, int64_t stride, int64_t count, int64_t width, int64_t padded,
                                  Words* to) {
  interleave_lines_of(lines, stride, count, width, padded, to);
}
ATHANOR_DOT void pack_lines(const c10::BFloat16* lines, int64_t stride, int64_t count, int64_t width, int64_t padded,
                            Words* to) {
  pack_lines_of(lines, stride, count, width, padded, to);
}
ATHANOR_DOT void pack_lines(const float* lines, int64_t stride, int64_t count, int64_t width, int64_t padded, Words* to) {
  pack_lines_of(lines, stride, count, width, padded, to);
}

}  // namespace athanor::bf16_dot

#endif
