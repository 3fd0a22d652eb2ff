// Causal attention over a fused q, k, v, with its gradient (flash: the [T, S] scores are never whole in memory).
// B sequences, T positions, H query heads, G key/value heads (H a multiple of G: query head h reads head h / (H/G),
// Ainslie et al. 2023), D features a head.
#pragma once

#include <ATen/core/Tensor.h>

namespace athanor {

struct AttentionShape {
  int64_t batch;
  int64_t length;
  int64_t num_heads;
  int64_t num_kv_heads;
  int64_t head_dim;
  int64_t width() const { return (num_heads + 2 * num_kv_heads) * head_dim; }
};

struct AttentionOutput {
  at::Tensor y_NE;     // [B*T, H*D]
  at::Tensor lse_BHT;  // log of the softmax's denominator, fp32, for the gradient
};

// qkv_NF: [B*T, (H + 2G) * D], q's heads first, then k's, then v's; fp32 or bf16. mask_BTT: undefined = plain causal,
// else what document_mask made.
AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const at::Tensor& mask);

// -> [B*T, (H + 2G) * D]
at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const at::Tensor& mask);

// Position t may look at s <= t of the same document. document_BT: int32 -> additive [B, 1, T, T] in dtype.
at::Tensor document_mask(const at::Tensor& document_BT, at::ScalarType dtype);

// Without gradient, for decoding: the T newest positions look at all S cached ones. q_BTHD; k_BSGD and v_BSGD hold
// the S = past + T positions so far -> [B*T, H*D].
at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD);

}  // namespace athanor
