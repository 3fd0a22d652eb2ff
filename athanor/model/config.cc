#include "athanor/model/config.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

[[noreturn]] void refuse(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::kInput, what, where, "use a Llama or GPT-2 model without this feature");
}

template <typename T>
T required(const Json& json, const char* key, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || !it->is_number()) {
    throw Error(ErrorKind::kInput, std::string("the model's configuration lacks the number '") + key + "'", where);
  }
  return it->get<T>();
}

template <typename T>
T number_or(const Json& json, const char* key, T fallback, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) {
    return fallback;
  }
  if (!it->is_number()) {
    throw Error(ErrorKind::kInput, std::string("'") + key + "' in the model's configuration is not a number", where);
  }
  return it->get<T>();
}

bool flag_or(const Json& json, const char* key, bool fallback, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) {
    return fallback;
  }
  if (!it->is_boolean()) {
    throw Error(ErrorKind::kInput, std::string("'") + key + "' in the model's configuration is not true or false",
                where);
  }
  return it->get<bool>();
}

void want_false(const Json& json, const char* key, const std::string& where) {
  if (flag_or(json, key, false, where)) {
    refuse(std::string("the model's configuration sets '") + key + "', which is not supported", where);
  }
}

void want_text(const Json& json, const char* key, const std::vector<std::string>& known, const std::string& where) {
  const auto it = json.find(key);
  if (it == json.end() || it->is_null()) {
    return;
  }
  if (!it->is_string() || std::find(known.begin(), known.end(), it->get<std::string>()) == known.end()) {
    refuse(std::string("the model's configuration has ") + key + " = " + it->dump() + ", supported is '" + known[0] +
               "'",
           where);
  }
}

void read_special_ids(const Json& json, ModelConfig& config, const std::string& where) {
  config.bos_id = number_or<int64_t>(json, "bos_token_id", -1, where);
  config.eos_ids.clear();
  const auto it = json.find("eos_token_id");
  if (it == json.end() || it->is_null()) {
    return;
  }
  for (const Json& id : it->is_array() ? *it : Json::array({*it})) {
    if (!id.is_number_integer()) {
      throw Error(ErrorKind::kInput, "'eos_token_id' in the model's configuration is not a token id", where);
    }
    config.eos_ids.push_back(id.get<int64_t>());
  }
}

// transformers 5 writes {"rope_parameters": {"rope_theta", "rope_type"}}, older ones rope_theta and rope_scaling.
void read_rope(const Json& json, ModelConfig& config, const std::string& where) {
  config.rope_theta = number_or<double>(json, "rope_theta", 10000.0, where);
  for (const char* key : {"rope_scaling", "rope_parameters"}) {
    const auto it = json.find(key);
    if (it == json.end() || it->is_null()) {
      continue;
    }
    if (!it->is_object()) {
      refuse(std::string("the model's configuration has a '") + key + "' that is not an object", where);
    }
    want_text(*it, "rope_type", {"default"}, where);
    want_text(*it, "type", {"default"}, where);
    config.rope_theta = number_or<double>(*it, "rope_theta", config.rope_theta, where);
  }
}

ModelConfig llama_from(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = "llama";
  config.vocab_size = required<int64_t>(json, "vocab_size", where);
  config.hidden_size = required<int64_t>(json, "hidden_size", where);
  config.num_layers = required<int64_t>(json, "num_hidden_layers", where);
  config.num_heads = required<int64_t>(json, "num_attention_heads", where);
  config.num_kv_heads = number_or<int64_t>(json, "num_key_value_heads", config.num_heads, where);
  config.intermediate_size = required<int64_t>(json, "intermediate_size", where);
  config.max_positions = number_or<int64_t>(json, "max_position_embeddings", 2048, where);
  config.head_dim = number_or<int64_t>(json, "head_dim", 0, where);
  config.norm_eps = number_or<double>(json, "rms_norm_eps", 1e-6, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", false, where);
  config.init_std = number_or<double>(json, "initializer_range", 0.02, where);
  read_rope(json, config, where);
  want_false(json, "attention_bias", where);
  want_false(json, "mlp_bias", where);
  want_text(json, "hidden_act", {"silu", "swish"}, where);
  return config;
}

ModelConfig gpt2_from(const Json& json, const std::string& where) {
  ModelConfig config;
  config.family = "gpt2";
  config.vocab_size = required<int64_t>(json, "vocab_size", where);
  config.hidden_size = required<int64_t>(json, "n_embd", where);
  config.num_layers = required<int64_t>(json, "n_layer", where);
  config.num_heads = required<int64_t>(json, "n_head", where);
  config.num_kv_heads = config.num_heads;
  config.intermediate_size = number_or<int64_t>(json, "n_inner", 4 * config.hidden_size, where);
  config.max_positions = required<int64_t>(json, "n_positions", where);
  config.norm_eps = number_or<double>(json, "layer_norm_epsilon", 1e-5, where);
  config.tie_embeddings = flag_or(json, "tie_word_embeddings", true, where);
  config.init_std = number_or<double>(json, "initializer_range", 0.02, where);
  config.dropout = number_or<double>(json, "resid_pdrop", 0.0, where);
  want_text(json, "activation_function", {"gelu_new", "gelu_pytorch_tanh"}, where);
  want_false(json, "scale_attn_by_inverse_layer_idx", where);
  want_false(json, "add_cross_attention", where);
  if (!flag_or(json, "scale_attn_weights", true, where)) {
    refuse("the model's configuration sets 'scale_attn_weights' to false, which is not supported", where);
  }
  return config;
}

}  // namespace

void validate(const ModelConfig& c, const std::string& where) {
  const auto need = [&](bool good, const std::string& what) {
    if (!good) {
      throw Error(ErrorKind::kInput, what, where);
    }
  };
  need(c.family == "llama" || c.family == "gpt2", "family '" + c.family + "' is not one of llama, gpt2");
  constexpr int64_t kMost = int64_t{1} << 31;
  const std::pair<const char*, int64_t> sizes[] = {{"vocab_size", c.vocab_size},     {"hidden_size", c.hidden_size},
                                                   {"num_layers", c.num_layers},     {"num_heads", c.num_heads},
                                                   {"num_kv_heads", c.num_kv_heads}, {"max_positions", c.max_positions},
                                                   {"intermediate_size", c.intermediate_size}};
  for (const auto& [name, value] : sizes) {
    need(value >= 1 && value < kMost, std::string(name) + " = " + std::to_string(value) + " is out of range");
  }
  need(c.num_heads % c.num_kv_heads == 0, "num_kv_heads does not divide num_heads");
  need(c.head_dim > 0 || c.hidden_size % c.num_heads == 0, "num_heads does not divide hidden_size");
  need(c.family == "gpt2" || c.head_width() % 2 == 0, "the head width is odd: rotary positions need pairs");
  need(c.family == "llama" || (c.num_kv_heads == c.num_heads && c.head_width() * c.num_heads == c.hidden_size),
       "gpt2 has as many kv heads as heads, and heads that fill hidden_size");
  need(c.dropout >= 0 && c.dropout < 1, "dropout must be in [0, 1)");
  need(c.norm_eps > 0 && c.rope_theta > 0 && c.init_std > 0, "norm_eps, rope_theta and init_std must be positive");
  const std::vector<std::string> inits = {"normal", "xavier_uniform", "xavier_normal", "kaiming"};
  need(std::find(inits.begin(), inits.end(), c.init) != inits.end(),
       "init '" + c.init + "' is not one of normal, xavier_uniform, xavier_normal, kaiming");
}

int64_t num_parameters(const ModelConfig& c) {
  const int64_t table = c.vocab_size * c.hidden_size;
  const int64_t positions = c.family == "gpt2" ? c.max_positions * c.hidden_size : 0;
  return num_matmul_parameters(c) + positions + (c.tie_embeddings ? 0 : table);
}

int64_t num_matmul_parameters(const ModelConfig& c) {
  const int64_t width = c.hidden_size;
  const int64_t query = c.num_heads * c.head_width();
  const int64_t qkv = query + 2 * c.num_kv_heads * c.head_width();
  const int64_t head = c.vocab_size * width;
  if (c.family == "gpt2") {
    const int64_t matrices = width * qkv + query * width + 2 * width * c.intermediate_size;
    const int64_t vectors = qkv + width + c.intermediate_size + width + 4 * width;
    return c.num_layers * (matrices + vectors) + 2 * width + head;
  }
  const int64_t matrices = width * qkv + query * width + 3 * width * c.intermediate_size;
  return c.num_layers * (matrices + 2 * width) + width + head;
}

double flops_per_token(const ModelConfig& c, int64_t length) {
  return 6.0 * static_cast<double>(num_matmul_parameters(c)) +
         12.0 * static_cast<double>(c.num_layers * c.num_heads * c.head_width()) * static_cast<double>(length);
}

ModelConfig from_depth(int64_t depth, int64_t vocab_size, int64_t max_positions, const std::string& family) {
  if (depth < 1 || depth > 128) {
    throw Error(ErrorKind::kUsage, "depth = " + std::to_string(depth) + " is outside 1..128");
  }
  const int64_t head = depth >= 8 ? 128 : 64;
  ModelConfig config;
  config.family = family;
  config.vocab_size = vocab_size;
  config.hidden_size = (64 * depth + head - 1) / head * head;
  config.num_layers = depth;
  config.num_heads = config.hidden_size / head;
  config.max_positions = max_positions;
  if (family == "gpt2") {
    config.num_kv_heads = config.num_heads;
    config.intermediate_size = 4 * config.hidden_size;
    config.tie_embeddings = true;
  } else {
    config.num_kv_heads = std::max<int64_t>(1, config.num_heads / 2);
    while (config.num_heads % config.num_kv_heads != 0) {
      --config.num_kv_heads;
    }
    config.intermediate_size = (8 * config.hidden_size + 3 * 64 - 1) / (3 * 64) * 64;
  }
  validate(config, "depth");
  return config;
}

Json to_hf_config(const ModelConfig& c) {
  Json json;
  if (c.family == "gpt2") {
    json = {{"architectures", {"GPT2LMHeadModel"}}, {"model_type", "gpt2"},
            {"n_embd", c.hidden_size},              {"n_layer", c.num_layers},
            {"n_head", c.num_heads},                {"n_inner", c.intermediate_size},
            {"n_positions", c.max_positions},       {"n_ctx", c.max_positions},
            {"layer_norm_epsilon", c.norm_eps},     {"activation_function", "gelu_new"},
            {"resid_pdrop", c.dropout},             {"embd_pdrop", c.dropout},
            {"attn_pdrop", 0.0}};
  } else {
    json = {{"architectures", {"LlamaForCausalLM"}},
            {"model_type", "llama"},
            {"hidden_size", c.hidden_size},
            {"num_hidden_layers", c.num_layers},
            {"num_attention_heads", c.num_heads},
            {"num_key_value_heads", c.num_kv_heads},
            {"head_dim", c.head_width()},
            {"intermediate_size", c.intermediate_size},
            {"max_position_embeddings", c.max_positions},
            {"rms_norm_eps", c.norm_eps},
            {"rope_theta", c.rope_theta},
            {"rope_parameters", {{"rope_type", "default"}, {"rope_theta", c.rope_theta}}},
            {"hidden_act", "silu"},
            {"attention_bias", false},
            {"mlp_bias", false}};
  }
  json["vocab_size"] = c.vocab_size;
  json["tie_word_embeddings"] = c.tie_embeddings;
  json["initializer_range"] = c.init_std;
  json["torch_dtype"] = "float32";
  json["bos_token_id"] = c.bos_id < 0 ? Json() : Json(c.bos_id);
  json["eos_token_id"] = c.eos_ids.empty() ? Json() : c.eos_ids.size() == 1 ? Json(c.eos_ids[0]) : Json(c.eos_ids);
  return json;
}

ModelConfig from_hf_config(const Json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("model_type") || !json["model_type"].is_string()) {
    throw Error(ErrorKind::kInput, "the model's configuration has no model_type", where);
  }
  const std::string type = json["model_type"].get<std::string>();
  if (type != "llama" && type != "gpt2") {
    throw Error(ErrorKind::kInput, "model_type '" + type + "' is not one of llama, gpt2", where);
  }
  if (json.contains("quantization_config")) {
    refuse("the model is quantised", where);
  }
  ModelConfig config = type == "gpt2" ? gpt2_from(json, where) : llama_from(json, where);
  read_special_ids(json, config, where);
  validate(config, where);
  return config;
}

}  // namespace athanor
