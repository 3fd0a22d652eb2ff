#include "athanor/classic/models/smo_kernels.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>

#include "athanor/classic/trees/boosting_kernels.h"

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

namespace athanor::classic {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();
constexpr double kLeastCurve = 1e-12;
typedef double Vec __attribute__((vector_size(64)));
typedef int64_t Ints __attribute__((vector_size(64)));
typedef float Floats __attribute__((vector_size(32)));

#define ATHANOR_KERNEL __attribute__((always_inline)) static inline

ATHANOR_KERNEL Vec load(const double* from) {
  Vec v;
  std::memcpy(&v, from, sizeof v);
  return v;
}
ATHANOR_KERNEL Vec load(const float* from) {
  Floats half;
  std::memcpy(&half, from, sizeof half);
  return __builtin_convertvector(half, Vec);
}

// Of equal values the one that stands first.
ATHANOR_KERNEL SmoPick best_lane(const Vec& value, const Ints& at, bool largest) {
  SmoPick best{static_cast<size_t>(at[0]), value[0]};
  for (size_t lane = 1; lane < kSmoLanes; ++lane) {
    const bool better = largest ? value[lane] > best.value : value[lane] < best.value;
    if (better || (value[lane] == best.value && static_cast<size_t>(at[lane]) < best.at)) {
      best = {static_cast<size_t>(at[lane]), value[lane]};
    }
  }
  return best;
}

ATHANOR_KERNEL SmoPick least_kernel(const double* slope, const double* bar, size_t count) {
  Vec best = Vec{} + kInfinite;
  Ints best_at{};
  Ints at = {0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t i = 0; i < count; i += kSmoLanes) {
    const Vec value = load(slope + i) + load(bar + i);
    const Ints better = value < best;
    best = better ? value : best;
    best_at = better ? at : best_at;
    at += static_cast<int64_t>(kSmoLanes);
  }
  return best_lane(best, best_at, false);
}

ATHANOR_KERNEL SmoPick partner_kernel(const double* slope, const double* bar, const float* row, const double* squares, double own,
                                      double least, size_t count, double* highest) {
  Vec best = Vec{} - 1;
  Vec top = Vec{} - kInfinite;
  Ints best_at{};
  Ints at = {0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t i = 0; i < count; i += kSmoLanes) {
    const Vec open = load(slope + i) - load(bar + i);
    top = open > top ? open : top;
    const Vec apart = open - least;
    Vec curve = own + load(squares + i) - 2 * load(row + i);
    curve = curve > kLeastCurve ? curve : Vec{} + kLeastCurve;
    const Vec won = apart * apart / curve;
    const Ints better = (apart > 0) & (won > best);
    best = better ? won : best;
    best_at = better ? at : best_at;
    at += static_cast<int64_t>(kSmoLanes);
  }
  *highest = top[0];
  for (size_t lane = 1; lane < kSmoLanes; ++lane) {
    *highest = top[lane] > *highest ? top[lane] : *highest;
  }
  return best_lane(best, best_at, true);
}

ATHANOR_KERNEL void move_kernel(double* slope, const float* up, const float* down, double by, size_t count) {
  for (size_t i = 0; i < count; i += kSmoLanes) {
    const Vec moved = load(slope + i) + by * (load(up + i) - load(down + i));
    std::memcpy(slope + i, &moved, sizeof moved);
  }
}

struct Kernels {
  decltype(&least_slope) least;
  decltype(&best_partner) partner;
  decltype(&move_slopes) move;
};

#define ATHANOR_KERNELS(name, attribute)                                                                          \
  attribute SmoPick least_##name(const double* s, const double* b, size_t n) { return least_kernel(s, b, n); }    \
  attribute SmoPick partner_##name(const double* s, const double* b, const float* r, const double* q, double own, \
                                   double least, size_t n, double* highest) {                                     \
    return partner_kernel(s, b, r, q, own, least, n, highest);                                                    \
  }                                                                                                               \
  attribute void move_##name(double* s, const float* u, const float* d, double by, size_t n) {                    \
    move_kernel(s, u, d, by, n);                                                                                  \
  }                                                                                                               \
  constexpr Kernels kernels_##name { least_##name, partner_##name, move_##name }

ATHANOR_KERNELS(plain, __attribute__((optimize("O3", "fp-contract=off"))));
#if defined(__x86_64__)
ATHANOR_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"), optimize("O3", "fp-contract=off"))));
ATHANOR_KERNELS(avx512, __attribute__((target("arch=x86-64-v4"), optimize("O3", "fp-contract=off"))));
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& chosen =
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq")
          ? kernels_avx512
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2") ? kernels_avx2
                                                                                                         : kernels_plain;
  return chosen;
#else
  return kernels_plain;
#endif
}

}  // namespace

SmoPick least_slope(const double* slope, const double* bar, size_t count) { return kernels().least(slope, bar, count); }

SmoPick best_partner(const double* slope, const double* bar, const float* row, const double* squares, double own, double least,
                     size_t count, double* highest) {
  return kernels().partner(slope, bar, row, squares, own, least, count, highest);
}

void move_slopes(double* slope, const float* up, const float* down, double by, size_t count) {
  kernels().move(slope, up, down, by, count);
}

void exp_rows(const double* distance, double gamma, float* out, size_t count) {
  constexpr size_t kPiece = 256;
  double values[kPiece];
  for (size_t begin = 0; begin < count; begin += kPiece) {
    const size_t size = std::min(kPiece, count - begin);
    for (size_t i = 0; i < size; ++i) {
      values[i] = -gamma * distance[begin + i];
    }
    exp_values(values, values, size);
    for (size_t i = 0; i < size; ++i) {
      out[begin + i] = static_cast<float>(values[i]);
    }
  }
}

}  // namespace athanor::classic
