// Batch normalisation in training (Ioffe and Szegedy 2015), with the residual sum and ReLU that follow it in the same pass, and
// their gradient. N rows (examples, and places of an image), C channels.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

// fp32, [C]. running_*: what is used when not training, updated here: x (1 - momentum) + batch's momentum, the variance by N - 1.
struct BatchNormWeights {
  at::Tensor weight;
  at::Tensor bias;
  at::Tensor running_mean;
  at::Tensor running_variance;
};

// y = relu((x - mean) / sqrt(variance + eps) weight + bias + residual), the mean and variance those of the rows, N > 1;
// residual may be undefined, relu left out. x: [N, C], or [B, C, H, W], which is computed and returned with the channels last in
// memory; fp32, bf16 or fp16 on the host; residual is like x. Sums are fp32 over fixed parts of the rows, then double: the same bits
// for any number of threads.
at::Tensor batch_norm(const at::Tensor& x, const at::Tensor& residual, const BatchNormWeights& w, double momentum, double eps,
                      bool relu);

}  // namespace athanor
