#include "athanor/model/config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/config_json.h"

namespace athanor {
namespace {

struct Family {
  FamilyTraits traits;
  std::vector<const char*> model_types;  // HF's; the first is written
  ModelConfig (*read)(const nlohmann::json&, const std::string& where);
  nlohmann::json (*write)(const ModelConfig&);
};

Family recurrent_family(const char* name, const char* what, const char* type) {
  return {{.name = name, .what = what, .encoder = false, .rotary = false, .layer_norm = false, .gated = false,
           .biases = true, .qkv_biases = false, .head_norms = false, .out_norms = false, .plus_one = false,
           .windows = false, .local_rope = false, .recurrent = true, .tied = false},
          {type}, &read_recurrent, &write_recurrent};
}

const std::vector<Family>& families() {
  static const std::vector<Family> all = {
      {{.name = "llama", .what = "RMSNorm, rotary positions, SwiGLU, grouped-query attention", .encoder = false,
        .rotary = true, .layer_norm = false, .gated = true, .biases = false, .qkv_biases = false, .head_norms = false,
        .out_norms = false, .plus_one = false,
        .windows = false, .local_rope = false, .recurrent = false, .tied = false},
       {"llama"}, &read_llama, &write_llama},
      {{.name = "qwen2", .what = "llama with biases on q, k, v", .encoder = false, .rotary = true,
        .layer_norm = false, .gated = true, .biases = false, .qkv_biases = true, .head_norms = false,
        .out_norms = false, .plus_one = false,
        .windows = true, .local_rope = false, .recurrent = false, .tied = false},
       {"qwen2"}, &read_qwen2, &write_qwen2},
      {{.name = "qwen3", .what = "llama with RMSNorm on each query and key head", .encoder = false, .rotary = true,
        .layer_norm = false, .gated = true, .biases = false, .qkv_biases = false, .head_norms = true,
        .out_norms = false, .plus_one = false,
        .windows = true, .local_rope = false, .recurrent = false, .tied = false},
       {"qwen3"}, &read_qwen3, &write_qwen3},
      {{.name = "gemma3", .what = "norms before and after each block, GeGLU, sliding windows with every sixth layer full",
        .encoder = false, .rotary = true, .layer_norm = false, .gated = true, .biases = false, .qkv_biases = false,
        .head_norms = true, .out_norms = true, .plus_one = true, .windows = true, .local_rope = true, .recurrent = false, .tied = true},
       {"gemma3_text"}, &read_gemma3, &write_gemma3},
      {{.name = "gpt2", .what = "LayerNorm, learned positions, GELU (tanh), biases", .encoder = false,
        .rotary = false, .layer_norm = true, .gated = false, .biases = true, .qkv_biases = true, .head_norms = false,
        .out_norms = false, .plus_one = false,
        .windows = false, .local_rope = false, .recurrent = false, .tied = true},
       {"gpt2"}, &read_gpt2, &write_gpt2},
      {{.name = "bert", .what = "encoder: LayerNorm after each block, learned positions, token types, GELU",
        .encoder = true, .rotary = false, .layer_norm = true, .gated = false, .biases = true, .qkv_biases = true,
        .head_norms = false, .out_norms = false, .plus_one = false,
        .windows = false, .local_rope = false, .recurrent = false, .tied = true},
       {"bert"}, &read_encoder, &write_encoder},
      {{.name = "roberta", .what = "bert with positions from pad_id + 1 and its own head", .encoder = true,
        .rotary = false, .layer_norm = true, .gated = false, .biases = true, .qkv_biases = true, .head_norms = false,
        .out_norms = false, .plus_one = false,
        .windows = false, .local_rope = false, .recurrent = false, .tied = true},
       {"roberta"}, &read_encoder, &write_encoder},
      recurrent_family("rnn", "Elman's recurrent network, tanh", "athanor_rnn"),
      recurrent_family("lstm", "long short-term memory", "athanor_lstm"),
      recurrent_family("gru", "gated recurrent units", "athanor_gru"),
  };
  return all;
}

const Family& find_family(const std::string& name, const std::string& where) {
  std::string known;
  for (const Family& family : families()) {
    if (name == family.traits.name) {
      return family;
    }
    known += (known.empty() ? "" : ", ") + std::string(family.traits.name);
  }
  throw Error(ErrorKind::kInput, "family '" + name + "' is not one of " + known, where);
}

std::vector<std::string> names(bool encoder) {
  std::vector<std::string> out;
  for (const Family& family : families()) {
    if (family.traits.encoder == encoder) {
      out.emplace_back(family.traits.name);
    }
  }
  return out;
}

// kv heads and the feed-forward width that go with a width and its heads.
void derive(ModelConfig& config, const FamilyTraits& traits) {
  if (traits.gated) {
    config.intermediate_size = (8 * config.hidden_size + 3 * 64 - 1) / (3 * 64) * 64;
  } else {
    config.intermediate_size = 4 * config.hidden_size;
  }
}

void derive_kv_heads(ModelConfig& config, const FamilyTraits& traits) {
  config.num_kv_heads = config.num_heads;
  if (traits.rotary) {
    config.num_kv_heads = std::max<int64_t>(1, config.num_heads / 2);
    while (config.num_heads % config.num_kv_heads != 0) {
      --config.num_kv_heads;
    }
  }
}

}  // namespace

const FamilyTraits& family_of(const std::string& name, const std::string& where) {
  return find_family(name, where).traits;
}
std::vector<std::string> decoder_families() { return names(false); }
std::vector<std::string> encoder_families() { return names(true); }

double flops_per_token(const ModelConfig& c, int64_t length) {
  if (family_of(c.family).recurrent) {
    return 6.0 * static_cast<double>(num_matmul_parameters(c));
  }
  double attended = 0;  // keys, summed over the layers
  for (int64_t i = 0; i < c.num_layers; ++i) {
    attended += static_cast<double>(c.is_local(i) ? std::min(length, c.sliding_window) : length);
  }
  return 6.0 * static_cast<double>(num_matmul_parameters(c)) +
         12.0 * static_cast<double>(c.num_heads * c.head_width()) * attended;
}

ModelConfig from_depth(int64_t depth, int64_t vocab_size, int64_t max_positions, const std::string& family) {
  if (depth < 1 || depth > 128) {
    throw Error(ErrorKind::kUsage, "depth = " + std::to_string(depth) + " is outside 1..128");
  }
  const FamilyTraits& traits = family_of(family, "model.family");
  const int64_t head = depth >= 8 ? 128 : 64;
  ModelConfig config;
  config.family = family;
  config.vocab_size = vocab_size;
  config.hidden_size = (64 * depth + head - 1) / head * head;
  config.num_layers = depth;
  config.num_heads = config.hidden_size / head;
  config.max_positions = max_positions;
  config.tie_embeddings = traits.tied;
  derive_kv_heads(config, traits);
  derive(config, traits);
  if (family == "gemma3") {
    config.sliding_window = std::clamp<int64_t>(max_positions / 2, 1, 1024);
    config.full_every = 6;
  }
  if (family == "roberta") {
    config.pad_id = 1;
  }
  if (traits.encoder) {
    config.norm_eps = 1e-12;
  }
  if (traits.recurrent) {
    config.num_layers = std::min<int64_t>(depth, 2);
    set_width(config, 128 * depth);
  }
  validate(config, "depth");
  return config;
}

void set_width(ModelConfig& config, int64_t hidden_size) {
  const FamilyTraits& traits = family_of(config.family);
  config.hidden_size = hidden_size;
  if (traits.recurrent) {
    config.num_heads = config.num_kv_heads = 1;
    config.intermediate_size = hidden_size;
    return;
  }
  config.num_heads = std::max<int64_t>(1, hidden_size / 64);
  config.head_dim = 0;
  derive_kv_heads(config, traits);
  derive(config, traits);
}

void set_heads(ModelConfig& config, int64_t num_heads) {
  const bool half = family_of(config.family).rotary && num_heads % 2 == 0;
  config.num_heads = num_heads;
  config.num_kv_heads = half ? num_heads / 2 : num_heads;
  config.head_dim = 0;
}

nlohmann::json to_hf_config(const ModelConfig& c) {
  nlohmann::json json = find_family(c.family, "").write(c);
  json["vocab_size"] = c.vocab_size;
  json["tie_word_embeddings"] = c.tie_embeddings;
  json["initializer_range"] = c.init_std;
  json["torch_dtype"] = "float32";
  json["bos_token_id"] = c.bos_id < 0 ? nlohmann::json() : nlohmann::json(c.bos_id);
  json["eos_token_id"] = c.eos_ids.empty()       ? nlohmann::json()
                         : c.eos_ids.size() == 1 ? nlohmann::json(c.eos_ids[0])
                                                 : nlohmann::json(c.eos_ids);
  return json;
}

ModelConfig from_hf_config(const nlohmann::json& json, const std::string& where) {
  if (!json.is_object() || !json.contains("model_type") || !json["model_type"].is_string()) {
    throw Error(ErrorKind::kInput, "the model's configuration has no model_type", where);
  }
  const auto type = json["model_type"].get<std::string>();
  std::string known;
  for (const Family& family : families()) {
    for (const char* name : family.model_types) {
      known += (known.empty() ? "" : ", ") + std::string(name);
      if (type != name) {
        continue;
      }
      if (json.contains("quantization_config")) {
        refuse_config("the model is quantised", where);
      }
      ModelConfig config = family.read(json, where);
      read_shared(json, config, where);
      validate(config, where);
      return config;
    }
  }
  throw Error(ErrorKind::kInput, "model_type '" + type + "' is not one of " + known, where);
}

}  // namespace athanor
