// Rotary position embedding (Su et al. 2021) in HF's half-rotation form: feature i of a head turns together with
// feature i + D/2 by the angle position * theta^(-2i/D).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

namespace athanor {

struct RopeTable {
  at::Tensor cos_PH;  // fp32 [positions, D/2]
  at::Tensor sin_PH;
  int64_t size() const { return cos_PH.defined() ? cos_PH.size(0) : 0; }
};

// Angles in fp32, as transformers computes them. head_dim is even.
RopeTable make_rope_table(int64_t num_positions, int64_t head_dim, double theta);
// The same from given frequencies, one for each pair of features; amplitude: what turns also grows by it (YaRN).
RopeTable make_rope_table(int64_t num_positions, const std::vector<float>& frequencies, double amplitude = 1);
// theta^(-2i/D) for i in 0 .. D/2 - 1.
std::vector<float> rope_frequencies(int64_t head_dim, double theta);

// Turns in place the first num_heads heads of every row. x_NF is [N, F] with F >= num_heads * head_dim (the fused
// q, k, v of a token: pass q's and k's heads together), fp32 or bf16; position_N int64 in [0, table.size()).
// inverse turns back, which is the gradient.
void rope_(at::Tensor& x_NF, const RopeTable& table, const at::Tensor& position_N, int64_t num_heads,
           int64_t head_dim, bool inverse);

}  // namespace athanor
