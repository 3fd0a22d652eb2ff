// Llama (Touvron et al. 2023): RMSNorm, rotary positions, SwiGLU, grouped-query attention, no biases. Qwen 2 (biases on
// q, k, v) and Qwen 3 (RMSNorm on each query and key head) differ from it in that, and in layers that may look at a window.
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>

#include <string>

#include "athanor/model/decoder.h"

namespace athanor {
namespace {

class Llama : public Decoder {
 public:
  explicit Llama(const ModelConfig& c) : Decoder(c) {
    rotary_ = true;
    tokens_ = register_parameter("model.embed_tokens.weight", at::zeros({c.vocab_size, c.hidden_size}),
                                 c.tie_embeddings);
    for (int64_t i = 0; i < c.num_layers; ++i) {
      add_layer("model.layers." + std::to_string(i) + ".", c.is_local(i), c);
    }
    final_norm_ = add_norm("model.norm.weight", c.hidden_size, c);
    if (!c.tie_embeddings) {
      head_ = register_parameter("lm_head.weight", at::zeros({c.vocab_size, c.hidden_size}), true);
    }
  }

 private:
  NormWeights add_norm(const std::string& name, int64_t width, const ModelConfig& c) {
    return {Norm::kRms, register_parameter(name, at::ones({width}), false), {}, c.norm_eps};
  }

  void add_layer(const std::string& prefix, bool local, const ModelConfig& c) {
    const FamilyTraits& traits = family_of(c.family);
    const int64_t head = c.head_width();
    const int64_t query = c.num_heads * head;
    const int64_t key = c.num_kv_heads * head;
    const std::string attention = prefix + "self_attn.";
    const std::string mlp = prefix + "mlp.";
    LayerWeights layer;
    layer.attention.norms.in = add_norm(prefix + "input_layernorm.weight", c.hidden_size, c);
    layer.attention.qkv = add_group({attention + "q_proj", attention + "k_proj", attention + "v_proj"},
                                    {query, key, key}, c.hidden_size, traits.qkv_biases);
    layer.attention.out = add_group({attention + "o_proj"}, {c.hidden_size}, query, false);
    if (traits.head_norms) {
      layer.attention.q_norm = add_norm(attention + "q_norm.weight", head, c);
      layer.attention.k_norm = add_norm(attention + "k_norm.weight", head, c);
    }
    layer.attention.num_heads = c.num_heads;
    layer.attention.num_kv_heads = c.num_kv_heads;
    layer.attention.head_dim = head;
    layer.attention.local = local;
    layer.mlp.norms.in = add_norm(prefix + "post_attention_layernorm.weight", c.hidden_size, c);
    layer.mlp.in = add_group({mlp + "gate_proj", mlp + "up_proj"}, {c.intermediate_size, c.intermediate_size},
                             c.hidden_size, false);
    layer.mlp.out = add_group({mlp + "down_proj"}, {c.hidden_size}, c.intermediate_size, false);
    layer.mlp.activation = Activation::kSwiGlu;
    layers_.push_back(layer);
  }
};

}  // namespace

std::unique_ptr<LanguageModel> make_llama(const ModelConfig& config) { return std::make_unique<Llama>(config); }

}  // namespace athanor
