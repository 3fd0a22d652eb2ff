// How config.cc and the families read and write HF's config.json. A value that is there must have its type; what this
// program would compute wrongly is refused by name.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/model/config.h"

namespace athanor {

[[noreturn]] void refuse_config(const std::string& what, const std::string& where);

int64_t required_int(const nlohmann::json& json, const char* key, const std::string& where);
int64_t int_or(const nlohmann::json& json, const char* key, int64_t fallback, const std::string& where);
double number_or(const nlohmann::json& json, const char* key, double fallback, const std::string& where);
bool flag_or(const nlohmann::json& json, const char* key, bool fallback, const std::string& where);
std::string text_or(const nlohmann::json& json, const char* key, const std::string& fallback,
                    const std::string& where);

// Refuse anything but: absent, null or false; absent or null; absent, null or one of the known (the first is named).
void want_false(const nlohmann::json& json, const char* key, const std::string& where);
void want_null(const nlohmann::json& json, const char* key, const std::string& where);
void want_text(const nlohmann::json& json, const char* key, const std::vector<std::string>& known,
               const std::string& where);

// {"rope_type", "rope_theta", ...} of transformers 5, or the rope_scaling of older files, over what config holds.
void read_rope_object(const nlohmann::json& rope, ModelConfig& config, const std::string& where);
nlohmann::json rope_object(double theta, const RopeScaling& scaling);

// Names of transformers' types of layer.
inline constexpr const char* kSlidingLayer = "sliding_attention";
inline constexpr const char* kFullLayer = "full_attention";
// Of layer_types: the period n for which every n-th layer is full; beyond the number of layers when none is.
int64_t full_every_of(const nlohmann::json& types, int64_t num_layers, const std::string& where);
nlohmann::json layer_types(const ModelConfig& config);

// What every family has: special tokens.
void read_shared(const nlohmann::json& json, ModelConfig& config, const std::string& where);

ModelConfig read_llama(const nlohmann::json& json, const std::string& where);
ModelConfig read_qwen2(const nlohmann::json& json, const std::string& where);
ModelConfig read_qwen3(const nlohmann::json& json, const std::string& where);
ModelConfig read_gemma3(const nlohmann::json& json, const std::string& where);
ModelConfig read_gpt2(const nlohmann::json& json, const std::string& where);
ModelConfig read_encoder(const nlohmann::json& json, const std::string& where);
ModelConfig read_recurrent(const nlohmann::json& json, const std::string& where);
nlohmann::json write_recurrent(const ModelConfig& config);
nlohmann::json write_llama(const ModelConfig& config);
nlohmann::json write_qwen2(const ModelConfig& config);
nlohmann::json write_qwen3(const ModelConfig& config);
nlohmann::json write_gemma3(const ModelConfig& config);
nlohmann::json write_gpt2(const ModelConfig& config);
nlohmann::json write_encoder(const ModelConfig& config);

}  // namespace athanor
