#include "athanor/tensor/activation.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <type_traits>

#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::UintVec;
using simd::Vec;

constexpr int64_t kParts = 16;  // a fixed cut of the rows, so that the bias's gradient does not depend on threads

struct ActivationRows {
  const void* u;
  const float* bias;  // or null
  const void* dy;     // backward only
  void* du;           // backward only
  void* y;
  int64_t width;  // I
  Activation kind;
  at::ScalarType dtype;
  // What dy covers: all of it, or a block of a product in fp32.
  int64_t first_row = 0;
  int64_t first_column = 0;
  int64_t columns = 0;  // 0: all
  int64_t stride = 0;
  bool wide = false;  // dy is fp32 whatever u is
};

struct Curve {
  Vec value;
  Vec slope;
};

ATHANOR_INLINE Curve silu(const Vec& u) {
  const Vec s = simd::sigmoid(u);
  const Vec value = u * s;
  return {value, s + value * (1.0f - s)};
}

// tanh(z) = 2 sigmoid(2z) - 1, so gelu_tanh(u) = u sigmoid(2 z(u)).
ATHANOR_INLINE Curve gelu_tanh(const Vec& u) {
  const Vec s = simd::sigmoid(1.5957691216057308f * (u + 0.044715f * u * u * u));
  const Vec value = u * s;
  return {value, s + value * (1.0f - s) * (1.5957691216057308f * (1.0f + 0.134145f * u * u))};
}

ATHANOR_INLINE Curve gelu(const Vec& u) {
  const Vec g = simd::gauss(u);
  const Vec below = simd::normal_below(u, g);
  return {u * below, below + u * g * 0.3989422804014327f};
}

// 2^x within 8e-5 of it for -127 < x < 0, 0 below. Numbers of one sign are compared as whole numbers, in one instruction.
ATHANOR_INLINE Vec rough_exp2(const Vec& x) {
  const UintVec lowest = reinterpret_cast<UintVec>(simd::splat(-127.0f));
  const UintVec bits = reinterpret_cast<UintVec>(x);
  const Vec y = reinterpret_cast<Vec>(bits < lowest ? bits : lowest);
  const Vec shifted = y + 12583039.0f;  // 1.5 * 2^23 + 127: the exponent's bits come to stand last
  const Vec r = y - (shifted - 12583039.0f);
  const Vec p = (0.0551716527f * r + 0.242611121f) * (r * r) + (0.693260988f * r + 0.999928074f);
  return p * reinterpret_cast<Vec>(reinterpret_cast<UintVec>(shifted) << 23);
}

// GELU for results of 8 bits, without a division and with one exponential. Phi(-x) = 2^q(x) and gelu'(-x) = Phi(-x) m(x) for
// x >= 0, q and m polynomials (least squares towards the smallest greatest error on [0, 13.4]: 6e-4 of Phi(-x), 8e-4 of m);
// Phi(x) = 1 - Phi(-x) and gelu'(x) = 1 - gelu'(-x). By pairs of terms, which do not wait for each other.
ATHANOR_INLINE Curve rough_gelu(const Vec& u) {
  const UintVec most = reinterpret_cast<UintVec>(simd::splat(14.0f));  // Phi(-14) is 0 here
  const UintVec magnitude = reinterpret_cast<UintVec>(u) & 0x7fffffffu;
  const Vec x = reinterpret_cast<Vec>(magnitude < most ? magnitude : most);
  const Vec x2 = x * x;
  const Vec q01 = -1.14243832f * x - 1.00083706f;
  const Vec q23 = -0.0440373101f * x - 0.473651693f;
  const Vec q45 = -0.000407254299f * x + 0.00536540884f;
  const Vec q67 = -3.03423756e-07f * x + 1.7136924e-05f;
  const Vec tail = rough_exp2(((q67 * x2 + q45) * x2 + q23) * x2 + q01);
  const Vec m01 = -0.782600363f * x + 0.998827861f;
  const Vec m23 = -0.0790636455f * x - 0.672892102f;
  const Vec m45 = -0.000697318541f * x + 0.0105062019f;
  const Vec slope = tail * (((1.79070829e-05f * x2 + m45) * x2 + m23) * x2 + m01);
  return {u * (u < 0 ? tail : 1.0f - tail), u < 0 ? slope : 1.0f - slope};
}

template <Activation kKind, typename T>
ATHANOR_INLINE Curve curve(const Vec& u) {
  if constexpr (kKind == Activation::kSwiGlu) {
    return silu(u);
  } else if constexpr (kKind == Activation::kGeluTanh || kKind == Activation::kGeGluTanh) {
    return gelu_tanh(u);
  } else if constexpr (std::is_same_v<T, c10::BFloat16>) {
    return rough_gelu(u);
  } else {
    return gelu(u);
  }
}

// One row's pointers, at feature i: gate and up of u and of its gradient.
template <typename T, typename D>
struct Row {
  const T* u;
  const float* bias;
  const D* dy;
  T* du;
  T* y;
  float* dbias;
  int64_t first;  // the feature that dy begins with
};

// Sixteen features, or the `left` last ones.
template <Activation kKind, bool kBackward, bool kPart, typename T, typename D>
ATHANOR_INLINE void one_group(const Row<T, D>& row, int64_t i, int64_t width, int64_t left) {
  const auto read = [&](const auto* p) __attribute__((always_inline)) {
    return kPart ? simd::load_part(p, left) : simd::load(p);
  };
  const auto write = [&](auto* p, const Vec& v) __attribute__((always_inline)) {
    kPart ? simd::store_part(p, v, left) : simd::store(p, v);
  };
  const auto input = [&](int64_t at) __attribute__((always_inline)) {
    const Vec u = read(row.u + at);
    return row.bias == nullptr ? u : u + read(row.bias + at);
  };
  const auto gradient = [&](int64_t at, const Vec& d) __attribute__((always_inline)) {
    write(row.du + at, d);
    if (row.dbias != nullptr) {
      write(row.dbias + at, read(row.dbias + at) + d);
    }
  };
  const Curve c = curve<kKind, T>(input(i));
  if constexpr (is_gated(kKind)) {
    const Vec up = input(width + i);
    if (kBackward) {
      const Vec d = read(row.dy + (i - row.first));
      gradient(i, d * up * c.slope);
      gradient(width + i, d * c.value);
    }
    write(row.y + i, c.value * up);
  } else {
    if (kBackward) {
      gradient(i, read(row.dy + (i - row.first)) * c.slope);
    }
    write(row.y + i, c.value);
  }
}

template <Activation kKind, bool kBackward, typename T, typename D>
ATHANOR_INLINE void rows_of(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  const int64_t stride = is_gated(kKind) ? 2 * a.width : a.width;
  const int64_t dy_stride = a.stride > 0 ? a.stride : a.width;
  const int64_t last = a.columns > 0 ? a.first_column + a.columns : a.width;
  for (int64_t n = begin; n < end; ++n) {
    const Row<T, D> row{static_cast<const T*>(a.u) + n * stride,
                        a.bias,
                        kBackward ? static_cast<const D*>(a.dy) + (n - a.first_row) * dy_stride : nullptr,
                        kBackward ? static_cast<T*>(a.du) + n * stride : nullptr,
                        static_cast<T*>(a.y) + n * a.width,
                        dbias,
                        a.first_column};
    int64_t i = a.first_column;
    for (; i + kLanes <= last; i += kLanes) {
      one_group<kKind, kBackward, false>(row, i, a.width, kLanes);
    }
    if (i < last) {
      one_group<kKind, kBackward, true>(row, i, a.width, last - i);
    }
  }
}

template <bool kBackward, typename T, typename D>
ATHANOR_INLINE void rows_of_kind(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  switch (a.kind) {
    case Activation::kSwiGlu:
      return rows_of<Activation::kSwiGlu, kBackward, T, D>(a, begin, end, dbias);
    case Activation::kGeluTanh:
      return rows_of<Activation::kGeluTanh, kBackward, T, D>(a, begin, end, dbias);
    case Activation::kGelu:
      return rows_of<Activation::kGelu, kBackward, T, D>(a, begin, end, dbias);
    case Activation::kGeGlu:
      return rows_of<Activation::kGeGlu, kBackward, T, D>(a, begin, end, dbias);
    case Activation::kGeGluTanh:
      return rows_of<Activation::kGeGluTanh, kBackward, T, D>(a, begin, end, dbias);
  }
}

template <typename T>
ATHANOR_INLINE void rows_of_type(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  if (a.dy == nullptr) {
    rows_of_kind<false, T, T>(a, begin, end, dbias);
  } else if (a.wide) {
    rows_of_kind<true, T, float>(a, begin, end, dbias);
  } else {
    rows_of_kind<true, T, T>(a, begin, end, dbias);
  }
}

ATHANOR_SIMD void rows_fp32(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  rows_of_type<float>(a, begin, end, dbias);
}
ATHANOR_SIMD void rows_bf16(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  rows_of_type<c10::BFloat16>(a, begin, end, dbias);
}
ATHANOR_SIMD void rows_fp16(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  rows_of_type<c10::Half>(a, begin, end, dbias);
}

void run_rows(const ActivationRows& a, int64_t begin, int64_t end, float* dbias) {
  if (a.dtype == at::kBFloat16) {
    rows_bf16(a, begin, end, dbias);
  } else if (a.dtype == at::kHalf) {
    rows_fp16(a, begin, end, dbias);
  } else {
    rows_fp32(a, begin, end, dbias);
  }
}

void run(const ActivationRows& args, int64_t rows) {
  const int64_t grain = std::max<int64_t>(1, 8192 / args.width);
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) { run_rows(args, begin, end, nullptr); });
}

// The same with the sums of du's rows.
at::Tensor run_with_sums(const ActivationRows& args, int64_t rows, int64_t columns) {
  at::Tensor sums = at::zeros({kParts, columns}, at::kFloat);
  float* parts = sums.mutable_data_ptr<float>();
  const int64_t part_rows = (rows + kParts - 1) / kParts;
  at::parallel_for(0, kParts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const int64_t first = std::min(rows, part * part_rows);
      run_rows(args, first, std::min(rows, first + part_rows), parts + part * columns);
    }
  });
  return column_sum(sums);
}

template <typename From, typename To>
ATHANOR_INLINE void convert_span_of(const void* from_base, void* to_base, int64_t begin, int64_t end) {
  const From* from = static_cast<const From*>(from_base);
  To* to = static_cast<To*>(to_base);
  int64_t i = begin;
  for (; i + kLanes <= end; i += kLanes) {
    simd::store(to + i, simd::load(from + i));
  }
  if (i < end) {
    simd::store_part(to + i, simd::load_part(from + i, end - i), end - i);
  }
}

template <typename From>
ATHANOR_INLINE void convert_span_from(const void* from, void* to, int64_t begin, int64_t end, at::ScalarType dtype) {
  if (dtype == at::kBFloat16) {
    convert_span_of<From, c10::BFloat16>(from, to, begin, end);
  } else if (dtype == at::kHalf) {
    convert_span_of<From, c10::Half>(from, to, begin, end);
  } else {
    convert_span_of<From, float>(from, to, begin, end);
  }
}

ATHANOR_SIMD void convert_span(const void* from, at::ScalarType from_dtype, void* to, at::ScalarType dtype,
                               int64_t begin, int64_t end) {
  if (from_dtype == at::kBFloat16) {
    convert_span_from<c10::BFloat16>(from, to, begin, end, dtype);
  } else if (from_dtype == at::kHalf) {
    convert_span_from<c10::Half>(from, to, begin, end, dtype);
  } else {
    convert_span_from<float>(from, to, begin, end, dtype);
  }
}

const float* data_or_null(const at::Tensor& bias) {
  return bias.defined() ? bias.const_data_ptr<float>() : nullptr;
}

}  // namespace

at::Tensor activation_forward(Activation kind, const at::Tensor& u, const at::Tensor& bias) {
  RECORD_USER_SCOPE("athanor::activation_forward");
  if (device::on_gpu(u)) {
    return device::activation_forward(kind, u, bias);
  }
  const int64_t width = is_gated(kind) ? u.size(1) / 2 : u.size(1);
  at::Tensor y = at::empty({u.size(0), width}, u.options());
  run({u.const_data_ptr(), data_or_null(bias), nullptr, nullptr, y.mutable_data_ptr(), width, kind, u.scalar_type()},
      u.size(0));
  return y;
}

namespace {

// du may be u.
ActivationGradients backward_into(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u, const at::Tensor& bias,
                                  const at::Tensor& du) {
  RECORD_USER_SCOPE("athanor::activation_backward");
  if (device::on_gpu(u)) {
    return device::activation_backward(kind, dy_NI, u, bias, du);
  }
  ActivationGradients out{du, at::empty(dy_NI.sizes(), u.options()), {}};
  const ActivationRows args{u.const_data_ptr(),
                            data_or_null(bias),
                            dy_NI.const_data_ptr(),
                            out.du.mutable_data_ptr(),
                            out.y_NI.mutable_data_ptr(),
                            dy_NI.size(1),
                            kind,
                            u.scalar_type()};
  if (bias.defined()) {
    out.dbias = run_with_sums(args, u.size(0), u.size(1));
  } else {
    run(args, u.size(0));
  }
  return out;
}

}  // namespace

ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u,
                                        const at::Tensor& bias) {
  return backward_into(kind, dy_NI, u, bias, at::empty(u.sizes(), u.options()));
}

ActivationGradients activation_backward_(Activation kind, const at::Tensor& dy_NM, const at::Tensor& w_MI,
                                         at::Tensor& u, const at::Tensor& bias) {
  u.unsafeGetTensorImpl()->bump_version();  // autograd refuses a second pass over what held u
  if (device::on_gpu(u)) {
    return device::activation_backward(kind, linear_grad_input(dy_NM, w_MI), u, bias, u);
  }
  ActivationGradients out{u, at::empty({u.size(0), w_MI.size(1)}, u.options()), {}};
  ActivationRows args{u.const_data_ptr(),         data_or_null(bias), nullptr, u.mutable_data_ptr(),
                      out.y_NI.mutable_data_ptr(), w_MI.size(1),       kind,    u.scalar_type()};
  args.wide = true;
  const bool fused = linear_grad_input_to(dy_NM, w_MI, [&](const ProductBlock& block) {
    RECORD_USER_SCOPE("athanor::activation_backward");
    ActivationRows part = args;
    part.dy = block.values;
    part.first_row = block.row;
    part.first_column = block.column;
    part.columns = block.columns;
    part.stride = block.stride;
    run_rows(part, block.row, block.row + block.rows, nullptr);
  });
  if (!fused) {
    out.y_NI.reset();
    return backward_into(kind, linear_grad_input(dy_NM, w_MI), u, bias, u);
  }
  if (bias.defined()) {
    out.dbias = column_sum(out.du);
  }
  return out;
}

void convert(const at::Tensor& src, at::Tensor& dst) {
  if (device::on_gpu(src)) {
    dst.copy_(src);
    return;
  }
  const void* from = src.const_data_ptr();
  void* to = dst.mutable_data_ptr();
  at::parallel_for(0, src.numel(), 32768, [&](int64_t begin, int64_t end) {
    convert_span(from, src.scalar_type(), to, dst.scalar_type(), begin, end);
  });
}

at::Tensor to_dtype(const at::Tensor& src, at::ScalarType dtype) {
  if (src.scalar_type() == dtype) {
    return src;
  }
  at::Tensor dst = at::empty(src.sizes(), src.options().dtype(dtype));
  convert(src.contiguous(), dst);
  return dst;
}

}  // namespace athanor
