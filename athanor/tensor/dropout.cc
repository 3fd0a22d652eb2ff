#include "athanor/tensor/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/record_function.h>

#include "athanor/base/rng.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/simd.h"

namespace athanor {
namespace {

struct Dropping {
  const void* x;
  const float* base;  // added to, or null
  void* y;
  at::ScalarType dtype;  // of x
  uint32_t threshold;
  float scale;
  uint64_t key;
};

template <bool kAdd, typename T>
ATHANOR_INLINE void drop_span_of(const Dropping& a, int64_t begin, int64_t end) {
  using Out = std::conditional_t<kAdd, float, T>;
  const T* x = static_cast<const T*>(a.x);
  Out* y = static_cast<Out*>(a.y);
  const bool all = a.threshold == 0;
  for (int64_t first = begin; first < end; first += simd::kLanes) {
    const int64_t left = end - first < simd::kLanes ? end - first : simd::kLanes;
    simd::Vec kept = simd::splat(a.scale);
    for (int64_t i = 0; !all && i < left; ++i) {
      kept[i] = (mix64(a.key + static_cast<uint64_t>(first + i)) >> 32) >= a.threshold ? a.scale : 0.0f;
    }
    if (left == simd::kLanes) {
      const simd::Vec value = simd::load(x + first) * kept;
      simd::store(y + first, kAdd ? value + simd::load(a.base + first) : value);
    } else {
      const simd::Vec value = simd::load_part(x + first, left) * kept;
      simd::store_part(y + first, kAdd ? value + simd::load_part(a.base + first, left) : value, left);
    }
  }
}

template <bool kAdd>
ATHANOR_INLINE void drop_span_for(const Dropping& a, int64_t begin, int64_t end) {
  if (a.dtype == at::kBFloat16) {
    drop_span_of<kAdd, c10::BFloat16>(a, begin, end);
  } else if (a.dtype == at::kHalf) {
    drop_span_of<kAdd, c10::Half>(a, begin, end);
  } else {
    drop_span_of<kAdd, float>(a, begin, end);
  }
}

ATHANOR_SIMD void drop_span(const Dropping& a, int64_t begin, int64_t end) {
  a.base == nullptr ? drop_span_for<false>(a, begin, end) : drop_span_for<true>(a, begin, end);
}

void run(Dropping args, int64_t size, double p, uint64_t key) {
  args.threshold = static_cast<uint32_t>(p * 4294967296.0);
  args.scale = static_cast<float>(1.0 / (1.0 - p));
  args.key = key;
  at::parallel_for(0, size, 8192, [&](int64_t begin, int64_t end) { drop_span(args, begin, end); });
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, uint64_t key) {
  RECORD_USER_SCOPE("athanor::dropout");
  if (p == 0) {
    return x;
  }
  if (device::on_gpu(x)) {
    return device::dropout(x, p, key);
  }
  const at::Tensor dense = x.contiguous();
  at::Tensor y = at::empty(dense.sizes(), dense.options());
  run({dense.const_data_ptr(), nullptr, y.mutable_data_ptr(), dense.scalar_type(), 0, 1, 0}, dense.numel(), p, key);
  return y;
}

at::Tensor add_dropout(const at::Tensor& base, const at::Tensor& x, double p, uint64_t key) {
  RECORD_USER_SCOPE("athanor::add_dropout");
  if (device::on_gpu(x)) {
    return device::add_dropout(base, x, p, key);
  }
  const at::Tensor dense = x.contiguous();
  const at::Tensor under = base.contiguous();
  at::Tensor y = at::empty(under.sizes(), under.options());
  run({dense.const_data_ptr(), under.const_data_ptr<float>(), y.mutable_data_ptr(), dense.scalar_type(), 0, 1, 0},
      dense.numel(), p, key);
  return y;
}

}  // namespace athanor
