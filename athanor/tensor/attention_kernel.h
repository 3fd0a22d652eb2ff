// Attention of one head on the CPU, forward and backward, in fp32 registers whatever the tensors' dtype. Used by
// attention.cc only. Rows of queries are taken eight at a time; each query t reads the keys begin[t] .. end[t] - 1, so
// that causality, documents, windows and padding are one interval and cost nothing: keys that none of the eight reads
// are skipped.
#pragma once

#include <c10/core/ScalarType.h>

#include <cstdint>
#include <vector>

namespace athanor {

// One sequence's fused q, k, v: row t of head-slice x starts at x + t * stride. Sizes in elements.
struct HeadView {
  const void* data;
  int64_t stride;
};

struct HeadShape {
  int64_t length;    // T
  int64_t head_dim;  // D
  float scale;
  const int64_t* begin;  // [T]: the first key that query t reads
  const int64_t* end;    // [T]: one past its last; a query without keys gives 0
  at::ScalarType dtype;  // fp32, bf16 or fp16
  // Dropout of the probabilities: query t keeps key s where mix64(dropout_key + t T + s) >> 32 >= threshold.
  uint32_t threshold = 0;
  float kept = 1;  // what is kept is multiplied by
  uint64_t dropout_key = 0;
};

// Key and value of one head as fp32, padded to whole vectors, in the layouts the products want. One a thread.
class AttentionScratch {
 public:
  // Loads k and v [T, D]; backward also wants v transposed and k as it is.
  void load(const HeadShape& shape, HeadView k, HeadView v, bool backward);

  int64_t padded_dim = 0;
  int64_t padded_length = 0;
  std::vector<float> k_SD, k_DS, v_SD, v_DS;  // padded with zeros
  std::vector<float> dk_SD, dv_SD;            // backward sums
  std::vector<float> p, dp;                   // eight rows of scores
  std::vector<float> q, dout, acc;            // eight rows of a head
};

// out: row t at out + t * out_stride; lse [T].
void attention_head_forward(const HeadShape& shape, AttentionScratch& scratch, HeadView q, void* out,
                            int64_t out_stride, float* lse);

// Adds this query head's share to scratch.dk_SD and dv_SD, and writes dq.
void attention_head_backward(const HeadShape& shape, AttentionScratch& scratch, HeadView q, HeadView out, HeadView dout,
                             const float* lse, void* dq, int64_t dq_stride);

// Writes fp32 padded rows to [T, D] of the tensor's dtype.
void store_head(const HeadShape& shape, const std::vector<float>& rows, int64_t padded_dim, void* to, int64_t stride);

}  // namespace athanor
