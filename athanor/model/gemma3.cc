// Gemma 3's text model (Gemma Team 2025): RMSNorm by 1 + weight before and after each block and on each query and key
// head, GeGLU, token embeddings times sqrt(width), most layers with a sliding window and their own rotary base.
#include <ATen/ops/zeros.h>

#include <cmath>
#include <string>

#include "athanor/model/decoder.h"

namespace athanor {
namespace {

class Gemma3 : public Decoder {
 public:
  explicit Gemma3(const ModelConfig& c) : Decoder(c) {
    rotary_ = true;
    embedding_scale_ = std::sqrt(static_cast<double>(c.hidden_size));
    tokens_ = register_parameter("model.embed_tokens.weight", at::zeros({c.vocab_size, c.hidden_size}),
                                 c.tie_embeddings);
    for (int64_t i = 0; i < c.num_layers; ++i) {
      add_layer(i, c);
    }
    final_norm_ = add_norm("model.norm.weight", c.hidden_size);
    if (!c.tie_embeddings) {
      head_ = register_parameter("lm_head.weight", at::zeros({c.vocab_size, c.hidden_size}), true);
    }
  }

 private:
  NormWeights add_norm(const std::string& name, int64_t width) {
    return {Norm::kRms, register_parameter(name, at::zeros({width}), false), {}, config().norm_eps, true};
  }

  void add_layer(int64_t index, const ModelConfig& c) {
    const std::string prefix = "model.layers." + std::to_string(index) + ".";
    const std::string attention = prefix + "self_attn.";
    const std::string mlp = prefix + "mlp.";
    const int64_t head = c.head_width();
    const int64_t query = c.num_heads * head;
    const int64_t key = c.num_kv_heads * head;
    LayerWeights layer;
    layer.attention.norms.in = add_norm(prefix + "input_layernorm.weight", c.hidden_size);
    layer.attention.norms.out = add_norm(prefix + "post_attention_layernorm.weight", c.hidden_size);
    layer.attention.qkv = add_group({attention + "q_proj", attention + "k_proj", attention + "v_proj"},
                                    {query, key, key}, c.hidden_size, false);
    layer.attention.out = add_group({attention + "o_proj"}, {c.hidden_size}, query, false);
    layer.attention.q_norm = add_norm(attention + "q_norm.weight", head);
    layer.attention.k_norm = add_norm(attention + "k_norm.weight", head);
    layer.attention.num_heads = c.num_heads;
    layer.attention.num_kv_heads = c.num_kv_heads;
    layer.attention.head_dim = head;
    layer.attention.scale = c.query_scalar > 0 ? 1 / std::sqrt(static_cast<double>(c.query_scalar)) : 0;
    layer.attention.local = c.is_local(index);
    layer.mlp.norms.in = add_norm(prefix + "pre_feedforward_layernorm.weight", c.hidden_size);
    layer.mlp.norms.out = add_norm(prefix + "post_feedforward_layernorm.weight", c.hidden_size);
    layer.mlp.in = add_group({mlp + "gate_proj", mlp + "up_proj"}, {c.intermediate_size, c.intermediate_size},
                             c.hidden_size, false);
    layer.mlp.out = add_group({mlp + "down_proj"}, {c.hidden_size}, c.intermediate_size, false);
    layer.mlp.activation = Activation::kGeGluTanh;
    layers_.push_back(layer);
  }
};

}  // namespace

std::unique_ptr<LanguageModel> make_gemma3(const ModelConfig& config) { return std::make_unique<Gemma3>(config); }

}  // namespace athanor
