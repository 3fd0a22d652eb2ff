// The precision of compute. Parameters, their gradients and reductions stay fp32.
#pragma once

#include <c10/core/ScalarType.h>

namespace athanor {

enum class Precision { kFp32, kBf16 };

inline at::ScalarType scalar_type(Precision precision) {
  return precision == Precision::kBf16 ? at::kBFloat16 : at::kFloat;
}

}  // namespace athanor
