#include "athanor/feature/vectors/word_vectors_kernel.h"

#include <cstring>

#pragma GCC diagnostic ignored "-Wpsabi"  // vectors never cross a real call: all of this is inlined

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
#define ATHANOR_CLONES __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4")))
#else
#define ATHANOR_CLONES
#endif

namespace athanor {

namespace {

typedef float Vec __attribute__((vector_size(32)));
#define ATHANOR_INLINE __attribute__((always_inline)) static inline

ATHANOR_INLINE Vec load(const float* p) {
  Vec v;
  std::memcpy(&v, p, sizeof v);
  return v;
}
ATHANOR_INLINE void store(float* p, const Vec& v) { std::memcpy(p, &v, sizeof v); }
ATHANOR_INLINE float sum_of(const Vec& v) { return ((v[0] + v[4]) + (v[2] + v[6])) + ((v[1] + v[5]) + (v[3] + v[7])); }

}  // namespace

ATHANOR_CLONES void partial_products(const VectorRows& rows, size_t begin, size_t end, float* sums) {
  for (size_t i = 0; i < rows.num_in; ++i) {
    const float* in = rows.in[i];
    for (size_t o = 0; o < rows.num_out; ++o) {
      const float* out = rows.out[o];
      Vec sum{};
      for (size_t at = begin; at < end; at += kVectorLanes) {
        sum += load(in + at) * load(out + at);
      }
      sums[i * rows.num_out + o] = sum_of(sum);
    }
  }
}

ATHANOR_CLONES void move_rows(float* const* in, float* const* out, size_t num_in, size_t num_out, const float* g, size_t begin,
                              size_t end, float* scratch) {
  const size_t width = end - begin;
  for (size_t i = 0; i < num_in; ++i) {
    for (size_t at = 0; at < width; at += kVectorLanes) {
      Vec sum{};
      for (size_t o = 0; o < num_out; ++o) {
        sum += g[i * num_out + o] * load(out[o] + begin + at);
      }
      store(scratch + i * width + at, sum);
    }
  }
  for (size_t o = 0; o < num_out; ++o) {
    for (size_t at = 0; at < width; at += kVectorLanes) {
      Vec sum = load(out[o] + begin + at);
      for (size_t i = 0; i < num_in; ++i) {
        sum += g[i * num_out + o] * load(in[i] + begin + at);
      }
      store(out[o] + begin + at, sum);
    }
  }
  for (size_t i = 0; i < num_in; ++i) {
    for (size_t at = 0; at < width; at += kVectorLanes) {
      store(in[i] + begin + at, load(in[i] + begin + at) + load(scratch + i * width + at));
    }
  }
}

ATHANOR_CLONES void mean_of_rows(const float* const* in, size_t num_in, size_t begin, size_t end, float* mean) {
  const float share = 1.0F / static_cast<float>(num_in);
  for (size_t at = begin; at < end; at += kVectorLanes) {
    Vec sum{};
    for (size_t i = 0; i < num_in; ++i) {
      sum += load(in[i] + at);
    }
    store(mean + at, sum * share);
  }
}

ATHANOR_CLONES void move_behind_mean(float* const* in, size_t num_in, const float* mean, float* const* out, size_t num_out,
                                     const float* g, size_t begin, size_t end, float* change) {
  for (size_t at = begin; at < end; at += kVectorLanes) {
    Vec sum{};
    const Vec old = load(mean + at);
    for (size_t o = 0; o < num_out; ++o) {
      const Vec row = load(out[o] + at);
      sum += g[o] * row;
      store(out[o] + at, row + g[o] * old);
    }
    store(change + (at - begin), sum);
  }
  for (size_t i = 0; i < num_in; ++i) {
    for (size_t at = begin; at < end; at += kVectorLanes) {
      store(in[i] + at, load(in[i] + at) + load(change + (at - begin)));
    }
  }
}

}  // namespace athanor
