// Attention over a fused q, k, v, with its gradient; the [T, T] scores are never whole in memory (as in flash
// attention, Dao et al. 2022: the gradient computes them again).
// B sequences, T positions, H query heads, G key/value heads (H a multiple of G: query head h reads head h / (H/G),
// Ainslie et al. 2023), D features a head.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>

namespace athanor {

struct AttentionShape {
  int64_t batch;
  int64_t length;
  int64_t num_heads;
  int64_t num_kv_heads;
  int64_t head_dim;
  double scale = 0;  // of the scores; 0 = 1 / sqrt(head_dim)
  double dropout = 0;        // share of the probabilities that become 0, the others grow by 1 / (1 - dropout)
  uint64_t dropout_key = 0;  // the mask is a function of (key, sequence, head, query, key's place)
  int64_t width() const { return (num_heads + 2 * num_kv_heads) * head_dim; }
};

struct AttentionOutput {
  at::Tensor y_NE;     // [B*T, H*D]
  at::Tensor lse_BHT;  // log of the softmax's denominator, fp32, for the gradient
};

// Which keys each query reads: those of its own row from begin up to end, end not among them. A query with begin ==
// end reads none and gives 0.
struct KeyRuns {
  at::Tensor begin;  // int32, where each run of tokens begins, and the end of the last; undefined: the keys are no runs
  int64_t longest = 0;
  bool causal = true;
  int64_t window = 0;
};
struct KeyIntervals {
  at::Tensor begin_N;  // int64 [B*T], in [0, T]
  at::Tensor end_N;    // int64 [B*T], in [begin, T]
  KeyRuns runs;        // the same as documents behind one another, for a GPU's routines; see on_device
};

// Causal: position t of a document (position_N, int64: the place of each token in its document) reads the places
// 0 .. t of the same document, so packed documents never see each other; with a window W > 0 only the last W of them,
// itself among them.
KeyIntervals causal_keys(const at::Tensor& position_N, int64_t length, int64_t window = 0);
// Both ways: every query of row b reads the places 0 .. length_B[b] - 1 (the rest is padding). length_B: int64 [B].
KeyIntervals row_keys(const at::Tensor& length_B, int64_t length);
// Both ways inside each document, for packed rows: a document is a run of positions 0, 1, 2, ...
KeyIntervals document_keys(const at::Tensor& position_N, int64_t length);

// The same on the device that compute runs on; position_N: what the keys were made of, on the host (undefined for
// row_keys, whose padding makes no runs). The host's own keys as they are.
KeyIntervals on_device(const KeyIntervals& keys, const at::Tensor& position_N, int64_t length, at::Device device);

// qkv_NF: [B*T, (H + 2G) * D], q's heads first, then k's, then v's; fp32 or bf16. Intervals outside a row are an
// Error(kInternal).
AttentionOutput attention_forward(const AttentionShape& shape, const at::Tensor& qkv_NF, const KeyIntervals& keys);

// -> [B*T, (H + 2G) * D]. No sum depends on the thread count.
at::Tensor attention_backward(const AttentionShape& shape, const at::Tensor& dy_NE, const at::Tensor& qkv_NF,
                              const AttentionOutput& out, const KeyIntervals& keys);

// Without gradient, for decoding: the T newest positions look at all S cached ones. q_BTHD; k_BSGD and v_BSGD hold
// the S = past + T positions so far -> [B*T, H*D]. Causal; window and scale as above (0: none, 1 / sqrt(D)).
at::Tensor attention_cached(const at::Tensor& q_BTHD, const at::Tensor& k_BSGD, const at::Tensor& v_BSGD,
                            int64_t window = 0, double scale = 0);

}  // namespace athanor
