// config.json of Gemma 3's text model (gemma3_text). Its pictures are another model.
#include "athanor/base/error.h"
#include "athanor/model/config_json.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

constexpr const char* kLocal = kSlidingLayer;
constexpr const char* kFull = kFullLayer;

// transformers 5: {"full_attention": {...}, "sliding_attention": {...}}; older files: rope_theta,
// rope_local_base_freq, and a rope_scaling that the full layers alone use.
void read_rope(const Json& json, ModelConfig& config, const std::string& where) {
  config.rope_theta = number_or(json, "rope_theta", 1e6, where);
  config.local_rope_theta = number_or(json, "rope_local_base_freq", 1e4, where);
  if (const auto it = json.find("rope_scaling"); it != json.end() && !it->is_null()) {
    read_rope_object(*it, config, where);
  }
  const auto it = json.find("rope_parameters");
  if (it == json.end() || it->is_null()) {
    return;
  }
  if (!it->is_object() || !it->contains(kFull) || !it->contains(kLocal)) {
    refuse_config("'rope_parameters' in the model's configuration does not name both types of layer", where);
  }
  read_rope_object((*it)[kFull], config, where);
  ModelConfig local;
  local.rope_theta = config.local_rope_theta;
  read_rope_object((*it)[kLocal], local, where);
  if (local.rope_scaling.type != "default") {
    refuse_config("the model's configuration scales the rotary positions of its sliding layers", where);
  }
  config.local_rope_theta = local.rope_theta;
}

}  // namespace

ModelConfig read_gemma3(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = "gemma3";
  config.vocab_size = required_int(json, "vocab_size", where);
  config.hidden_size = required_int(json, "hidden_size", where);
  config.num_layers = required_int(json, "num_hidden_layers", where);
  config.num_heads = required_int(json, "num_attention_heads", where);
  config.num_kv_heads = int_or(json, "num_key_value_heads", 4, where);
  config.head_dim = int_or(json, "head_dim", 256, where);
  config.intermediate_size = required_int(json, "intermediate_size", where);
  config.max_positions = int_or(json, "max_position_embeddings", 131072, where);
  config.norm_eps = number_or(json, "rms_norm_eps", 1e-6, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", true, where);
  config.query_scalar = int_or(json, "query_pre_attn_scalar", 256, where);
  config.attention_dropout = number_or(json, "attention_dropout", 0, where);
  config.sliding_window = int_or(json, "sliding_window", 4096, where);
  config.full_every = int_or(json, "sliding_window_pattern", 6, where);
  if (const auto it = json.find("layer_types"); it != json.end() && !it->is_null()) {
    config.full_every = full_every_of(*it, config.num_layers, where);
  }
  read_rope(json, config, where);
  want_false(json, "attention_bias", where);
  want_false(json, "use_bidirectional_attention", where);
  want_null(json, "final_logit_softcapping", where);
  want_null(json, "attn_logit_softcapping", where);
  want_text(json, "hidden_activation", {"gelu_pytorch_tanh"}, where);
  return config;
}

Json write_gemma3(const ModelConfig& c) {
  return {{"architectures", {"Gemma3ForCausalLM"}},
          {"model_type", "gemma3_text"},
          {"hidden_size", c.hidden_size},
          {"num_hidden_layers", c.num_layers},
          {"num_attention_heads", c.num_heads},
          {"num_key_value_heads", c.num_kv_heads},
          {"head_dim", c.head_width()},
          {"intermediate_size", c.intermediate_size},
          {"max_position_embeddings", c.max_positions},
          {"rms_norm_eps", c.norm_eps},
          {"query_pre_attn_scalar", c.query_scalar > 0 ? c.query_scalar : c.head_width()},
          {"sliding_window", c.sliding_window},
          {"layer_types", layer_types(c)},
          {"attention_dropout", c.attention_dropout},
          {"rope_parameters",
           {{kFull, rope_object(c.rope_theta, c.rope_scaling)}, {kLocal, rope_object(c.local_rope_theta, {})}}},
          {"attention_bias", false},
          {"hidden_activation", "gelu_pytorch_tanh"},
          {"pad_token_id", nullptr}};
}

}  // namespace athanor
