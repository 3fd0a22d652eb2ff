// config.json of GPT-2.
#include "athanor/model/config_json.h"

namespace athanor {

using Json = nlohmann::json;

ModelConfig read_gpt2(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = "gpt2";
  config.vocab_size = required_int(json, "vocab_size", where);
  config.hidden_size = required_int(json, "n_embd", where);
  config.num_layers = required_int(json, "n_layer", where);
  config.num_heads = required_int(json, "n_head", where);
  config.num_kv_heads = config.num_heads;
  config.intermediate_size = int_or(json, "n_inner", 4 * config.hidden_size, where);
  config.max_positions = required_int(json, "n_positions", where);
  config.norm_eps = number_or(json, "layer_norm_epsilon", 1e-5, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", true, where);
  config.dropout = number_or(json, "resid_pdrop", 0.0, where);
  config.attention_dropout = number_or(json, "attn_pdrop", 0.0, where);
  want_text(json, "activation_function", {"gelu_new", "gelu_pytorch_tanh"}, where);
  want_false(json, "scale_attn_by_inverse_layer_idx", where);
  want_false(json, "add_cross_attention", where);
  if (!flag_or(json, "scale_attn_weights", true, where)) {
    refuse_config("the model's configuration sets 'scale_attn_weights' to false, which is not supported", where);
  }
  return config;
}

Json write_gpt2(const ModelConfig& c) {
  return {{"architectures", {"GPT2LMHeadModel"}}, {"model_type", "gpt2"},
          {"n_embd", c.hidden_size},              {"n_layer", c.num_layers},
          {"n_head", c.num_heads},                {"n_inner", c.intermediate_size},
          {"n_positions", c.max_positions},       {"n_ctx", c.max_positions},
          {"layer_norm_epsilon", c.norm_eps},     {"activation_function", "gelu_new"},
          {"resid_pdrop", c.dropout},             {"embd_pdrop", c.dropout},
          {"attn_pdrop", c.attention_dropout}};
}

}  // namespace athanor
