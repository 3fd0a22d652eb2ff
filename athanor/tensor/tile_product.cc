#include "athanor/tensor/tile_product.h"

#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

// Half as wide registers, of which there are half as many, hold one row.
int64_t most_rows() {
#if defined(__x86_64__)
  static const bool wide = __builtin_cpu_supports("avx512f");
  return wide ? kTileRows : 1;
#else
  return 1;
#endif
}

template <int64_t R, int64_t V>
ATHANOR_INLINE void add_tile(const float* a, int64_t stride, const float* panel, int64_t depth, float* sums) {
  Vec total[R][V];
#pragma GCC unroll 6
  for (int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < V; ++v) {
      total[r][v] = simd::load(sums + (r * V + v) * kLanes);
    }
  }
  for (int64_t k = 0; k < depth; ++k, panel += V * kLanes) {
    Vec right[V];
#pragma GCC unroll 4
    for (int64_t v = 0; v < V; ++v) {
      right[v] = simd::load(panel + v * kLanes);
    }
#pragma GCC unroll 6
    for (int64_t r = 0; r < R; ++r) {
      const float left = a[r * stride + k];
#pragma GCC unroll 4
      for (int64_t v = 0; v < V; ++v) {
        total[r][v] += left * right[v];
      }
    }
  }
#pragma GCC unroll 6
  for (int64_t r = 0; r < R; ++r) {
#pragma GCC unroll 4
    for (int64_t v = 0; v < V; ++v) {
      simd::store(sums + (r * V + v) * kLanes, total[r][v]);
    }
  }
}

template <int64_t R>
ATHANOR_INLINE void add_vectors(const float* a, int64_t stride, const float* panel, int64_t depth, int64_t vectors,
                                float* sums) {
  switch (vectors) {
    case 1:
      return add_tile<R, 1>(a, stride, panel, depth, sums);
    case 2:
      return add_tile<R, 2>(a, stride, panel, depth, sums);
    case 3:
      return add_tile<R, 3>(a, stride, panel, depth, sums);
    default:
      return add_tile<R, kTileVectors>(a, stride, panel, depth, sums);
  }
}

}  // namespace

int64_t next_tile_rows(int64_t left) {
  const int64_t tiles = (left + most_rows() - 1) / most_rows();
  return (left + tiles - 1) / tiles;
}

ATHANOR_SIMD void add_tile_product(const float* a, int64_t stride, int64_t rows, const float* panel, int64_t depth,
                                   int64_t vectors, float* sums) {
  switch (rows) {
    case 1:
      return add_vectors<1>(a, stride, panel, depth, vectors, sums);
    case 2:
      return add_vectors<2>(a, stride, panel, depth, vectors, sums);
    case 3:
      return add_vectors<3>(a, stride, panel, depth, vectors, sums);
    case 4:
      return add_vectors<4>(a, stride, panel, depth, vectors, sums);
    case 5:
      return add_vectors<5>(a, stride, panel, depth, vectors, sums);
    default:
      return add_vectors<kTileRows>(a, stride, panel, depth, vectors, sums);
  }
}

}  // namespace athanor
