// The same attention as attention_kernel.h by bf16 dot products (bf16_dot.h): scores, probabilities and their gradients are
// fp32 while exponentials and sums are taken, and rounded to bf16 where they are factors, as PyTorch's CPU kernel does.
// Used by attention_kernel.cc alone.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>

#include "athanor/tensor/aligned.h"
#include "athanor/tensor/attention_head.h"

namespace athanor {

// bf16, a head width of whole 32s, an even length, and a processor with the instruction.
bool takes_attention_dot(const HeadShape& shape);

struct AttentionDotScratch {
  // Lays out k and v [T, D]; backward also wants both the other way.
  void load(const HeadShape& shape, HeadView k, HeadView v, bool backward);

  int64_t padded_length = 0;                   // of whole spans
  Aligned<uint32_t> k_pairs_DS, v_pairs_DS;    // [D / 2][S]: two of D a word
  Aligned<uint32_t> k_pairs_SD, v_pairs_SD;    // [S / 2][D]: two of S a word
  Aligned<float> p, dp;                        // eight rows of scores
  Aligned<float> acc;                          // eight rows of a head
  Aligned<c10::BFloat16> q, dout;              // a block of queries [32][D]
  Aligned<c10::BFloat16> p16;                  // eight rows of probabilities, or of their gradients
  Aligned<uint32_t> p_pairs, ds_pairs;         // [16][S]: two queries a word
  Aligned<uint32_t> q_pairs, dout_pairs;       // [16][D]
};

void attention_dot_forward(const HeadShape& shape, AttentionDotScratch& scratch, HeadView q, void* out,
                           int64_t out_stride, float* lse);

// Adds to dk_SD and dv_SD, [S][D] in fp32, and writes dq.
void attention_dot_backward(const HeadShape& shape, AttentionDotScratch& scratch, HeadView q, HeadView out,
                            HeadView dout, const float* lse, float* dk_SD, float* dv_SD, void* dq, int64_t dq_stride);

}  // namespace athanor
