// The precision of compute. Parameters, their gradients and reductions stay fp32.
#pragma once

#include <c10/core/ScalarType.h>

namespace athanor {

enum class Precision { kFp32, kBf16, kFp16 };  // kFp16 wants a scaled loss: train/loss_scale.h

inline at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : precision == Precision::kFp16 ? at::kHalf : at::kFloat;
}

}  // namespace athanor
