// The layer of Kim's text network (2014): convolutions of several widths over a text, ReLU, and each filter's greatest answer.
// The answers of a text are never in memory, and the gradient touches one window a filter and text instead of all.
// B texts, T places, E numbers a place, F filters of K places.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace athanor {

struct WindowFilters {
  at::Tensor weight_FEK;  // fp32, as torch.nn.Conv1d has it
  at::Tensor bias_F;      // fp32
};

// relu(max over windows t of bias + sum of weight x_BTE[b, t + k]) -> [B, sum of F] in x's dtype, computed in fp32. Text b has
// windows 0 .. max(0, lengths_B[b] - K): T must be at least every K, and what stands behind a text shorter than K must be 0.
// x_BTE: fp32, bf16 or fp16 on the host. The same bits for any number of threads.
at::Tensor window_max(const at::Tensor& x_BTE, const at::Tensor& lengths_B, const std::vector<WindowFilters>& filters);

}  // namespace athanor
