#include "athanor/classic/models/dense_kernels.h"

#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

namespace athanor::classic {

namespace {

constexpr size_t kLanes = 8;
typedef double Vec __attribute__((vector_size(64)));

#define ATHANOR_KERNEL __attribute__((always_inline)) static inline

ATHANOR_KERNEL Vec load(const double* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ATHANOR_KERNEL void store(double* p, const Vec& v) { std::memcpy(p, &v, sizeof v); }

ATHANOR_KERNEL double sum_of(const Vec& a, const Vec& b) {
  const Vec v = a + b;
  return ((v[0] + v[4]) + (v[1] + v[5])) + ((v[2] + v[6]) + (v[3] + v[7]));
}

ATHANOR_KERNEL double dot_kernel(const double* a, const double* b, size_t count) {
  Vec first{};
  Vec second{};
  size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    first += load(a + i) * load(b + i);
    second += load(a + i + kLanes) * load(b + i + kLanes);
  }
  double rest = 0;
  for (; i < count; ++i) {
    rest += a[i] * b[i];
  }
  return sum_of(first, second) + rest;
}

ATHANOR_KERNEL double weighted_kernel(const double* a, const double* b, const double* w, size_t count) {
  Vec first{};
  Vec second{};
  size_t i = 0;
  for (; i + 2 * kLanes <= count; i += 2 * kLanes) {
    first += load(a + i) * load(b + i) * load(w + i);
    second += load(a + i + kLanes) * load(b + i + kLanes) * load(w + i + kLanes);
  }
  double rest = 0;
  for (; i < count; ++i) {
    rest += a[i] * b[i] * w[i];
  }
  return sum_of(first, second) + rest;
}

ATHANOR_KERNEL void add_kernel(double* y, const double* x, double factor, size_t count) {
  size_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    store(y + i, load(y + i) + factor * load(x + i));
  }
  for (; i < count; ++i) {
    y[i] += factor * x[i];
  }
}

template <Metric metric>
ATHANOR_KERNEL Vec term(const Vec& point, double query) {
  if constexpr (metric == Metric::kDot) {
    return point * query;
  } else if constexpr (metric == Metric::kSquaredEuclidean) {
    const Vec far = point - query;
    return far * far;
  } else {
    const Vec far = point - query;
    return far < 0 ? -far : far;
  }
}

template <Metric metric>
ATHANOR_KERNEL void four_kernel(const double* points, size_t dim, const double* const* q, double* out) {
  Vec a{};
  Vec b{};
  Vec c{};
  Vec d{};
  for (size_t j = 0; j < dim; ++j) {
    const Vec point = load(points + j * kLanes);
    a += term<metric>(point, q[0][j]);
    b += term<metric>(point, q[1][j]);
    c += term<metric>(point, q[2][j]);
    d += term<metric>(point, q[3][j]);
  }
  store(out, a);
  store(out + kLanes, b);
  store(out + 2 * kLanes, c);
  store(out + 3 * kLanes, d);
}

// A query that lacks is measured as the first again, so that every pair is summed by the same instructions.
ATHANOR_KERNEL void measure_kernel(Metric metric, const double* points, size_t dim, const double* const* queries,
                                   double* out) {
  switch (metric) {
    case Metric::kSquaredEuclidean:
      return four_kernel<Metric::kSquaredEuclidean>(points, dim, queries, out);
    case Metric::kManhattan:
      return four_kernel<Metric::kManhattan>(points, dim, queries, out);
    default:
      return four_kernel<Metric::kDot>(points, dim, queries, out);
  }
}

// `high` rows of a tile at a time, of one or both panels: as many sums as there are registers.
template <size_t high, size_t wide>
ATHANOR_KERNEL void tile_part(const double* a, const double* const* b, size_t rows, double* out) {
  Vec sums[high * wide];
  for (size_t i = 0; i < high; ++i) {
    for (size_t p = 0; p < wide; ++p) {
      sums[i * wide + p] = load(out + p * kLanes * kLanes + i * kLanes);
    }
  }
  for (size_t r = 0; r < rows; ++r) {
    Vec right[wide];
    for (size_t p = 0; p < wide; ++p) {
      right[p] = load(b[p] + r * kLanes);
    }
    for (size_t i = 0; i < high; ++i) {
      const double left = a[r * kLanes + i];
      for (size_t p = 0; p < wide; ++p) {
        sums[i * wide + p] += left * right[p];
      }
    }
  }
  for (size_t i = 0; i < high; ++i) {
    for (size_t p = 0; p < wide; ++p) {
      store(out + p * kLanes * kLanes + i * kLanes, sums[i * wide + p]);
    }
  }
}

template <size_t high, size_t wide>
ATHANOR_KERNEL void tile_kernel(const double* a, const double* const* b, size_t rows, double* out) {
  for (size_t p = 0; p < 2; p += wide) {
    for (size_t i = 0; i < kLanes; i += high) {
      tile_part<high, wide>(a + i, b + p, rows, out + p * kLanes * kLanes + i * kLanes);
    }
  }
}

struct Kernels {
  double (*dot)(const double*, const double*, size_t);
  double (*weighted)(const double*, const double*, const double*, size_t);
  void (*add)(double*, const double*, double, size_t);
  void (*measure)(Metric, const double*, size_t, const double* const*, double*);
  void (*tile)(const double*, const double* const*, size_t, double*);
};

#define ATHANOR_KERNELS(name, attribute, high, wide)                                                                  \
  attribute double dot_##name(const double* a, const double* b, size_t n) { return dot_kernel(a, b, n); } \
  attribute double weighted_##name(const double* a, const double* b, const double* w, size_t n) {         \
    return weighted_kernel(a, b, w, n);                                                                   \
  }                                                                                                       \
  attribute void add_##name(double* y, const double* x, double f, size_t n) { add_kernel(y, x, f, n); }   \
  attribute void measure_##name(Metric m, const double* p, size_t d, const double* const* q, double* o) { \
    measure_kernel(m, p, d, q, o);                                                                        \
  }                                                                                                       \
  attribute void tile_##name(const double* a, const double* const* b, size_t rows, double* o) {           \
    tile_kernel<high, wide>(a, b, rows, o);                                                               \
  }                                                                                                       \
  constexpr Kernels kernels_##name{dot_##name, weighted_##name, add_##name, measure_##name, tile_##name}

ATHANOR_KERNELS(plain, __attribute__((optimize("O3"))), 2, 1);
#if defined(__x86_64__)
ATHANOR_KERNELS(avx2, __attribute__((target("arch=x86-64-v3"), optimize("O3"))), 4, 1);
ATHANOR_KERNELS(avx512, __attribute__((target("arch=x86-64-v4"), optimize("O3"))), 8, 2);
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

double dot(const double* a, const double* b, size_t count) { return kernels().dot(a, b, count); }
double weighted_dot(const double* a, const double* b, const double* weight, size_t count) {
  return kernels().weighted(a, b, weight, count);
}
void add_scaled(double* y, const double* x, double factor, size_t count) { kernels().add(y, x, factor, count); }
void TileKernel::add(const double* a, const double* const b[2], size_t rows, double* out) { kernels().tile(a, b, rows, out); }

PointBlocks::PointBlocks(const double* points, size_t count, size_t dim) : count_(count), dim_(dim) {
  values_.assign(num_blocks() * dim * kBlock, 0.0);
  for (size_t i = 0; i < count; ++i) {
    double* at = values_.data() + (i / kBlock) * dim * kBlock + i % kBlock;
    for (size_t j = 0; j < dim; ++j) {
      at[j * kBlock] = points[i * dim + j];
    }
  }
}

void PointBlocks::measure(Metric metric, const double* const* queries, size_t num_queries, size_t block,
                          double* out) const {
  const double* four[4];
  for (size_t q = 0; q < 4; ++q) {
    four[q] = queries[q < num_queries ? q : 0];
  }
  kernels().measure(metric, values_.data() + block * dim_ * kBlock, dim_, four, out);
}

}  // namespace athanor::classic
