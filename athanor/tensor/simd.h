// Sixteen floats at a time, in the compiler's own vector type: one source for AVX-512, AVX2 and the baseline.
// ATHANOR_SIMD marks a plain function that is compiled for each and chosen when the program is loaded; everything
// it calls must be ATHANOR_INLINE. The order of a reduction does not depend on the instruction set.
#pragma once

#include <c10/util/BFloat16.h>
#include <c10/util/Half.h>

#include <cstdint>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

#if defined(ATHANOR_SIMD_ONLY)  // one of them alone: a build that tests it (CMake: ATHANOR_SIMD_ONLY)
#define ATHANOR_SIMD __attribute__((target(ATHANOR_SIMD_ONLY), optimize("O3")))
#elif defined(__x86_64__)
#define ATHANOR_SIMD __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default"), optimize("O3")))
#else
#define ATHANOR_SIMD __attribute__((optimize("O3")))
#endif
#define ATHANOR_INLINE __attribute__((always_inline)) static inline

namespace athanor::simd {

constexpr int64_t kLanes = 16;
typedef float Vec __attribute__((vector_size(64)));
typedef int32_t IntVec __attribute__((vector_size(64)));
typedef uint32_t UintVec __attribute__((vector_size(64)));
typedef uint16_t HalfVec __attribute__((vector_size(32)));

ATHANOR_INLINE Vec splat(float x) { return Vec{} + x; }

ATHANOR_INLINE Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ATHANOR_INLINE void store(float* p, Vec v) { std::memcpy(p, &v, sizeof v); }

ATHANOR_INLINE Vec load(const c10::BFloat16* p) {
  HalfVec h;
  std::memcpy(&h, p, sizeof h);
  return reinterpret_cast<Vec>(__builtin_convertvector(h, UintVec) << 16);
}
// Rounds to nearest even.
ATHANOR_INLINE void store(c10::BFloat16* p, Vec v) {
  const UintVec bits = reinterpret_cast<UintVec>(v);
  const HalfVec h = __builtin_convertvector((bits + 0x7fffu + ((bits >> 16) & 1u)) >> 16, HalfVec);
  std::memcpy(p, &h, sizeof h);
}

// fp16 by integer and float arithmetic, so that a processor without conversion instructions gives the same bits. The
// exponent is moved by a product with a power of two, which sets subnormals right as well.
ATHANOR_INLINE Vec load(const c10::Half* p) {
  HalfVec h;
  std::memcpy(&h, p, sizeof h);
  const UintVec wide = __builtin_convertvector(h, UintVec);
  const UintVec sign = (wide & 0x8000u) << 16;
  const UintVec magnitude = (wide & 0x7fffu) << 13;
  const UintVec finite = reinterpret_cast<UintVec>(reinterpret_cast<Vec>(magnitude) * 0x1p112f);
  const UintVec special = magnitude | 0x7f800000u;  // infinity, NaN
  return reinterpret_cast<Vec>((magnitude >= 0x0f800000u ? special : finite) | sign);
}
// Rounds to nearest even; beyond 65504 becomes infinity.
ATHANOR_INLINE void store(c10::Half* p, Vec v) {
  const UintVec bits = reinterpret_cast<UintVec>(v);
  const UintVec sign = (bits >> 16) & 0x8000u;
  const UintVec magnitude = bits & 0x7fffffffu;
  // Subnormal results: adding 0.5 leaves the mantissa's last bits where the hardware rounds them.
  const UintVec small = reinterpret_cast<UintVec>(reinterpret_cast<Vec>(magnitude) + 0.5f) - 0x3f000000u;
  const UintVec normal = (magnitude - (112u << 23) + 0xfffu + ((magnitude >> 13) & 1u)) >> 13;
  UintVec h = magnitude < (113u << 23) ? small : normal;
  h = magnitude >= 0x47800000u ? UintVec{} + 0x7c00u : h;
  h = magnitude > 0x7f800000u ? UintVec{} + 0x7e00u : h;
  const HalfVec out = __builtin_convertvector(h | sign, HalfVec);
  std::memcpy(p, &out, sizeof out);
}

// The first n < 16 elements; the rest read as 0.
template <typename T>
ATHANOR_INLINE Vec load_part(const T* p, int64_t n) {
  T tail[kLanes] = {};
  std::memcpy(static_cast<void*>(tail), p, n * sizeof(T));
  return load(tail);
}
template <typename T>
ATHANOR_INLINE void store_part(T* p, Vec v, int64_t n) {
  T tail[kLanes];
  store(tail, v);
  std::memcpy(static_cast<void*>(p), tail, n * sizeof(T));
}

ATHANOR_INLINE float sum(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) {
      lanes[i] += lanes[i + half];
    }
  }
  return lanes[0];
}
ATHANOR_INLINE Vec max(Vec a, Vec b) { return a > b ? a : b; }
ATHANOR_INLINE Vec min(Vec a, Vec b) { return a < b ? a : b; }
ATHANOR_INLINE float max_lane(Vec v) {
  float lanes[kLanes];
  store(lanes, v);
  float best = lanes[0];
  for (int64_t i = 1; i < kLanes; ++i) {
    best = lanes[i] > best ? lanes[i] : best;
  }
  return best;
}

// e^x, within 2 ulp on [-87, 88] (outside it is clamped): x = n ln 2 + r, a polynomial in r (Cephes expf), 2^n by
// the exponent bits.
ATHANOR_INLINE Vec exp(Vec x) {
  x = min(splat(88.0f), max(splat(-87.3f), x));  // in this order a NaN stays one
  const Vec shifted = x * 1.44269504088896341f + splat(12582912.0f);  // 1.5 * 2^23: rounds to the nearest integer
  const Vec n = shifted - 12582912.0f;
  const Vec r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Vec p = splat(1.9875691500e-4f);
  p = p * r + 1.3981999507e-3f;
  p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f;
  p = p * r + 1.6666665459e-1f;
  p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.0f;
  const IntVec power = (__builtin_convertvector(n, IntVec) + 127) << 23;
  return p * reinterpret_cast<Vec>(power);
}

ATHANOR_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exp(-x)); }

// The normal distribution: e^(-x^2/2), and from it the share below x (Abramowitz and Stegun 7.1.26, within 1e-7).
ATHANOR_INLINE Vec gauss(Vec x) { return exp(x * x * -0.5f); }
ATHANOR_INLINE Vec normal_below(Vec x, Vec gauss_x) {
  const Vec t = 1.0f / (1.0f + 0.2316418829f * (x < 0 ? -x : x));
  const Vec p = ((((0.5307027145f * t - 0.7265760135f) * t + 0.7107068705f) * t - 0.142248368f) * t + 0.127414796f) * t;
  const Vec tail = p * gauss_x;
  return x < 0 ? tail : 1.0f - tail;
}

}  // namespace athanor::simd
