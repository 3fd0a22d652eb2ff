#include "athanor/tensor/norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

constexpr int64_t kParts = 16;  // a fixed cut of the rows, so that sums do not depend on the thread count

struct ForwardRows {
  const float* x;
  const float* weight;
  const float* bias;
  void* y;
  float* rstd;
  float* mean;
  int64_t width;
  float eps;
  bool center;
  at::ScalarType dtype;  // of y, or of dy
};

struct BackwardRows {
  const void* dy;
  const float* x;
  const float* weight;
  const float* rstd;
  const float* mean;
  const float* residual;
  float* dx;
  int64_t width;
  bool center;
  at::ScalarType dtype;
};

ATHANOR_INLINE float row_mean(const float* x, int64_t width) {
  Vec total = simd::splat(0);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    total += simd::load(x + i);
  }
  if (i < width) {
    total += simd::load_part(x + i, width - i);
  }
  return simd::sum(total) / static_cast<float>(width);
}

ATHANOR_INLINE float row_mean_square(const float* x, float mean, int64_t width) {
  Vec total = simd::splat(0);
  int64_t i = 0;
  for (; i + kLanes <= width; i += kLanes) {
    const Vec centred = simd::load(x + i) - mean;
    total += centred * centred;
  }
  float tail = 0;
  for (; i < width; ++i) {
    tail += (x[i] - mean) * (x[i] - mean);
  }
  return (simd::sum(total) + tail) / static_cast<float>(width);
}

template <bool kCenter, typename T>
ATHANOR_INLINE void forward_rows_of(const ForwardRows& a, int64_t begin, int64_t end) {
  for (int64_t n = begin; n < end; ++n) {
    const float* x = a.x + n * a.width;
    T* y = static_cast<T*>(a.y) + n * a.width;
    const float mean = kCenter ? row_mean(x, a.width) : 0.0f;
    const float rstd = 1.0f / std::sqrt(row_mean_square(x, mean, a.width) + a.eps);
    a.rstd[n] = rstd;
    if (kCenter) {
      a.mean[n] = mean;
    }
    for (int64_t i = 0; i < a.width; i += kLanes) {
      const int64_t left = a.width - i;
      if (left >= kLanes) {
        const Vec v = (simd::load(x + i) - mean) * rstd * simd::load(a.weight + i);
        simd::store(y + i, kCenter ? v + simd::load(a.bias + i) : v);
      } else {
        const Vec v = (simd::load_part(x + i, left) - mean) * rstd * simd::load_part(a.weight + i, left);
        simd::store_part(y + i, kCenter ? v + simd::load_part(a.bias + i, left) : v, left);
      }
    }
  }
}

template <bool kCenter>
ATHANOR_INLINE void forward_rows_to(const ForwardRows& a, int64_t begin, int64_t end) {
  if (a.dtype == at::kBFloat16) {
    forward_rows_of<kCenter, c10::BFloat16>(a, begin, end);
  } else if (a.dtype == at::kHalf) {
    forward_rows_of<kCenter, c10::Half>(a, begin, end);
  } else {
    forward_rows_of<kCenter, float>(a, begin, end);
  }
}

ATHANOR_SIMD void forward_rows(const ForwardRows& a, int64_t begin, int64_t end) {
  a.center ? forward_rows_to<true>(a, begin, end) : forward_rows_to<false>(a, begin, end);
}

// One group of up to 16 features of one row: what the second pass over the row does.
template <bool kCenter, bool kPart, typename T>
ATHANOR_INLINE void backward_group(const BackwardRows& a, int64_t row, int64_t i, float mean, float rstd,
                                   float mean_g, float mean_gx, float* dweight, float* dbias) {
  const int64_t left = a.width - i;
  const auto read = [&](const auto* p) __attribute__((always_inline)) {
    return kPart ? simd::load_part(p, left) : simd::load(p);
  };
  const auto write = [&](float* p, const Vec& v) __attribute__((always_inline)) {
    kPart ? simd::store_part(p, v, left) : simd::store(p, v);
  };
  const Vec dy = read(static_cast<const T*>(a.dy) + row + i);
  const Vec scaled = (read(a.x + row + i) - mean) * rstd;
  Vec dx = (dy * read(a.weight + i) - mean_g - scaled * mean_gx) * rstd;
  if (a.residual != nullptr) {
    dx += read(a.residual + row + i);
  }
  write(a.dx + row + i, dx);
  write(dweight + i, read(dweight + i) + dy * scaled);
  if (kCenter) {
    write(dbias + i, read(dbias + i) + dy);
  }
}

template <bool kCenter, typename T>
ATHANOR_INLINE void backward_rows_of(const BackwardRows& a, int64_t begin, int64_t end, float* dweight,
                                     float* dbias) {
  const int64_t whole = a.width / kLanes * kLanes;
  const float scale = 1.0f / static_cast<float>(a.width);
  for (int64_t n = begin; n < end; ++n) {
    const int64_t row = n * a.width;
    const T* dy = static_cast<const T*>(a.dy) + row;
    const float mean = kCenter ? a.mean[n] : 0.0f;
    const float rstd = a.rstd[n];
    Vec total_g = simd::splat(0);
    Vec total_gx = simd::splat(0);
    for (int64_t i = 0; i < whole; i += kLanes) {
      const Vec g = simd::load(dy + i) * simd::load(a.weight + i);
      total_g += g;
      total_gx += g * (simd::load(a.x + row + i) - mean);
    }
    float sum_g = simd::sum(total_g);
    float sum_gx = simd::sum(total_gx);
    for (int64_t i = whole; i < a.width; ++i) {
      const float g = static_cast<float>(dy[i]) * a.weight[i];
      sum_g += g;
      sum_gx += g * (a.x[row + i] - mean);
    }
    const float mean_g = kCenter ? sum_g * scale : 0.0f;
    const float mean_gx = sum_gx * rstd * scale;
    for (int64_t i = 0; i < whole; i += kLanes) {
      backward_group<kCenter, false, T>(a, row, i, mean, rstd, mean_g, mean_gx, dweight, dbias);
    }
    if (whole < a.width) {
      backward_group<kCenter, true, T>(a, row, whole, mean, rstd, mean_g, mean_gx, dweight, dbias);
    }
  }
}

template <bool kCenter>
ATHANOR_INLINE void backward_rows_from(const BackwardRows& a, int64_t begin, int64_t end, float* dweight,
                                       float* dbias) {
  if (a.dtype == at::kBFloat16) {
    backward_rows_of<kCenter, c10::BFloat16>(a, begin, end, dweight, dbias);
  } else if (a.dtype == at::kHalf) {
    backward_rows_of<kCenter, c10::Half>(a, begin, end, dweight, dbias);
  } else {
    backward_rows_of<kCenter, float>(a, begin, end, dweight, dbias);
  }
}

ATHANOR_SIMD void backward_rows(const BackwardRows& a, int64_t begin, int64_t end, float* dweight, float* dbias) {
  a.center ? backward_rows_from<true>(a, begin, end, dweight, dbias)
           : backward_rows_from<false>(a, begin, end, dweight, dbias);
}

at::Tensor sum_parts(const at::Tensor& parts) {
  at::Tensor total = at::zeros({parts.size(1)}, parts.options());
  const float* from = parts.const_data_ptr<float>();
  float* to = total.mutable_data_ptr<float>();
  for (int64_t part = 0; part < kParts; ++part) {
    for (int64_t i = 0; i < parts.size(1); ++i) {
      to[i] += *from++;
    }
  }
  return total;
}

}  // namespace

NormOutput norm_forward(Norm kind, const at::Tensor& x_NC, const at::Tensor& weight_C, const at::Tensor& bias_C,
                        double eps, at::ScalarType out_dtype) {
  RECORD_USER_SCOPE("athanor::norm_forward");
  if (device::on_gpu(x_NC)) {
    return device::norm_forward(kind, x_NC, weight_C, bias_C, eps, out_dtype);
  }
  const bool center = kind == Norm::kLayer;
  const int64_t rows = x_NC.size(0);
  NormOutput out;
  out.y_NC = at::empty(x_NC.sizes(), x_NC.options().dtype(out_dtype));
  out.rstd_N = at::empty({rows}, x_NC.options());
  if (center) {
    out.mean_N = at::empty({rows}, x_NC.options());
  }
  const ForwardRows args{x_NC.const_data_ptr<float>(),
                         weight_C.const_data_ptr<float>(),
                         center ? bias_C.const_data_ptr<float>() : nullptr,
                         out.y_NC.mutable_data_ptr(),
                         out.rstd_N.mutable_data_ptr<float>(),
                         center ? out.mean_N.mutable_data_ptr<float>() : nullptr,
                         x_NC.size(1),
                         static_cast<float>(eps),
                         center,
                         out_dtype};
  const int64_t grain = std::max<int64_t>(1, 16384 / args.width);
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) { forward_rows(args, begin, end); });
  return out;
}

NormGradients norm_backward(Norm kind, const at::Tensor& dy_NC, const at::Tensor& x_NC, const at::Tensor& weight_C,
                            const at::Tensor& rstd_N, const at::Tensor& mean_N, const at::Tensor& residual_NC) {
  RECORD_USER_SCOPE("athanor::norm_backward");
  if (device::on_gpu(x_NC)) {
    return device::norm_backward(kind, dy_NC, x_NC, weight_C, rstd_N, mean_N, residual_NC);
  }
  const bool center = kind == Norm::kLayer;
  const int64_t rows = x_NC.size(0);
  const int64_t width = x_NC.size(1);
  NormGradients out;
  out.dx_NC = at::empty(x_NC.sizes(), x_NC.options());
  at::Tensor dweight = at::zeros({kParts, width}, x_NC.options());
  at::Tensor dbias = center ? at::zeros({kParts, width}, x_NC.options()) : at::Tensor();
  const BackwardRows args{dy_NC.const_data_ptr(),
                          x_NC.const_data_ptr<float>(),
                          weight_C.const_data_ptr<float>(),
                          rstd_N.const_data_ptr<float>(),
                          center ? mean_N.const_data_ptr<float>() : nullptr,
                          residual_NC.defined() ? residual_NC.const_data_ptr<float>() : nullptr,
                          out.dx_NC.mutable_data_ptr<float>(),
                          width,
                          center,
                          dy_NC.scalar_type()};
  float* dweight_parts = dweight.mutable_data_ptr<float>();
  float* dbias_parts = center ? dbias.mutable_data_ptr<float>() : nullptr;
  const int64_t part_rows = (rows + kParts - 1) / kParts;
  at::parallel_for(0, kParts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = std::min(rows, part * part_rows);
      backward_rows(args, first, std::min(rows, first + part_rows), dweight_parts + part * width,
                    center ? dbias_parts + part * width : nullptr);
    }
  });
  out.dweight_C = sum_parts(dweight);
  if (center) {
    out.dbias_C = sum_parts(dbias);
  }
  return out;
}

at::Tensor norm(Norm kind, const at::Tensor& x, const at::Tensor& weight_C, const at::Tensor& bias_C, double eps,
                at::ScalarType out_dtype) {
  const at::Tensor rows = x.contiguous().view({-1, x.size(-1)});
  at::Tensor y = custom_op(
      {rows, weight_C, bias_C},
      [&](std::vector<at::Tensor>& saved) {
        NormOutput out = norm_forward(kind, rows, weight_C, bias_C, eps, out_dtype);
        saved = {rows, weight_C, out.rstd_N, out.mean_N};
        return out.y_NC;
      },
      [kind](const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
        NormGradients g = norm_backward(kind, dy, saved[0], saved[1], saved[2], saved[3], {});
        return std::vector<at::Tensor>{g.dx_NC, g.dweight_C, g.dbias_C};
      });
  return y.view(x.sizes());
}

}  // namespace athanor
