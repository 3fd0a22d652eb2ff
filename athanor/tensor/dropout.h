// Dropout (Srivastava et al. 2014) whose mask is a pure function of (key, element index): nothing to store for the
// gradient, nothing to save for a resume, the same for any thread count.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace athanor {

// y[i] = x[i] / (1 - p) where element i is kept, else 0; p in [0, 1). The gradient is the same call on dy with the
// same key. p == 0 returns x itself.
at::Tensor dropout(const at::Tensor& x, double p, uint64_t key);

// base + dropout(x, p, key), the residual sum, in one pass: base fp32, x fp32, bf16 or fp16 of the same shape -> fp32.
// p == 0 is a plain sum.
at::Tensor add_dropout(const at::Tensor& base, const at::Tensor& x, double p, uint64_t key);

}  // namespace athanor
