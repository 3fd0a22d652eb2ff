// Causal attention over a fused q, k, v, with its gradient; the [T, T] scores are never whole in memory (as in flash
// attention, Dao et al. 2022: the gradient computes them again).
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

// qkv_NF: [B*T, (H + 2G) * D], q's heads first, then k's, then v's; fp32 or bf16. position_N: int64, the place of each
// token in its document; position t attends to the places 0 .. position of the same document, so packed documents
// never see each other, and a row that is one document is plain causal attention.
AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const at::Tensor& position_N);

// -> [B*T, (H + 2G) * D]. No sum depends on the thread count.
at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const at::Tensor& position_N);

// Without gradient, for decoding: the T newest positions look at all S cached ones. q_BTHD; k_BSGD and v_BSGD hold
// the S = past + T positions so far -> [B*T, H*D].
at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD);

}  // namespace athanor
