// Muon's direction: the momentum of a matrix made orthogonal by five steps of a quintic Newton-Schulz iteration (Jordan
// 2024, "Muon: an optimizer for hidden layers"; constants and order of operations as torch.optim.Muon).
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

// x_RC (fp32) -> about U V^T of its singular value decomposition, fp32: singular values land in about [0.7, 1.2]. bf16:
// products in bf16, as the reference has it; else fp32. A matrix of zeros stays one.
at::Tensor orthogonalised(const at::Tensor& x_RC, bool bf16);

// Factor of the learning rate for a matrix of R x C: 0.2 sqrt(max(R, C)) (Liu et al. 2025), which gives the update the
// size of AdamW's, so that one rate serves both.
double muon_scale(int64_t rows, int64_t columns);

}  // namespace athanor
