// config.json of Llama, Qwen 2 and Qwen 3, which share their names.
#include "athanor/model/config_json.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

ModelConfig read_common(const Json& json, const char* family, int64_t positions, const std::string& where) {
  ModelConfig config;
  config.family = family;
  config.vocab_size = required_int(json, "vocab_size", where);
  config.hidden_size = required_int(json, "hidden_size", where);
  config.num_layers = required_int(json, "num_hidden_layers", where);
  config.num_heads = required_int(json, "num_attention_heads", where);
  config.num_kv_heads = int_or(json, "num_key_value_heads", config.num_heads, where);
  config.intermediate_size = required_int(json, "intermediate_size", where);
  config.max_positions = int_or(json, "max_position_embeddings", positions, where);
  config.head_dim = int_or(json, "head_dim", 0, where);
  config.norm_eps = number_or(json, "rms_norm_eps", 1e-6, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", false, where);
  config.rope_theta = number_or(json, "rope_theta", 10000.0, where);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    if (const auto it = json.find(key); it != json.end() && !it->is_null()) {
      read_rope_object(*it, config, where);
    }
  }
  want_false(json, "attention_bias", where);
  want_false(json, "mlp_bias", where);
  want_text(json, "hidden_act", {"silu", "swish"}, where);
  return config;
}

// Qwen's layers may look at a window only; those that do are refused.
void want_no_window(const Json& json, const ModelConfig& config, const std::string& where) {
  if (flag_or(json, "use_sliding_window", false, where) &&
      int_or(json, "max_window_layers", 28, where) < config.num_layers) {
    refuse_config("the model's configuration sets 'use_sliding_window', which is not supported here", where);
  }
  if (const auto it = json.find("layer_types"); it != json.end() && it->is_array()) {
    for (const Json& type : *it) {
      if (type != "full_attention") {
        refuse_config("the model's configuration has a layer of type " + type.dump(), where);
      }
    }
  }
}

Json write_common(const ModelConfig& c, const char* architecture, const char* type) {
  return {{"architectures", {architecture}},
          {"model_type", type},
          {"hidden_size", c.hidden_size},
          {"num_hidden_layers", c.num_layers},
          {"num_attention_heads", c.num_heads},
          {"num_key_value_heads", c.num_kv_heads},
          {"head_dim", c.head_width()},
          {"intermediate_size", c.intermediate_size},
          {"max_position_embeddings", c.max_positions},
          {"rms_norm_eps", c.norm_eps},
          {"rope_theta", c.rope_theta},
          {"rope_parameters", rope_object(c.rope_theta, c.rope_scaling)},
          {"hidden_act", "silu"}};
}

}  // namespace

ModelConfig read_llama(const Json& json, const std::string& where) { return read_common(json, "llama", 2048, where); }

ModelConfig read_qwen2(const Json& json, const std::string& where) {
  ModelConfig config = read_common(json, "qwen2", 32768, where);
  want_no_window(json, config, where);
  return config;
}

ModelConfig read_qwen3(const Json& json, const std::string& where) {
  ModelConfig config = read_common(json, "qwen3", 32768, where);
  config.head_dim = int_or(json, "head_dim", 128, where);
  want_no_window(json, config, where);
  return config;
}

Json write_llama(const ModelConfig& config) {
  Json json = write_common(config, "LlamaForCausalLM", "llama");
  json["attention_bias"] = false;
  json["mlp_bias"] = false;
  return json;
}

Json write_qwen2(const ModelConfig& config) {
  Json json = write_common(config, "Qwen2ForCausalLM", "qwen2");
  json["use_sliding_window"] = false;
  return json;
}

Json write_qwen3(const ModelConfig& config) {
  Json json = write_common(config, "Qwen3ForCausalLM", "qwen3");
  json["attention_bias"] = false;
  json["use_sliding_window"] = false;
  return json;
}

}  // namespace athanor
