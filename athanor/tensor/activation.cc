#include "athanor/tensor/activation.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>

#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

using simd::kLanes;
using simd::Vec;

struct ActivationRows {
  const void* u;
  const void* dy;  // backward only
  void* du;        // backward only
  void* y;
  int64_t width;  // I
  bool gated;
  bool backward;
};

// tanh(z) = 2 sigmoid(2z) - 1, so gelu(u) = u sigmoid(2 z(u)).
ATHANOR_INLINE Vec gelu_sigmoid(const Vec& u) {
  return simd::sigmoid(1.5957691216057308f * (u + 0.044715f * u * u * u));
}

// Sixteen features: reads gate (or u), up, dy; writes y and the gradients.
template <bool kGated, bool kBackward, bool kPart, typename T>
ATHANOR_INLINE void one_group(const T* gate, const T* up, const T* dy, T* dgate, T* dup, T* y, int64_t left) {
  const auto read = [&](const T* p) __attribute__((always_inline)) {
    return kPart ? simd::load_part(p, left) : simd::load(p);
  };
  const auto write = [&](T* p, const Vec& v) __attribute__((always_inline)) {
    kPart ? simd::store_part(p, v, left) : simd::store(p, v);
  };
  const Vec g = read(gate);
  const Vec s = kGated ? simd::sigmoid(g) : gelu_sigmoid(g);
  const Vec value = g * s;
  if (kGated) {
    const Vec u = read(up);
    if (kBackward) {
      const Vec d = read(dy);
      write(dup, d * value);
      write(dgate, d * u * (s + value * (1.0f - s)));
    }
    write(y, value * u);
  } else {
    if (kBackward) {
      const Vec dz = 1.5957691216057308f * (1.0f + 0.134145f * g * g);
      write(dgate, read(dy) * (s + value * (1.0f - s) * dz));
    }
    write(y, value);
  }
}

template <bool kGated, bool kBackward, typename T>
ATHANOR_INLINE void rows_of(const ActivationRows& a, int64_t begin, int64_t end) {
  const int64_t stride = kGated ? 2 * a.width : a.width;
  const int64_t whole = a.width / kLanes * kLanes;
  for (int64_t n = begin; n < end; ++n) {
    const T* gate = static_cast<const T*>(a.u) + n * stride;
    const T* dy = kBackward ? static_cast<const T*>(a.dy) + n * a.width : nullptr;
    T* dgate = kBackward ? static_cast<T*>(a.du) + n * stride : nullptr;
    T* y = static_cast<T*>(a.y) + n * a.width;
    for (int64_t i = 0; i < whole; i += kLanes) {
      one_group<kGated, kBackward, false>(gate + i, gate + a.width + i, dy + i, dgate + i, dgate + a.width + i,
                                          y + i, kLanes);
    }
    if (whole < a.width) {
      one_group<kGated, kBackward, true>(gate + whole, gate + a.width + whole, dy + whole, dgate + whole,
                                         dgate + a.width + whole, y + whole, a.width - whole);
    }
  }
}

template <typename T>
ATHANOR_INLINE void rows_dispatch(const ActivationRows& a, int64_t begin, int64_t end) {
  if (a.gated) {
    a.backward ? rows_of<true, true, T>(a, begin, end) : rows_of<true, false, T>(a, begin, end);
  } else {
    a.backward ? rows_of<false, true, T>(a, begin, end) : rows_of<false, false, T>(a, begin, end);
  }
}

ATHANOR_SIMD void rows_fp32(const ActivationRows& a, int64_t begin, int64_t end) {
  rows_dispatch<float>(a, begin, end);
}
ATHANOR_SIMD void rows_bf16(const ActivationRows& a, int64_t begin, int64_t end) {
  rows_dispatch<c10::BFloat16>(a, begin, end);
}

void run(const ActivationRows& args, int64_t rows, bool bf16) {
  const int64_t grain = std::max<int64_t>(1, 8192 / args.width);
  at::parallel_for(0, rows, grain, [&](int64_t begin, int64_t end) {
    bf16 ? rows_bf16(args, begin, end) : rows_fp32(args, begin, end);
  });
}

template <typename From, typename To>
ATHANOR_INLINE void convert_span_of(const From* from, To* to, int64_t size) {
  int64_t i = 0;
  for (; i + kLanes <= size; i += kLanes) {
    simd::store(to + i, simd::load(from + i));
  }
  if (i < size) {
    simd::store_part(to + i, simd::load_part(from + i, size - i), size - i);
  }
}

ATHANOR_SIMD void convert_span(const void* from, void* to, int64_t begin, int64_t end, bool to_bf16) {
  if (to_bf16) {
    convert_span_of(static_cast<const float*>(from) + begin, static_cast<c10::BFloat16*>(to) + begin, end - begin);
  } else {
    convert_span_of(static_cast<const c10::BFloat16*>(from) + begin, static_cast<float*>(to) + begin, end - begin);
  }
}

}  // namespace

at::Tensor activation_forward(Activation kind, const at::Tensor& u) {
  const bool gated = kind == Activation::kSwiGlu;
  const int64_t width = gated ? u.size(1) / 2 : u.size(1);
  at::Tensor y = at::empty({u.size(0), width}, u.options());
  run({u.const_data_ptr(), nullptr, nullptr, y.mutable_data_ptr(), width, gated, false}, u.size(0),
      u.scalar_type() == at::kBFloat16);
  return y;
}

ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u) {
  const bool gated = kind == Activation::kSwiGlu;
  ActivationGradients out{at::empty(u.sizes(), u.options()), at::empty(dy_NI.sizes(), u.options())};
  run({u.const_data_ptr(), dy_NI.const_data_ptr(), out.du.mutable_data_ptr(), out.y_NI.mutable_data_ptr(),
       dy_NI.size(1), gated, true},
      u.size(0), u.scalar_type() == at::kBFloat16);
  return out;
}

void convert(const at::Tensor& src, at::Tensor& dst) {
  const bool to_bf16 = dst.scalar_type() == at::kBFloat16;
  const void* from = src.const_data_ptr();
  void* to = dst.mutable_data_ptr();
  at::parallel_for(0, src.numel(), 32768,
                   [&](int64_t begin, int64_t end) { convert_span(from, to, begin, end, to_bf16); });
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
