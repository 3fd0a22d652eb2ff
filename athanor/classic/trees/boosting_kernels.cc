#include "athanor/classic/trees/boosting_kernels.h"

#include <algorithm>
#include <bit>
#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

namespace athanor {

namespace {

constexpr size_t kLanes = 8;
constexpr size_t kAhead = 24;  // rows fetched before they are added
constexpr uint32_t kMostBins = 256;
typedef double Vec __attribute__((vector_size(64)));
typedef int64_t Ints __attribute__((vector_size(64)));
typedef int32_t Half __attribute__((vector_size(32)));

#define ATHANOR_KERNEL __attribute__((always_inline)) static inline

ATHANOR_KERNEL Vec to_doubles(const int32_t* from) {
  Half half;
  std::memcpy(&half, from, sizeof half);
  return __builtin_convertvector(half, Vec);
}

template <bool with_l1>
ATHANOR_KERNEL Vec shrunk(const Vec& g, double l1) {
  if constexpr (!with_l1) {
    return g;
  }
  const Vec zero{};
  return g > l1 ? g - l1 : (g < -l1 ? g + l1 : zero);
}

// The cuts behind bins [0, limit), limit rounded up to whole vectors (what lies behind has an empty
// right child).
template <bool with_l1>
ATHANOR_KERNEL void scan(const int32_t* g_sums, const int32_t* h_sums, size_t limit,
                         PackedSum missing, PackedSum total, const SplitRules& rules,
                         bool missing_left, ColumnSplit& best) {
  const double all_g = gradient_of(total);
  const double all_h = weight_of(total);
  const double missing_g = missing_left ? gradient_of(missing) : 0;
  const double missing_h = missing_left ? weight_of(missing) : 0;
  Vec best_score = Vec{} - 1;
  Ints best_bin{};
  Ints bin = {0, 1, 2, 3, 4, 5, 6, 7};
  for (size_t b = 0; b < limit; b += kLanes) {
    const Vec left_g = to_doubles(g_sums + b) + missing_g;
    const Vec left_h = to_doubles(h_sums + b) + missing_h;
    const Vec right_g = all_g - left_g;
    const Vec right_h = all_h - left_h;
    const Vec lg = shrunk<with_l1>(left_g * rules.gradient_unit, rules.l1);
    const Vec rg = shrunk<with_l1>(right_g * rules.gradient_unit, rules.l1);
    const Vec score = lg * lg / (left_h * rules.weight_unit + rules.l2) +
                      rg * rg / (right_h * rules.weight_unit + rules.l2);
    const Ints better =
        (left_h >= rules.least_weight) & (right_h >= rules.least_weight) & (score > best_score);
    best_score = better ? score : best_score;
    best_bin = better ? bin : best_bin;
    bin += kLanes;
  }
  for (size_t lane = 0; lane < kLanes; ++lane) {
    const auto at = static_cast<int32_t>(best_bin[lane]);
    if (best_score[lane] > best.score || (best_score[lane] == best.score && best.score >= 0 &&
                                          best.missing_left == missing_left && at < best.bin)) {
      best = {best_score[lane], at, missing_left};
    }
  }
}

template <bool with_l1>
ATHANOR_KERNEL ColumnSplit cut_kernel(const PackedSum* histogram, uint32_t bins, bool has_missing,
                                      PackedSum total, const SplitRules& rules) {
  int32_t g_sums[kMostBins + kLanes];
  int32_t h_sums[kMostBins + kLanes];
  PackedSum sum = 0;
  for (uint32_t b = 0; b < bins; ++b) {
    sum += histogram[b];
    g_sums[b] = gradient_of(sum);
    h_sums[b] = weight_of(sum);
  }
  for (uint32_t b = bins; b < bins + kLanes; ++b) {
    g_sums[b] = gradient_of(sum);
    h_sums[b] = weight_of(sum);
  }
  const PackedSum missing = has_missing ? histogram[bins] : 0;
  ColumnSplit best;
  // Behind the last bin only missing values are left; without any the right child is empty, and
  // that is no cut.
  scan<with_l1>(g_sums, h_sums, bins, missing, total, rules, false, best);
  if (missing != 0) {
    scan<with_l1>(g_sums, h_sums, bins, missing, total, rules, true, best);
  }
  return best;
}

ATHANOR_KERNEL ColumnSplit cut_any(const PackedSum* histogram, uint32_t bins, bool has_missing,
                                   PackedSum total, const SplitRules& rules) {
  return rules.l1 > 0 ? cut_kernel<true>(histogram, bins, has_missing, total, rules)
                      : cut_kernel<false>(histogram, bins, has_missing, total, rules);
}

ATHANOR_KERNEL void subtract_kernel(const PackedSum* a, const PackedSum* b, PackedSum* to,
                                    size_t count) {
  for (size_t i = 0; i < count; ++i) {
    to[i] = a[i] - b[i];
  }
}

// x = n ln 2 + r, |r| <= ln 2 / 2; exp(r) by its series to the 13th power.
ATHANOR_KERNEL Vec exp_vec(Vec x) {
  constexpr double kRound = 0x1.8p52;
  const Vec low = Vec{} - 700;
  const Vec high = Vec{} + 700;
  x = x < low ? low : x;
  x = x > high ? high : x;
  const Vec shifted = x * 1.4426950408889634 + kRound;
  const Vec n = shifted - kRound;
  const Vec r = (x - n * 0x1.62e42fefa38p-1) - n * 0x1.ef35793c7673p-45;
  Vec p = r * (1.0 / 6227020800) + 1.0 / 479001600;
  p = p * r + 1.0 / 39916800;
  p = p * r + 1.0 / 3628800;
  p = p * r + 1.0 / 362880;
  p = p * r + 1.0 / 40320;
  p = p * r + 1.0 / 5040;
  p = p * r + 1.0 / 720;
  p = p * r + 1.0 / 120;
  p = p * r + 1.0 / 24;
  p = p * r + 1.0 / 6;
  p = p * r + 0.5;
  p = p * r + 1.0;
  p = p * r + 1.0;
  Ints bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  const Ints power = (bits + 1023) << 52;  // the lowest bits of `shifted` are n
  Vec scale;
  std::memcpy(&scale, &power, sizeof scale);
  return p * scale;
}

ATHANOR_KERNEL void exp_kernel(const double* x, double* out, size_t count) {
  for (size_t i = 0; i < count; i += kLanes) {
    const size_t n = std::min(kLanes, count - i);
    Vec v{};
    std::memcpy(&v, x + i, n * sizeof(double));
    v = exp_vec(v);
    std::memcpy(out + i, &v, n * sizeof(double));
  }
}

struct Kernels {
  decltype(&best_cut) cut;
  decltype(&subtract_histograms) subtract;
  decltype(&exp_values) exp;
};

#define ATHANOR_KERNELS(name, attribute)                                                           \
  attribute ColumnSplit cut_##name(const PackedSum* h, uint32_t b, bool m, PackedSum t,            \
                                   const SplitRules& r) {                                          \
    return cut_any(h, b, m, t, r);                                                                 \
  }                                                                                                \
  attribute void subtract_##name(const PackedSum* a, const PackedSum* b, PackedSum* o, size_t n) { \
    subtract_kernel(a, b, o, n);                                                                   \
  }                                                                                                \
  attribute void exp_##name(const double* x, double* o, size_t n) {                                \
    exp_kernel(x, o, n);                                                                           \
  }                                                                                                \
  constexpr Kernels kernels_##name {                                                               \
    cut_##name, subtract_##name, exp_##name                                                        \
  }

ATHANOR_KERNELS(plain, __attribute__((optimize("O3", "fp-contract=off"))));
#if defined(__x86_64__)
ATHANOR_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"), optimize("O3", "fp-contract=off"))));
ATHANOR_KERNELS(avx512,
                __attribute__((target("arch=x86-64-v4"), optimize("O3", "fp-contract=off"))));
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& chosen =
      __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
              __builtin_cpu_supports("avx512dq")
          ? kernels_avx512
      : __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") &&
              __builtin_cpu_supports("bmi2")
          ? kernels_avx2
          : kernels_plain;
  return chosen;
#else
  return kernels_plain;
#endif
}

// One update waits for no other: a row's bins lie in `width` tables. Width is known when compiled,
// so the loop over columns is laid out flat.
template <uint32_t width>
__attribute__((optimize("O3"))) void add_rows(const uint8_t* bins, const uint32_t* rows,
                                              size_t count, const PackedSum* packed,
                                              PackedSum* const* histograms) {
  PackedSum* to[width];
  std::copy_n(histograms, width, to);
  const auto add = [&](uint32_t row) {
    const uint8_t* at = bins + static_cast<size_t>(row) * width;
    const PackedSum value = packed[row];
#pragma GCC unroll 16
    for (uint32_t k = 0; k < width; ++k) {
      to[k][at[k]] += value;
    }
  };
  size_t i = 0;
  for (; i + kAhead < count; ++i) {
    __builtin_prefetch(bins + static_cast<size_t>(rows[i + kAhead]) * width);
    __builtin_prefetch(packed + rows[i + kAhead]);
    add(rows[i]);
  }
  for (; i < count; ++i) {
    add(rows[i]);
  }
}

using AddRows = void (*)(const uint8_t*, const uint32_t*, size_t, const PackedSum*,
                         PackedSum* const*);
constexpr AddRows kAddRows[] = {add_rows<1>,  add_rows<2>,  add_rows<3>,  add_rows<4>,
                                add_rows<5>,  add_rows<6>,  add_rows<7>,  add_rows<8>,
                                add_rows<9>,  add_rows<10>, add_rows<11>, add_rows<12>,
                                add_rows<13>, add_rows<14>, add_rows<15>, add_rows<16>};

}  // namespace

void add_rows_to_histograms(const uint8_t* bins, uint32_t width, const uint32_t* rows, size_t count,
                            const PackedSum* packed, PackedSum* const* histograms) {
  kAddRows[width - 1](bins, rows, count, packed, histograms);
}

ColumnSplit best_cut(const PackedSum* histogram, uint32_t bins, bool has_missing, PackedSum total,
                     const SplitRules& rules) {
  return kernels().cut(histogram, bins, has_missing, total, rules);
}

void subtract_histograms(const PackedSum* a, const PackedSum* b, PackedSum* to, size_t count) {
  kernels().subtract(a, b, to, count);
}

void exp_values(const double* x, double* out, size_t count) {
  kernels().exp(x, out, count);
}

}  // namespace athanor
