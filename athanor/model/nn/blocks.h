// The two blocks of a transformer layer, each one differentiable operation with a hand-written gradient: norms,
// products, attention or activation, dropout and the residual sum. A whole block costs autograd one node.
// B sequences, T positions, N = B T tokens, C hidden features, H / G query / key-value heads of D features,
// F = (H + 2G) D, I intermediate features.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "athanor/model/nn/linear_group.h"
#include "athanor/model/recompute.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor {

// What every block of one forward pass shares. "local" is for layers that look at a sliding window.
struct BlockContext {
  WeightCache* weights;
  int64_t batch;
  int64_t length;
  at::Tensor position_N;  // int64, in the token's document
  KeyIntervals keys;      // not for cached decoding
  KeyIntervals local_keys;
  const RopeTable* rope = nullptr;  // null: no rotation
  const RopeTable* local_rope = nullptr;
  int64_t local_window = 0;  // for cached decoding
  double dropout = 0;        // already 0 outside training
  double attention_dropout = 0;  // of the attention's probabilities; so is this
  uint64_t dropout_key = 0;  // differs per block and step
};

// Moves what was made on the host (positions, keys) to where the weights are. padded: the keys are rows with padding.
void place(BlockContext& context, at::Device device, bool padded = false);

struct NormWeights {
  Norm kind = Norm::kRms;
  at::Tensor weight_C;  // undefined: there is no such norm
  at::Tensor bias_C;    // kLayer only
  double eps = 0;
  bool plus_one = false;  // the norm multiplies by 1 + weight (Gemma)
  bool defined() const { return weight_C.defined(); }
  at::Tensor scale() const;  // what it multiplies by
};

// Recorded by autograd: the norm by itself, of fp32 x [.., C].
at::Tensor apply(const NormWeights& norm, const at::Tensor& x, at::ScalarType out_dtype);

// Recorded by autograd: dropout by itself (tensor/dropout.h); x itself where p is 0.
at::Tensor dropout_layer(const at::Tensor& x, double p, uint64_t key);

struct BlockNorms {
  NormWeights in;   // of the block's input (pre-norm)
  NormWeights out;  // of what the block adds, kRms
  NormWeights sum;  // of the residual sum (post-norm)
};

struct AttentionWeights {
  BlockNorms norms;
  LinearGroup qkv;
  LinearGroup out;
  NormWeights q_norm;  // of each query head, of each key head, before the rotation; kRms, [D]
  NormWeights k_norm;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;
  int64_t head_dim = 0;
  double scale = 0;  // of the scores; 0 = 1 / sqrt(head_dim)
  bool local = false;
};

struct MlpWeights {
  BlockNorms norms;
  LinearGroup in;
  LinearGroup out;
  Activation activation;
};

// x + dropout(W_out attention(rope(W_qkv norm(x)))), with the norms where `norms` has them; x_NC and the result are
// fp32.
at::Tensor attention_block(const BlockContext& context, const AttentionWeights& weights, const at::Tensor& x_NC);

// x + dropout(W_out activation(W_in norm(x)))
at::Tensor mlp_block(const BlockContext& context, const MlpWeights& weights, const at::Tensor& x_NC);

struct LayerWeights {
  AttentionWeights attention;
  MlpWeights mlp;
};

// Both blocks, each with the dropout key of its own; what `recompute` names is computed again in the backward pass. The
// layer must outlive that.
at::Tensor layer_blocks(const BlockContext& context, const LayerWeights& layer, uint64_t attention_key,
                        uint64_t mlp_key, Recompute recompute, const at::Tensor& x_NC);

// Keys and values of one layer, [B, capacity, G, D]; `length` positions are filled.
struct LayerCache {
  at::Tensor k_BSGD;
  at::Tensor v_BSGD;
  int64_t length = 0;
};

// attention_block without gradient or dropout that appends the new positions to the cache and attends to all of it.
at::Tensor attention_block_cached(const BlockContext& context, const AttentionWeights& weights,
                                  const at::Tensor& x_NC, LayerCache& cache);

}  // namespace athanor
