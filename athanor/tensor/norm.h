// RMSNorm (Zhang and Sennrich 2019) and LayerNorm (Ba et al. 2016) over the last dimension, with their gradients.
// N rows, C features. The input is the fp32 residual stream; the output may be bf16, rounded once.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

enum class Norm { kRms, kLayer };

struct NormOutput {
  at::Tensor y_NC;      // in out_dtype
  at::Tensor rstd_N;    // fp32: 1 / sqrt(mean square + eps), or 1 / sqrt(variance + eps)
  at::Tensor mean_N;    // fp32, kLayer only
};

// kRms: y = x rstd weight.  kLayer: y = (x - mean) rstd weight + bias.
NormOutput norm_forward(Norm kind, const at::Tensor& x_NC, const at::Tensor& weight_C, const at::Tensor& bias_C,
                        double eps, at::ScalarType out_dtype);

struct NormGradients {
  at::Tensor dx_NC;      // fp32; residual_NC, where given, is added: the gradient that went round the block
  at::Tensor dweight_C;  // fp32
  at::Tensor dbias_C;    // fp32, kLayer only
};

NormGradients norm_backward(Norm kind, const at::Tensor& dy_NC, const at::Tensor& x_NC, const at::Tensor& weight_C,
                            const at::Tensor& rstd_N, const at::Tensor& mean_N, const at::Tensor& residual_NC);

// The differentiable norm by itself: x [.., C] fp32 -> [.., C] in out_dtype.
at::Tensor norm(Norm kind, const at::Tensor& x, const at::Tensor& weight_C, const at::Tensor& bias_C, double eps,
                at::ScalarType out_dtype);

}  // namespace athanor
