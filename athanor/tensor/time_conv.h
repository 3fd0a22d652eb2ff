// Dilated convolution over time with the channels last: for channels as few as a series has, the windows are read where they
// lie, by products in registers. B series, T steps, C channels in, O out, K (odd) steps a kernel.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace athanor {

// y[b, t] = bias + sum over k of weight[:, :, k] x[b, t + (k - (K - 1) / 2) dilation], zeros beyond both ends -> [B, T, O].
// All fp32 on the host; weight_OCK as torch.nn.Conv1d has it. The same bits for any number of threads.
at::Tensor time_conv(const at::Tensor& x_BTC, const at::Tensor& weight_OCK, const at::Tensor& bias_O, int64_t dilation);

}  // namespace athanor
