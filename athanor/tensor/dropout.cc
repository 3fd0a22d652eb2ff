#include "athanor/tensor/dropout.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

template <typename T>
void drop(const at::Tensor& x, at::Tensor& y, uint32_t threshold, float scale, uint64_t key) {
  const T* from = x.const_data_ptr<T>();
  T* to = y.mutable_data_ptr<T>();
  at::parallel_for(0, x.numel(), 8192, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const bool kept = (mix64(key + static_cast<uint64_t>(i)) >> 32) >= threshold;
      to[i] = kept ? static_cast<T>(static_cast<float>(from[i]) * scale) : static_cast<T>(0.0f);
    }
  });
}

}  // namespace

at::Tensor dropout(const at::Tensor& x, double p, uint64_t key) {
  if (p == 0) {
    return x;
  }
  const at::Tensor dense = x.contiguous();
  at::Tensor y = at::empty(dense.sizes(), dense.options());
  const auto threshold = static_cast<uint32_t>(p * 4294967296.0);
  const auto scale = static_cast<float>(1.0 / (1.0 - p));
  if (dense.scalar_type() == at::kBFloat16) {
    drop<c10::BFloat16>(dense, y, threshold, scale, key);
  } else {
    drop<float>(dense, y, threshold, scale, key);
  }
  return y;
}

}  // namespace athanor
