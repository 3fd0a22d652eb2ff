// RMSNorm of each attention head by itself, inside the fused q, k, v (Qwen 3, Gemma 3: the heads of q with one weight,
// those of k with another). N tokens, F = (H + 2G) D features a row, D features a head.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

struct HeadNorm {
  int64_t first;        // the first head of the row that is normed
  int64_t count;        // how many
  int64_t head_dim;     // D
  at::Tensor weight_D;  // fp32
  double eps;
};

// y = x rstd weight, in place, for the heads that norm names; the others stay. x_NF: fp32, bf16 or fp16.
void head_norm_(at::Tensor& x_NF, const HeadNorm& norm);

// dy_NF becomes dL/dx for the same heads; x_NF is what head_norm_ was given. -> dL/dweight [D], fp32; the order of its
// sum does not depend on the thread count.
at::Tensor head_norm_backward_(at::Tensor& dy_NF, const at::Tensor& x_NF, const HeadNorm& norm);

}  // namespace athanor
