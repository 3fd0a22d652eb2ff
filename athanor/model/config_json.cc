#include "athanor/model/config_json.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

// The value under key, or null where it is absent or null.
const Json* find(const Json& json, const char* key) {
  const auto it = json.find(key);
  return it == json.end() || it->is_null() ? nullptr : &*it;
}

[[noreturn]] void wrong_type(const char* key, const char* wanted, const std::string& where) {
  throw Error(ErrorKind::kInput, std::string("'") + key + "' in the model's configuration is not " + wanted, where);
}

// Whole, and no larger than a double holds exactly.
int64_t whole(const Json& value, const char* key, const std::string& where) {
  if (value.is_number_integer()) {
    return value.get<int64_t>();
  }
  const double number = value.is_number() ? value.get<double>() : NAN;
  if (!(std::abs(number) < 0x1p53) || number != std::floor(number)) {
    wrong_type(key, "a whole number", where);
  }
  return static_cast<int64_t>(number);
}

}  // namespace

void refuse_config(const std::string& what, const std::string& where) {
  throw Error(ErrorKind::kInput, what, where, "use a model without this feature");
}

int64_t required_int(const Json& json, const char* key, const std::string& where) {
  const Json* value = find(json, key);
  if (value == nullptr || !value->is_number()) {
    throw Error(ErrorKind::kInput, std::string("the model's configuration lacks the number '") + key + "'", where);
  }
  return whole(*value, key, where);
}

int64_t int_or(const Json& json, const char* key, int64_t fallback, const std::string& where) {
  const Json* value = find(json, key);
  return value == nullptr ? fallback : whole(*value, key, where);
}

double number_or(const Json& json, const char* key, double fallback, const std::string& where) {
  const Json* value = find(json, key);
  if (value != nullptr && !value->is_number()) {
    wrong_type(key, "a number", where);
  }
  return value == nullptr ? fallback : value->get<double>();
}

bool flag_or(const Json& json, const char* key, bool fallback, const std::string& where) {
  const Json* value = find(json, key);
  if (value != nullptr && !value->is_boolean()) {
    wrong_type(key, "true or false", where);
  }
  return value == nullptr ? fallback : value->get<bool>();
}

std::string text_or(const Json& json, const char* key, const std::string& fallback, const std::string& where) {
  const Json* value = find(json, key);
  if (value != nullptr && !value->is_string()) {
    wrong_type(key, "a text", where);
  }
  return value == nullptr ? fallback : value->get<std::string>();
}

void want_false(const Json& json, const char* key, const std::string& where) {
  if (flag_or(json, key, false, where)) {
    refuse_config(std::string("the model's configuration sets '") + key + "', which is not supported", where);
  }
}

void want_null(const Json& json, const char* key, const std::string& where) {
  if (const Json* value = find(json, key)) {
    refuse_config(std::string("the model's configuration has ") + key + " = " + value->dump() +
                      ", which is not supported",
                  where);
  }
}

void want_text(const Json& json, const char* key, const std::vector<std::string>& known, const std::string& where) {
  const Json* value = find(json, key);
  if (value != nullptr &&
      (!value->is_string() || std::find(known.begin(), known.end(), value->get<std::string>()) == known.end())) {
    std::string names;
    for (const std::string& one : known) {
      names += (names.empty() ? "'" : ", '") + one + "'";
    }
    refuse_config(std::string("the model's configuration has ") + key + " = " + value->dump() + ", supported: " + names, where);
  }
}

void read_rope_object(const Json& rope, ModelConfig& config, const std::string& where) {
  if (!rope.is_object()) {
    refuse_config("the rotary settings of the model's configuration are not an object", where);
  }
  for (const char* key : {"rope_type", "type"}) {
    want_text(rope, key, {"default", "linear", "llama3", "yarn"}, where);
    config.rope_scaling.type = text_or(rope, key, config.rope_scaling.type, where);
  }
  RopeScaling& scaling = config.rope_scaling;
  config.rope_theta = number_or(rope, "rope_theta", config.rope_theta, where);
  if (number_or(rope, "partial_rotary_factor", 1, where) != 1) {
    refuse_config("the model's configuration turns only a part of each head (partial_rotary_factor)", where);
  }
  if (scaling.type == "default") {
    return;
  }
  scaling.factor = number_or(rope, "factor", 0, where);
  if (scaling.type == "llama3") {
    scaling.low_freq_factor = number_or(rope, "low_freq_factor", 0, where);
    scaling.high_freq_factor = number_or(rope, "high_freq_factor", 0, where);
    scaling.original_positions = int_or(rope, "original_max_position_embeddings", config.max_positions, where);
  }
  if (scaling.type == "yarn") {
    scaling.original_positions = int_or(rope, "original_max_position_embeddings", config.max_positions, where);
    scaling.beta_fast = number_or(rope, "beta_fast", 32, where);
    scaling.beta_slow = number_or(rope, "beta_slow", 1, where);
    scaling.attention_factor = number_or(rope, "attention_factor", 0, where);
    want_null(rope, "mscale", where);
    want_null(rope, "mscale_all_dim", where);
    if (!flag_or(rope, "truncate", true, where)) {
      refuse_config("the model's configuration blends rotary frequencies at broken numbers (truncate: false)", where);
    }
  }
}

Json rope_object(double theta, const RopeScaling& scaling) {
  Json rope = {{"rope_type", scaling.type}, {"rope_theta", theta}};
  if (scaling.type != "default") {
    rope["factor"] = scaling.factor;
  }
  if (scaling.type == "llama3") {
    rope["low_freq_factor"] = scaling.low_freq_factor;
    rope["high_freq_factor"] = scaling.high_freq_factor;
    rope["original_max_position_embeddings"] = scaling.original_positions;
  }
  if (scaling.type == "yarn") {
    rope["original_max_position_embeddings"] = scaling.original_positions;
    rope["beta_fast"] = scaling.beta_fast;
    rope["beta_slow"] = scaling.beta_slow;
    if (scaling.attention_factor > 0) {
      rope["attention_factor"] = scaling.attention_factor;
    }
  }
  return rope;
}

int64_t full_every_of(const Json& types, int64_t num_layers, const std::string& where) {
  if (!types.is_array() || static_cast<int64_t>(types.size()) != num_layers) {
    refuse_config("'layer_types' in the model's configuration does not name each layer's type", where);
  }
  if (num_layers < 1 || num_layers > 65536) {
    throw Error(ErrorKind::kInput, "num_hidden_layers is out of range", where);
  }
  int64_t period = num_layers + 1;
  for (int64_t i = num_layers - 1; i >= 0; --i) {
    const Json& type = types[static_cast<size_t>(i)];
    if (type != kSlidingLayer && type != kFullLayer) {
      refuse_config("the model's configuration has a layer of type " + type.dump(), where);
    }
    period = type == kFullLayer ? i + 1 : period;
  }
  for (int64_t i = 0; i < num_layers; ++i) {
    if ((types[static_cast<size_t>(i)] == kFullLayer) != ((i + 1) % period == 0)) {
      refuse_config("'layer_types' in the model's configuration is not every n-th layer full", where);
    }
  }
  return period;
}

Json layer_types(const ModelConfig& config) {
  Json types = Json::array();
  for (int64_t i = 0; i < config.num_layers; ++i) {
    types.push_back(config.is_local(i) ? kSlidingLayer : kFullLayer);
  }
  return types;
}

void read_shared(const Json& json, ModelConfig& config, const std::string& where) {
  config.init_std = number_or(json, "initializer_range", 0.02, where);
  config.bos_id = int_or(json, "bos_token_id", -1, where);
  config.eos_ids.clear();
  const Json* eos = find(json, "eos_token_id");
  if (eos == nullptr) {
    return;
  }
  for (const Json& id : eos->is_array() ? *eos : Json::array({*eos})) {
    if (!id.is_number_integer()) {
      wrong_type("eos_token_id", "a token id", where);
    }
    config.eos_ids.push_back(id.get<int64_t>());
  }
}

}  // namespace athanor
