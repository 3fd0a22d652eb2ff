// Attention of one head on the CPU, forward and backward, in fp32 registers whatever the tensors' dtype, or by bf16 dot
// products where there are any (attention_dot.h). Used by attention.cc only. Rows of queries are taken eight at a time; each query t reads the keys begin[t] .. end[t] - 1, so
// that causality, documents, windows and padding are one interval and cost nothing: keys that none of the eight reads
// are skipped.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/tensor/attention_dot.h"
#include "athanor/tensor/attention_head.h"

namespace athanor {

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
  AttentionDotScratch dots;                   // instead of all but dk and dv, where bf16 goes by dot products
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
