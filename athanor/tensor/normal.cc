#include "athanor/tensor/normal.h"

#include <cstring>

#include "athanor/base/rng.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

constexpr int64_t kWords = 8;
typedef uint64_t Bits __attribute__((vector_size(64)));
typedef int64_t Integers __attribute__((vector_size(64)));
typedef double Doubles __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32)));

ATHANOR_INLINE Doubles all(double x) { return Doubles{} + x; }

ATHANOR_INLINE Bits mix(Bits x) {  // mix64
  x += 0x9e3779b97f4a7c15ULL;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

ATHANOR_INLINE Doubles unit(Bits bits) {  // to_unit
  return __builtin_convertvector(reinterpret_cast<Integers>(bits >> 11), Doubles) * 0x1.0p-53;
}

// ln x of a normal x > 0, within 1 ulp: x = 2^k m with m about 1, then fdlibm's polynomial (e_log.c).
ATHANOR_INLINE Doubles logarithm(Doubles x) {
  constexpr int64_t kRootHalf = 0x3fe6a09e667f3bcd;
  const Integers bits = reinterpret_cast<Integers>(x);
  const Integers power = (bits - kRootHalf) >> 52;
  const Doubles k = __builtin_convertvector(power, Doubles);
  const Doubles f = reinterpret_cast<Doubles>(bits - (power << 52)) - 1.0;
  const Doubles s = f / (2.0 + f);
  const Doubles z = s * s;
  Doubles r = all(1.479819860511658591e-01);
  r = r * z + 1.531383769920937332e-01;
  r = r * z + 1.818357216161805012e-01;
  r = r * z + 2.222219843214978396e-01;
  r = r * z + 2.857142874366239149e-01;
  r = r * z + 3.999999999940941908e-01;
  r = r * z + 6.666666666666735130e-01;
  r = r * z;
  const Doubles half = 0.5 * f * f;
  return k * 6.93147180369123816490e-01 - ((half - (s * (half + r) + k * 1.90821492927058770002e-10)) - f);
}

// cos(2 pi t) of t in [0, 1), within 2 ulp of 1: the nearest quarter turn taken off, then fdlibm's polynomials (k_cos.c,
// k_sin.c).
ATHANOR_INLINE Doubles cosine_of_turn(Doubles t) {
  const Doubles shifted = t * 4.0 + 6755399441055744.0;  // 1.5 * 2^52: rounds to the nearest integer
  const Integers quarter = reinterpret_cast<Integers>(shifted) & 3;
  const Doubles x = (t - (shifted - 6755399441055744.0) * 0.25) * 6.283185307179586477;
  const Doubles z = x * x;
  Doubles c = all(-1.13596475577881948265e-11);
  c = c * z + 2.08757232129817482790e-09;
  c = c * z - 2.75573143513906633035e-07;
  c = c * z + 2.48015872894767294178e-05;
  c = c * z - 1.38888888888741095749e-03;
  c = c * z + 4.16666666666666019037e-02;
  const Doubles cosine = 1.0 - (0.5 * z - z * z * c);
  Doubles p = all(1.58969099521155010221e-10);
  p = p * z - 2.50507602534068634195e-08;
  p = p * z + 2.75573137070700676789e-06;
  p = p * z - 1.98412698298579493134e-04;
  p = p * z + 8.33333333332248946124e-03;
  p = p * z - 1.66666666666666324348e-01;
  const Doubles sine = x + x * z * p;
  const Integers odd = -(quarter & 1);
  const Integers value = (reinterpret_cast<Integers>(sine) & odd) | (reinterpret_cast<Integers>(cosine) & ~odd);
  return reinterpret_cast<Doubles>(value ^ (((quarter + 1) & 2) << 62));  // the second and third quarter's sign
}

// The square root of x >= 0 within 2 ulp, 0 for 0: four steps of Newton for 1 / sqrt(x).
ATHANOR_INLINE Doubles root(Doubles x) {
  Doubles y = reinterpret_cast<Doubles>(0x5fe6eb50c7b537a9 - (reinterpret_cast<Integers>(x) >> 1));
  const Doubles half = x * 0.5;
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  y = y * (1.5 - half * y * y);
  return x * y;
}

ATHANOR_SIMD void fill_span(float* out, int64_t first, int64_t count, double std, uint64_t seed) {
  for (int64_t i = 0; i < count; i += kWords) {
    const Bits index = reinterpret_cast<Bits>(Integers{0, 1, 2, 3, 4, 5, 6, 7} + (first + i));
    const Bits place = mix(index ^ seed);
    const Doubles u = 1.0 - unit(mix(mix(place)));  // in (0, 1]
    const Doubles turn = unit(mix(mix(place ^ 1)));
    const Floats value = __builtin_convertvector(std * root(-2.0 * logarithm(u)) * cosine_of_turn(turn), Floats);
    if (count - i >= kWords) {
      std::memcpy(out + i, &value, sizeof value);
    } else {
      std::memcpy(out + i, &value, static_cast<size_t>(count - i) * sizeof(float));
    }
  }
}

}  // namespace

void fill_normal_span(float* out, int64_t first, int64_t count, double std, uint64_t key) {
  fill_span(out, first, count, std, mix64(key));
}

}  // namespace athanor
