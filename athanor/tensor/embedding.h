// Table look-up with a deterministic gradient. N tokens, V table rows, C features.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "athanor/tensor/tied_gradient.h"

namespace athanor {

// Error(kInput) names the first index outside a table of so many rows. Contiguous int64, on the host. what: "token".
void check_indices(const at::Tensor& index_N, int64_t size, const char* what);

// table_VC[index_N] (+ second_PC[second_index_N], when second is defined) -> [N, C] fp32, recorded by autograd.
// Indices are checked: Error(kInput) names the first one outside the table.
// tied: the table's gradient goes into the one that lies there, if any does by then.
at::Tensor embedding(const at::Tensor& index_N, const at::Tensor& table_VC, const at::Tensor& second_index_N = {},
                     const at::Tensor& second_PC = {}, std::shared_ptr<TiedGradient> tied = nullptr);

// The gradient of a look-up: sums rows of dy_NC per index, in the order of the tokens, so the result does not
// depend on the thread count -> [num_rows, C] fp32.
at::Tensor embedding_backward(const at::Tensor& dy_NC, const at::Tensor& index_N, int64_t num_rows);

}  // namespace athanor
