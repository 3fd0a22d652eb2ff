#include "athanor/classic/vector_sum.h"

#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

namespace athanor {

namespace {

constexpr size_t kLanes = 16;
constexpr size_t kAhead = 8;  // rows fetched before they are added
typedef float Vec __attribute__((vector_size(64)));

#define ATHANOR_KERNEL __attribute__((always_inline)) static inline

ATHANOR_KERNEL Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ATHANOR_KERNEL void store(float* p, const Vec& v) { std::memcpy(p, &v, sizeof v); }

ATHANOR_KERNEL void sum_kernel(const float* rows, size_t dim, const int32_t* ids, size_t count, float* out) {
  for (size_t at = 0; at < dim; at += kLanes) {
    if (dim - at >= kLanes) {
      Vec sum{};
      for (size_t i = 0; i < count; ++i) {
        if (i + kAhead < count) {
          __builtin_prefetch(rows + static_cast<size_t>(ids[i + kAhead]) * dim + at);
        }
        sum += load(rows + static_cast<size_t>(ids[i]) * dim + at);
      }
      store(out + at, sum);
      continue;
    }
    for (size_t j = at; j < dim; ++j) {
      out[j] = 0;
    }
    for (size_t i = 0; i < count; ++i) {
      const float* row = rows + static_cast<size_t>(ids[i]) * dim;
      for (size_t j = at; j < dim; ++j) {
        out[j] += row[j];
      }
    }
  }
}

ATHANOR_KERNEL void add_scaled_kernel(float* y, const float* x, float factor, size_t dim) {
  size_t j = 0;
  for (; j + kLanes <= dim; j += kLanes) {
    store(y + j, load(y + j) + factor * load(x + j));
  }
  for (; j < dim; ++j) {
    y[j] += factor * x[j];
  }
}

ATHANOR_KERNEL void add_to_rows_kernel(float* rows, size_t dim, const int32_t* ids, size_t count, const float* delta) {
  for (size_t i = 0; i < count; ++i) {
    if (i + kAhead < count) {
      __builtin_prefetch(rows + static_cast<size_t>(ids[i + kAhead]) * dim, 1);
    }
    float* row = rows + static_cast<size_t>(ids[i]) * dim;
    size_t j = 0;
    for (; j + kLanes <= dim; j += kLanes) {
      store(row + j, load(row + j) + load(delta + j));
    }
    for (; j < dim; ++j) {
      row[j] += delta[j];
    }
  }
}

ATHANOR_KERNEL void dot_kernel(const float* rows, size_t dim, size_t count, const float* x, float* out) {
  for (size_t i = 0; i < count; ++i) {
    const float* row = rows + i * dim;
    Vec sum{};
    size_t j = 0;
    for (; j + kLanes <= dim; j += kLanes) {
      sum += load(row + j) * load(x + j);
    }
    float lanes[kLanes];
    store(lanes, sum);
    for (size_t k = 0; j < dim; ++j, ++k) {
      lanes[k] += row[j] * x[j];
    }
    for (size_t half = kLanes / 2; half > 0; half /= 2) {
      for (size_t k = 0; k < half; ++k) {
        lanes[k] += lanes[k + half];
      }
    }
    out[i] = lanes[0];
  }
}

struct Kernels {
  decltype(&sum_rows) sum;
  decltype(&add_to_rows) add;
  decltype(&dot_rows) dot;
  decltype(&add_scaled) scaled;
};

#define ATHANOR_KERNELS(name, attribute)                                                                             \
  attribute void sum_##name(const float* r, size_t d, const int32_t* i, size_t n, float* o) {                        \
    sum_kernel(r, d, i, n, o);                                                                                       \
  }                                                                                                                  \
  attribute void add_##name(float* r, size_t d, const int32_t* i, size_t n, const float* g) {                        \
    add_to_rows_kernel(r, d, i, n, g);                                                                               \
  }                                                                                                                  \
  attribute void dot_##name(const float* r, size_t d, size_t n, const float* x, float* o) {                          \
    dot_kernel(r, d, n, x, o);                                                                                       \
  }                                                                                                                  \
  attribute void scaled_##name(float* y, const float* x, float f, size_t d) { add_scaled_kernel(y, x, f, d); }       \
  constexpr Kernels kernels_##name{sum_##name, add_##name, dot_##name, scaled_##name}

ATHANOR_KERNELS(plain, __attribute__((optimize("O3"))));
#if defined(__x86_64__)
ATHANOR_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"), optimize("O3"))));
ATHANOR_KERNELS(avx512, __attribute__((target("arch=x86-64-v4"), optimize("O3"))));
#endif

const Kernels& kernels() {
#if defined(__x86_64__)
  static const Kernels& chosen = __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl") &&
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

}  // namespace

void sum_rows(const float* rows, size_t dim, const int32_t* ids, size_t count, float* out) {
  kernels().sum(rows, dim, ids, count, out);
}
void add_to_rows(float* rows, size_t dim, const int32_t* ids, size_t count, const float* delta) {
  kernels().add(rows, dim, ids, count, delta);
}
void dot_rows(const float* rows, size_t dim, size_t count, const float* x, float* out) {
  kernels().dot(rows, dim, count, x, out);
}
void add_scaled(float* y, const float* x, float factor, size_t dim) { kernels().scaled(y, x, factor, dim); }

}  // namespace athanor
