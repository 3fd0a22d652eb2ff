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
  config.attention_dropout = number_or(json, "attention_dropout", 0, where);
  want_false(json, "attention_bias", where);
  want_false(json, "mlp_bias", where);
  want_text(json, "hidden_act", {"silu", "swish"}, where);
  return config;
}

// Qwen's layers may look at a window: layer_types says which, in older files those from max_window_layers on.
void read_windows(const Json& json, ModelConfig& config, const std::string& where) {
  const bool windows = flag_or(json, "use_sliding_window", false, where);
  const auto it = json.find("layer_types");
  const bool typed = it != json.end() && !it->is_null();
  const int64_t every = typed ? full_every_of(*it, config.num_layers, where) : 0;
  if (typed ? every == 1 : !windows || int_or(json, "max_window_layers", 28, where) >= config.num_layers) {
    return;  // every layer is full
  }
  if (!typed && int_or(json, "max_window_layers", 28, where) > 0) {
    refuse_config("the model's configuration has windows from layer max_window_layers on, which is not supported here", where);
  }
  if (!windows) {
    refuse_config("'layer_types' in the model's configuration names windows, 'use_sliding_window' denies them", where);
  }
  config.sliding_window = required_int(json, "sliding_window", where);
  config.full_every = typed ? every : config.num_layers + 1;
}

void write_windows(const ModelConfig& config, Json& json) {
  json["use_sliding_window"] = config.sliding_window > 0;
  if (config.sliding_window > 0) {
    json["sliding_window"] = config.sliding_window;
    json["max_window_layers"] = 0;
    json["layer_types"] = layer_types(config);
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
          {"attention_dropout", c.attention_dropout},
          {"hidden_act", "silu"}};
}

}  // namespace

ModelConfig read_llama(const Json& json, const std::string& where) { return read_common(json, "llama", 2048, where); }

ModelConfig read_qwen2(const Json& json, const std::string& where) {
  ModelConfig config = read_common(json, "qwen2", 32768, where);
  read_windows(json, config, where);
  return config;
}

ModelConfig read_qwen3(const Json& json, const std::string& where) {
  ModelConfig config = read_common(json, "qwen3", 32768, where);
  config.head_dim = int_or(json, "head_dim", 128, where);
  read_windows(json, config, where);
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
  write_windows(config, json);
  return json;
}

Json write_qwen3(const ModelConfig& config) {
  Json json = write_common(config, "Qwen3ForCausalLM", "qwen3");
  json["attention_bias"] = false;
  write_windows(config, json);
  return json;
}

}  // namespace athanor
