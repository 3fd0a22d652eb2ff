// AVX-512's bf16 dot products and the layouts they want. Included by kernels alone, inside #if defined(ATHANOR_BF16_DOT);
// what they compile with it is marked ATHANOR_DOT and is called only where bf16_dot::supported().
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(ATHANOR_SIMD_ONLY)
#define ATHANOR_BF16_DOT 1
#include <immintrin.h>

#define ATHANOR_DOT __attribute__((target("arch=x86-64-v4,avx512bf16"), optimize("O3")))
#define ATHANOR_DOT_INLINE __attribute__((target("arch=x86-64-v4,avx512bf16"), always_inline)) static inline

namespace athanor::bf16_dot {

// Two neighbours along the sum, the first in the low half: what the instruction multiplies at once.
using Words = uint32_t;

// The instruction is there, and no matrix unit (AMX), which would be faster.
bool supported();

// The word at p in all sixteen places. Kept out of the products' memory operands, which would load it once for each.
ATHANOR_DOT_INLINE __m512i everywhere(const void* p) {
  int word;
  __builtin_memcpy(&word, p, sizeof word);
  __m512i words = _mm512_set1_epi32(word);
  asm("" : "+v"(words));
  return words;
}
ATHANOR_DOT_INLINE __m512 add_dot(__m512 sum, __m512i a, __m512i b) {
  return _mm512_dpbf16_ps(sum, reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b));
}
// Sixteen fp32 to bf16, to nearest even.
ATHANOR_DOT_INLINE __m256i rounded(__m512 x) { return reinterpret_cast<__m256i>(_mm512_cvtneps_pbh(x)); }
ATHANOR_DOT_INLINE __m512 widened(__m256i x) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(x), 16));
}
// Words of two vectors: low[i] in the low half.
ATHANOR_DOT_INLINE __m512i interleaved(__m256i low, __m256i high) {
  return _mm512_or_si512(_mm512_cvtepu16_epi32(low), _mm512_slli_epi32(_mm512_cvtepu16_epi32(high), 16));
}

// `count` (even) lines of `width` elements, a line one k -> words [count / 2][padded], zeros past width. padded: of 16.
// fp32 elements are rounded to nearest even.
void interleave_lines(const c10::BFloat16* lines, int64_t stride, int64_t count, int64_t width, int64_t padded, Words* to);
void interleave_lines(const float* lines, int64_t stride, int64_t count, int64_t width, int64_t padded, Words* to);
// `width` lines of `count` (even) elements, a line all k -> the same.
void pack_lines(const c10::BFloat16* lines, int64_t stride, int64_t count, int64_t width, int64_t padded, Words* to);
void pack_lines(const float* lines, int64_t stride, int64_t count, int64_t width, int64_t padded, Words* to);

}  // namespace athanor::bf16_dot

#endif
