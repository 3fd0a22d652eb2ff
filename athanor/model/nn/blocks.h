// The two blocks of a decoder layer, each one differentiable operation with a hand-written gradient: pre-norm,
// products, attention or activation, dropout and the residual sum. A whole block costs autograd one node.
// B sequences, T positions, N = B T tokens, C hidden features, H / G query / key-value heads of D features,
// F = (H + 2G) D, I intermediate features.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <unordered_map>
#include <vector>

#include "athanor/tensor/activation.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/dtype.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor {

// Compute-precision copies of fp32 weights, made once a step. In fp32 a weight is its own copy.
class WeightCache {
 public:
  void set_precision(Precision precision);
  Precision precision() const { return precision_; }
  // The weight in compute precision; valid until clear().
  at::Tensor get(const at::Tensor& weight);
  // Call when weights may have changed. Keeps the memory for the next step's copies.
  void clear();

 private:
  struct Entry {
    at::Tensor source;
    at::Tensor copy;
    bool fresh;
  };
  Precision precision_ = Precision::kFp32;
  std::unordered_map<const void*, Entry> entries_;
};

// What every block of one forward pass shares.
struct BlockContext {
  WeightCache* weights;
  int64_t batch;
  int64_t length;
  at::Tensor position_N;       // int64, in the token's document
  const RopeTable* rope;       // null: no rotation
  double dropout = 0;          // already 0 outside training
  uint64_t dropout_key = 0;    // differs per block and step
};

struct NormWeights {
  Norm kind;
  at::Tensor weight_C;
  at::Tensor bias_C;  // kLayer only
  double eps;
};

// Matrices that read the same input, kept as rows of one block of memory so that they are one product: q, k, v
// (or gate, up) as HF names them, or a single fused one. Biases: none, or one per matrix.
struct LinearGroup {
  std::vector<at::Tensor> weights;
  std::vector<at::Tensor> biases;
  at::Tensor weight() const;  // all rows; a view where the parts lie one after the other, else a copy
  at::Tensor bias() const;    // undefined where there is none
};

struct AttentionWeights {
  NormWeights norm;
  LinearGroup qkv;
  LinearGroup out;
  int64_t num_heads;
  int64_t num_kv_heads;
  int64_t head_dim;
};

struct MlpWeights {
  NormWeights norm;
  LinearGroup in;
  LinearGroup out;
  Activation activation;
};

// x + dropout(W_out attention(rope(W_qkv norm(x)))); x_NC and the result are fp32.
at::Tensor attention_block(const BlockContext& context, const AttentionWeights& weights, const at::Tensor& x_NC);

// x + dropout(W_out activation(W_in norm(x)))
at::Tensor mlp_block(const BlockContext& context, const MlpWeights& weights, const at::Tensor& x_NC);

// Keys and values of one layer, [B, capacity, G, D]; `length` positions are filled.
struct LayerCache {
  at::Tensor k_BSGD;
  at::Tensor v_BSGD;
  int64_t length = 0;
};

// attention_block without gradient or dropout that appends the new positions to the cache and attends to all of it.
at::Tensor attention_block_cached(const BlockContext& context, const AttentionWeights& weights,
                                  const at::Tensor& x_NC, LayerCache& cache);

// Parameters of the given row counts as consecutive rows of one zeroed [sum, columns] block of memory.
std::vector<at::Tensor> adjacent_rows(const std::vector<int64_t>& rows, int64_t columns);

}  // namespace athanor
