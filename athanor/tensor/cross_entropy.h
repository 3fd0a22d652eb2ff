// The output projection and the cross-entropy in one operation, a chunk of tokens at a time: the [N, V] logits are
// never whole in memory, and the gradients with respect to x and w are made in the forward pass while a chunk's
// softmax is still in the cache (the idea of Liger's fused linear cross-entropy, Hsu et al. 2024).
// N tokens, C features, V vocabulary.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "athanor/tensor/tied_gradient.h"

namespace athanor {

// Error(kInput) names the first target that is neither -1 nor in [0, vocab). Contiguous int64, on the host. All below do it.
void check_targets(const at::Tensor& target_N, int64_t vocab);

// The sum over n with target_N[n] >= 0 of -log softmax(x_NC w_VC^T)[n, target], in nats: an fp32 scalar.
// x_NC: fp32, bf16 or fp16. compute_w_VC: the head in x's dtype; w_VC: the fp32 parameter that gets the gradient (the
// same tensor in fp32). label_smoothing s: the target is (1 - s) onehot + s / V (Szegedy 2016).
// Products run in x's dtype, sums and the softmax in fp32, dL/dw is accumulated in fp32. Beside the two gradients it
// needs the larger of 4 M logits and at most a twelfth of all logits in fp32 (a sixth of those in bf16). One backward pass a call.
// bias_V: fp32, added to every row of logits where defined; gets its gradient too.
// tied: where w_VC is a table that is looked up as well, told of w's gradient.
at::Tensor linear_cross_entropy(const at::Tensor& x_NC, const at::Tensor& w_VC, const at::Tensor& compute_w_VC,
                                const at::Tensor& target_N, double label_smoothing = 0,
                                const at::Tensor& bias_V = {}, std::shared_ptr<TiedGradient> tied = nullptr);

// The same loss (without smoothing) for each token, without gradient -> [N] fp32; 0 where the target is -1.
at::Tensor linear_cross_entropy_each(const at::Tensor& x_NC, const at::Tensor& compute_w_VC,
                                     const at::Tensor& target_N);

// The same sum for logits that are there (a classifier's): -log softmax(logits)[n, target]. fp32, bf16 or fp16.
at::Tensor softmax_cross_entropy(const at::Tensor& logits_NV, const at::Tensor& target_N, double label_smoothing = 0);

}  // namespace athanor
