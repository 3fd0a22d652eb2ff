#include "athanor/tensor/head_norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>

#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kParts = 16;  // a fixed cut of the rows, so that sums do not depend on the thread count

struct HeadRows {
  const void* x;
  void* out;  // y, or dy that becomes dx
  const float* weight;
  float* dweight;  // backward only
  int64_t stride;  // F
  int64_t first;   // in features
  int64_t count;
  int64_t dim;
  float eps;
  bool backward;
};

template <bool kPart, typename T>
ATHANOR_INLINE Vec read(const T* p, int64_t left) {
  return kPart ? simd::load_part(p, left) : simd::load(p);
}
template <bool kPart, typename T>
ATHANOR_INLINE void write(T* p, const Vec& v, int64_t left) {
  kPart ? simd::store_part(p, v, left) : simd::store(p, v);
}

// The sums over one head: of x^2, and of dy weight x where there is a gradient.
template <typename T>
ATHANOR_INLINE void head_sums(const HeadRows& a, const T* x, const T* dy, float* squares, float* products) {
  Vec square = simd::splat(0);
  Vec product = simd::splat(0);
  for (int64_t i = 0; i < a.dim; i += kLanes) {
    const int64_t left = a.dim - i;
    const bool part = left < kLanes;
    const Vec v = part ? read<true>(x + i, left) : read<false>(x + i, left);
    square += v * v;
    if (dy != nullptr) {
      const Vec d = part ? read<true>(dy + i, left) : read<false>(dy + i, left);
      const Vec w = part ? read<true>(a.weight + i, left) : read<false>(a.weight + i, left);
      product += d * w * v;
    }
  }
  *squares = simd::sum(square);
  *products = simd::sum(product);
}

template <bool kPart, typename T>
ATHANOR_INLINE void head_group(const HeadRows& a, const T* x, T* out, int64_t i, float rstd, float mean_gx) {
  const int64_t left = a.dim - i;
  const Vec scaled = read<kPart>(x + i, left) * rstd;
  const Vec w = read<kPart>(a.weight + i, left);
  if (!a.backward) {
    write<kPart>(out + i, scaled * w, left);
    return;
  }
  const Vec dy = read<kPart>(out + i, left);
  write<kPart>(out + i, (dy * w - scaled * mean_gx) * rstd, left);
  write<kPart>(a.dweight + i, read<kPart>(a.dweight + i, left) + dy * scaled, left);
}

template <typename T>
ATHANOR_INLINE void head_rows_of(const HeadRows& a, int64_t begin, int64_t end) {
  const float scale = 1.0f / static_cast<float>(a.dim);
  for (int64_t n = begin; n < end; ++n) {
    for (int64_t head = 0; head < a.count; ++head) {
      const int64_t at = n * a.stride + a.first + head * a.dim;
      const T* x = static_cast<const T*>(a.x) + at;
      T* out = static_cast<T*>(a.out) + at;
      float squares;
      float products;
      head_sums(a, x, a.backward ? out : nullptr, &squares, &products);
      const float rstd = 1.0f / std::sqrt(squares * scale + a.eps);
      const float mean_gx = products * rstd * scale;
      int64_t i = 0;
      for (; i + kLanes <= a.dim; i += kLanes) {
        head_group<false>(a, x, out, i, rstd, mean_gx);
      }
      if (i < a.dim) {
        head_group<true>(a, x, out, i, rstd, mean_gx);
      }
    }
  }
}

ATHANOR_SIMD void head_rows_fp32(const HeadRows& a, int64_t begin, int64_t end) { head_rows_of<float>(a, begin, end); }
ATHANOR_SIMD void head_rows_bf16(const HeadRows& a, int64_t begin, int64_t end) {
  head_rows_of<c10::BFloat16>(a, begin, end);
}

ATHANOR_SIMD void head_rows_fp16(const HeadRows& a, int64_t begin, int64_t end) {
  head_rows_of<c10::Half>(a, begin, end);
}

auto kernel_of(at::ScalarType dtype) {
  return dtype == at::kBFloat16 ? head_rows_bf16 : dtype == at::kHalf ? head_rows_fp16 : head_rows_fp32;
}

HeadRows rows_of(const at::Tensor& x, at::Tensor& out, const HeadNorm& norm, bool backward) {
  return {x.const_data_ptr(),
          out.mutable_data_ptr(),
          norm.weight_D.const_data_ptr<float>(),
          nullptr,
          x.size(1),
          norm.first * norm.head_dim,
          norm.count,
          norm.head_dim,
          static_cast<float>(norm.eps),
          backward};
}

}  // namespace

void head_norm_(at::Tensor& x_NF, const HeadNorm& norm) {
  RECORD_USER_SCOPE("athanor::head_norm");
  if (device::on_gpu(x_NF)) {
    return device::head_norm_(x_NF, norm);
  }
  const HeadRows args = rows_of(x_NF, x_NF, norm, false);
  const auto kernel = kernel_of(x_NF.scalar_type());
  const int64_t grain = std::max<int64_t>(1, 16384 / (norm.count * norm.head_dim));
  at::parallel_for(0, x_NF.size(0), grain, [&](int64_t begin, int64_t end) { kernel(args, begin, end); });
}

at::Tensor head_norm_backward_(at::Tensor& dy_NF, const at::Tensor& x_NF, const HeadNorm& norm) {
  RECORD_USER_SCOPE("athanor::head_norm_backward");
  if (device::on_gpu(x_NF)) {
    return device::head_norm_backward_(dy_NF, x_NF, norm);
  }
  const int64_t rows = x_NF.size(0);
  const int64_t part_rows = (rows + kParts - 1) / kParts;
  const auto kernel = kernel_of(x_NF.scalar_type());
  at::Tensor parts = at::zeros({kParts, norm.head_dim}, at::kFloat);
  float* sums = parts.mutable_data_ptr<float>();
  const HeadRows all = rows_of(x_NF, dy_NF, norm, true);
  at::parallel_for(0, kParts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      HeadRows args = all;
      args.dweight = sums + part * norm.head_dim;
      const int64_t first = std::min(rows, part * part_rows);
      kernel(args, first, std::min(rows, first + part_rows));
    }
  });
  return parts.sum(0);
}

}  // namespace athanor
