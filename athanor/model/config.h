// What a decoder-only transformer is: sizes, its HF config.json, and one dial that derives the rest. No LibTorch.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

namespace athanor {

struct ModelConfig {
  std::string family = "llama";  // "llama": RMSNorm, RoPE, SwiGLU, grouped-query attention, no biases
                                 // "gpt2": LayerNorm, learned positions, GELU (tanh), biases
  int64_t vocab_size = 0;
  int64_t hidden_size = 0;
  int64_t num_layers = 0;
  int64_t num_heads = 0;
  int64_t num_kv_heads = 0;       // divides num_heads; equal to it for gpt2
  int64_t intermediate_size = 0;  // of the feed-forward block
  int64_t max_positions = 0;
  int64_t head_dim = 0;  // 0 = hidden_size / num_heads
  double rope_theta = 10000;
  double norm_eps = 1e-5;
  bool tie_embeddings = false;
  double dropout = 0;            // after the embedding, the attention and the feed-forward block
  double stochastic_depth = 0;   // chance that the last layer is left out for a row, earlier ones in proportion to
                                 // their number (Huang 2016); training only, in no file
  std::string init = "normal";   // normal: N(0, init_std), residual projections / sqrt(2 num_layers) (GPT-2)
                                 // xavier_uniform, xavier_normal (Glorot 2010), kaiming (He 2015, normal, fan-in)
  double init_std = 0.02;
  int64_t bos_id = -1;           // -1 = none
  std::vector<int64_t> eos_ids;  // empty = none

  int64_t head_width() const { return head_dim > 0 ? head_dim : hidden_size / num_heads; }
};

// Error(kInput) when the sizes do not fit together; the message names the field.
void validate(const ModelConfig& config, const std::string& where = "");

// All parameters, a tied head once.
int64_t num_parameters(const ModelConfig& config);
// Those that take part in a matrix product: all but pure look-up tables (positions; the token table unless tied).
int64_t num_matmul_parameters(const ModelConfig& config);
// Forward and backward, for one token of a sequence of length T: 6 N + 12 L C T, N = num_matmul_parameters, C =
// heads x head width (PaLM's and nanoGPT's count: the causal half is not discounted, recomputation not counted).
double flops_per_token(const ModelConfig& config, int64_t length);

// One dial: width = 64 depth rounded up to whole heads of 64 (depth >= 8: of 128), heads = width / head width, kv
// heads = the largest divisor of heads that is at most heads / 2 (at least 1), intermediate = 8/3 width rounded up
// to 64, layers = depth. from_depth(6, 8192, 256): 6 layers, 384 wide, 6 heads, 3 kv heads, intermediate 1024.
// Throws Error(kUsage) unless 1 <= depth <= 128.
ModelConfig from_depth(int64_t depth, int64_t vocab_size, int64_t max_positions, const std::string& family = "llama");

// HF's config.json (LlamaForCausalLM, GPT2LMHeadModel). Reading refuses, by name, what this program would compute
// wrongly (rope_scaling, attention_bias, another activation ...): Error(kInput) with `where`.
nlohmann::json to_hf_config(const ModelConfig& config);
ModelConfig from_hf_config(const nlohmann::json& json, const std::string& where);

}  // namespace athanor
