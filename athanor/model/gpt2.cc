// GPT-2 (Radford et al. 2019): LayerNorm, learned positions, GELU (tanh), biases. Matrices are kept [out, in] in
// memory; HF's Conv1D files hold them transposed (language_model_files.cc).
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <string>

#include "athanor/model/decoder.h"

namespace athanor {
namespace {

class Gpt2 : public Decoder {
 public:
  explicit Gpt2(const ModelConfig& c) : Decoder(c) {
    tokens_ =
        register_parameter("transformer.wte.weight", at::zeros({c.vocab_size, c.hidden_size}), c.tie_embeddings);
    positions_ =
        register_parameter("transformer.wpe.weight", at::zeros({c.max_positions, c.hidden_size}), false);
    for (int64_t i = 0; i < c.num_layers; ++i) {
      add_layer("transformer.h." + std::to_string(i) + ".", c);
    }
    final_norm_ = add_norm("transformer.ln_f", c);
    if (!c.tie_embeddings) {
      head_ = register_parameter("lm_head.weight", at::zeros({c.vocab_size, c.hidden_size}), true);
    }
  }

 private:
  NormWeights add_norm(const std::string& name, const ModelConfig& c) {
    const at::Tensor weight = register_parameter(name + ".weight", at::ones({c.hidden_size}), false);
    return {Norm::kLayer, weight, register_parameter(name + ".bias", at::zeros({c.hidden_size}), false), c.norm_eps};
  }

  LinearGroup add_linear(const std::string& name, int64_t rows, int64_t columns) {
    LinearGroup group;
    group.weights.push_back(register_parameter(name + ".weight", at::zeros({rows, columns}), true));
    group.biases.push_back(register_parameter(name + ".bias", at::zeros({rows}), false));
    return group;
  }

  void add_layer(const std::string& prefix, const ModelConfig& c) {
    LayerWeights layer;
    layer.attention.norms.in = add_norm(prefix + "ln_1", c);
    layer.attention.qkv = add_linear(prefix + "attn.c_attn", 3 * c.hidden_size, c.hidden_size);
    layer.attention.out = add_linear(prefix + "attn.c_proj", c.hidden_size, c.hidden_size);
    layer.attention.num_heads = c.num_heads;
    layer.attention.num_kv_heads = c.num_heads;
    layer.attention.head_dim = c.head_width();
    layer.mlp.norms.in = add_norm(prefix + "ln_2", c);
    layer.mlp.in = add_linear(prefix + "mlp.c_fc", c.intermediate_size, c.hidden_size);
    layer.mlp.out = add_linear(prefix + "mlp.c_proj", c.hidden_size, c.intermediate_size);
    layer.mlp.activation = Activation::kGeluTanh;
    layers_.push_back(layer);
  }
};

}  // namespace

std::unique_ptr<LanguageModel> make_gpt2(const ModelConfig& config) { return std::make_unique<Gpt2>(config); }

}  // namespace athanor
