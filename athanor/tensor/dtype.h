// The precision of compute. Parameters, their gradients and reductions stay fp32.
#pragma once

#include <c10/core/ScalarType.h>

#include <string_view>

namespace athanor {

enum class Precision { kFp32, kBf16, kFp16 };  // kFp16 wants a scaled loss: train/loss_scale.h

// "fp32", "bf16" or "fp16", as recipes spell it.
inline Precision precision_of(std::string_view name) {
  return name == "bf16" ? Precision::kBf16 : name == "fp16" ? Precision::kFp16 : Precision::kFp32;
}

inline at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : precision == Precision::kFp16 ? at::kHalf : at::kFloat;
}

}  // namespace athanor
