#include "athanor/tensor/batch_norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;
using Tensors = std::vector<at::Tensor>;

constexpr int64_t kParts = 64;  // of the rows: a fixed cut, so that sums do not depend on the thread count

// Rows of channels, one behind another.
struct Rows {
  const void* x;
  const void* y;  // where ReLU gave 0, no gradient goes; null: it goes everywhere
  const void* dy;
  const void* residual;
  void* out;
  void* out_residual;
  int64_t channels;
  at::ScalarType dtype;
};

// Per channel; which ones differs by pass.
struct Factors {
  const float* a;
  const float* b;
  const float* c;
};

template <typename T>
ATHANOR_INLINE Vec get(const void* from, int64_t at, int64_t lanes) {
  const T* p = static_cast<const T*>(from) + at;
  return lanes >= kLanes ? simd::load(p) : simd::load_part(p, lanes);
}
template <typename T>
ATHANOR_INLINE void put(void* to, int64_t at, Vec value, int64_t lanes) {
  T* p = static_cast<T*>(to) + at;
  lanes >= kLanes ? simd::store(p, value) : simd::store_part(p, value, lanes);
}

// dy where y is above 0.
template <typename T>
ATHANOR_INLINE Vec passed(const Rows& r, int64_t at, int64_t lanes) {
  const Vec dy = get<T>(r.dy, at, lanes);
  return r.y == nullptr ? dy : get<T>(r.y, at, lanes) > 0 ? dy : Vec{};
}

// sums[0][C] = sum of u, sums[1][C] = sum of u v over rows [begin, end), where v = x - a and u = v (forward) or the gradient.
template <typename T>
ATHANOR_INLINE void add_up(const Rows& r, const float* a, int64_t begin, int64_t end, float* sums) {
  for (int64_t c = 0; c < r.channels; c += kLanes) {
    const int64_t lanes = r.channels - c;
    const Vec center = get<float>(a, c, lanes);
    Vec first = Vec{};
    Vec second = Vec{};
    for (int64_t row = begin; row < end; ++row) {
      const int64_t at = row * r.channels + c;
      const Vec v = get<T>(r.x, at, lanes) - center;
      const Vec u = r.dy == nullptr ? v : passed<T>(r, at, lanes);
      first += u;
      second += u * v;
    }
    put<float>(sums, c, first, lanes);
    put<float>(sums + r.channels, c, second, lanes);
  }
}

// out = relu(a x + b + residual).
template <typename T>
ATHANOR_INLINE void normalise(const Rows& r, const Factors& f, bool relu, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t c = 0; c < r.channels; c += kLanes) {
      const int64_t lanes = r.channels - c;
      const int64_t at = row * r.channels + c;
      Vec y = get<T>(r.x, at, lanes) * get<float>(f.a, c, lanes) + get<float>(f.b, c, lanes);
      y = r.residual == nullptr ? y : y + get<T>(r.residual, at, lanes);
      put<T>(r.out, at, relu ? (y < 0 ? Vec{} : y) : y, lanes);
    }
  }
}

// out = a u + b x + c, u the gradient that ReLU lets through, which is the residual's.
template <typename T>
ATHANOR_INLINE void differentiate(const Rows& r, const Factors& f, int64_t begin, int64_t end) {
  for (int64_t row = begin; row < end; ++row) {
    for (int64_t c = 0; c < r.channels; c += kLanes) {
      const int64_t lanes = r.channels - c;
      const int64_t at = row * r.channels + c;
      const Vec u = passed<T>(r, at, lanes);
      put<T>(r.out, at, get<float>(f.a, c, lanes) * u + get<float>(f.b, c, lanes) * get<T>(r.x, at, lanes) + get<float>(f.c, c, lanes),
             lanes);
      if (r.out_residual != nullptr) {
        put<T>(r.out_residual, at, u, lanes);
      }
    }
  }
}

#define ATHANOR_BY_DTYPE(call)                  \
  if (r.dtype == at::kBFloat16) {               \
    using T = c10::BFloat16;                    \
    call;                                       \
  } else if (r.dtype == at::kHalf) {            \
    using T = c10::Half;                        \
    call;                                       \
  } else {                                      \
    using T = float;                            \
    call;                                       \
  }

ATHANOR_SIMD void add_up_rows(const Rows& r, const float* a, int64_t begin, int64_t end, float* sums) {
  ATHANOR_BY_DTYPE(add_up<T>(r, a, begin, end, sums))
}
ATHANOR_SIMD void normalise_rows(const Rows& r, const Factors& f, bool relu, int64_t begin, int64_t end) {
  ATHANOR_BY_DTYPE(normalise<T>(r, f, relu, begin, end))
}
ATHANOR_SIMD void differentiate_rows(const Rows& r, const Factors& f, int64_t begin, int64_t end) {
  ATHANOR_BY_DTYPE(differentiate<T>(r, f, begin, end))
}
#undef ATHANOR_BY_DTYPE

int64_t grain_of(int64_t channels) { return std::max<int64_t>(1, 16384 / channels); }

// The two sums over all rows, [2 C].
std::vector<double> sums_of(const Rows& r, int64_t rows, const float* a) {
  std::vector<float> parts(static_cast<size_t>(kParts * 2 * r.channels));
  const int64_t each = (rows + kParts - 1) / kParts;
  at::parallel_for(0, kParts, std::max<int64_t>(1, grain_of(r.channels) / each), [&](int64_t low, int64_t high) {
    for (int64_t part = low; part < high; ++part) {
      add_up_rows(r, a, std::min(rows, part * each), std::min(rows, (part + 1) * each), parts.data() + part * 2 * r.channels);
    }
  });
  std::vector<double> sums(static_cast<size_t>(2 * r.channels));
  for (size_t i = 0; i < parts.size(); ++i) {
    sums[i % sums.size()] += parts[i];
  }
  return sums;
}

at::Tensor channels_last(const at::Tensor& x) {
  return x.dim() == 4 ? x.contiguous(at::MemoryFormat::ChannelsLast) : x.contiguous();
}

float* data(const at::Tensor& x) { return x.mutable_data_ptr<float>(); }

// What forward leaves for the gradient, fp32: mean, 1 / deviation.
struct Moments {
  at::Tensor mean;
  at::Tensor rstd;
};

Moments moments_of(Rows r, int64_t rows, const at::Tensor& x, const BatchNormWeights& w, double momentum, double eps) {
  const auto count = static_cast<double>(rows);
  const at::TensorOptions options = w.weight.options().requires_grad(false);
  // Around the first row's values, so that a mean far from zero costs no digits.
  const at::Tensor center = (x.dim() == 4 ? x.select(3, 0).select(2, 0) : x).select(0, 0).to(at::kFloat).contiguous();
  const std::vector<double> sums = sums_of(r, rows, data(center));
  Moments moments{at::empty({r.channels}, options), at::empty({r.channels}, options)};
  for (int64_t c = 0; c < r.channels; ++c) {
    const double shift = sums[static_cast<size_t>(c)] / count;
    const double mean = data(center)[c] + shift;
    const double found = sums[static_cast<size_t>(r.channels + c)] / count - shift * shift;
    const double variance = found < 0 ? 0 : found;  // NaN stays one, so that nobody takes it for a constant channel
    const auto keep = [&](const at::Tensor& running, double value) {
      float& at = data(running)[c];
      at = static_cast<float>((1 - momentum) * at + momentum * value);
    };
    keep(w.running_mean, mean);
    keep(w.running_variance, variance * count / (count - 1));
    data(moments.mean)[c] = static_cast<float>(mean);
    data(moments.rstd)[c] = static_cast<float>(1 / std::sqrt(variance + eps));
  }
  return moments;
}

Rows rows_of(const at::Tensor& x) {
  Rows r{};
  r.x = x.const_data_ptr();
  r.channels = x.size(1);
  r.dtype = x.scalar_type();
  return r;
}

// saved: x, mean, rstd, weight, and y where ReLU was applied.
Tensors gradients_of(const Tensors& saved, const at::Tensor& grad, bool residual) {
  RECORD_USER_SCOPE("athanor::batch_norm_backward");
  const at::Tensor& x = saved[0];
  const at::Tensor dy = channels_last(grad);
  const int64_t channels = x.size(1);
  const int64_t rows = x.numel() / channels;
  const at::Tensor dx = at::empty_like(x);
  const at::Tensor dresidual = residual ? at::empty_like(x) : at::Tensor();
  Rows r = rows_of(x);
  r.dy = dy.const_data_ptr();
  r.y = saved[4].defined() ? saved[4].const_data_ptr() : nullptr;
  r.out = dx.mutable_data_ptr();
  r.out_residual = residual ? dresidual.mutable_data_ptr() : nullptr;
  const std::vector<double> sums = sums_of(r, rows, data(saved[1]));
  at::Tensor dweight = at::empty_like(saved[3]);
  at::Tensor dbias = at::empty_like(saved[3]);
  const at::Tensor factors = at::empty({3, channels}, saved[3].options());
  for (int64_t c = 0; c < channels; ++c) {
    const double sum = sums[static_cast<size_t>(c)];
    const double product = sums[static_cast<size_t>(channels + c)];
    const double rstd = data(saved[2])[c];
    const double a = rstd * data(saved[3])[c];
    const double b = -a * rstd * rstd * product / static_cast<double>(rows);
    data(dweight)[c] = static_cast<float>(product * rstd);
    data(dbias)[c] = static_cast<float>(sum);
    data(factors)[c] = static_cast<float>(a);
    data(factors)[channels + c] = static_cast<float>(b);
    data(factors)[2 * channels + c] = static_cast<float>(-a * sum / static_cast<double>(rows) - b * data(saved[1])[c]);
  }
  const Factors f{data(factors), data(factors) + channels, data(factors) + 2 * channels};
  at::parallel_for(0, rows, grain_of(channels), [&](int64_t begin, int64_t end) { differentiate_rows(r, f, begin, end); });
  return {dx, dresidual, dweight, dbias};
}

}  // namespace

at::Tensor batch_norm(const at::Tensor& x_given, const at::Tensor& residual, const BatchNormWeights& w, double momentum, double eps,
                      bool relu) {
  return custom_op(
      {x_given, residual, w.weight, w.bias},
      [&](Tensors& saved) {
        RECORD_USER_SCOPE("athanor::batch_norm");
        const at::Tensor x = channels_last(x_given);
        const at::Tensor added = residual.defined() ? channels_last(residual) : residual;
        const at::Tensor y = at::empty_like(x);
        const int64_t channels = x.size(1);
        const int64_t rows = x.numel() / channels;
        Rows r = rows_of(x);
        const Moments moments = moments_of(r, rows, x, w, momentum, eps);
        const at::Tensor scale = w.weight.mul(moments.rstd);
        const at::Tensor shift = w.bias.sub(moments.mean.mul(scale));
        r.residual = added.defined() ? added.const_data_ptr() : nullptr;
        r.out = y.mutable_data_ptr();
        const Factors f{data(scale), data(shift), nullptr};
        at::parallel_for(0, rows, grain_of(channels), [&](int64_t begin, int64_t end) { normalise_rows(r, f, relu, begin, end); });
        saved = {x, moments.mean, moments.rstd, w.weight.detach(), relu ? y : at::Tensor()};
        return y;
      },
      [residual = residual.defined()](const Tensors& saved, const at::Tensor& dy) { return gradients_of(saved, dy, residual); });
}

}  // namespace athanor
