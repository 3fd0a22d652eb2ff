// The weights of an HF folder: model.safetensors, or model.safetensors.index.json with its shards; fp32, bf16 or fp16.
#pragma once

#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/model/nn/module.h"
#include "athanor/tensor/dtype.h"

namespace athanor {

// How names in files differ from a model's own.
struct WeightNaming {
  std::vector<std::string> prefixes = {""};  // a file's name may lack one of these before the parameter's name
  std::vector<std::string> dropped;          // or have one of these that the parameter's name lacks
  std::function<bool(const std::string& parameter)> transposed;  // [in, out] in files
  std::function<bool(const std::string& file_name)> ignored;     // in files, of no use here
  std::string tied_head;  // among the ignored: the token table once more; refused where it holds other numbers
  std::function<bool(const std::string& parameter)> optional;    // may be lacking: keeps its values
};

// Error(kInput) when the JSON cannot be read.
nlohmann::json read_json_file(const fs::path& path);

// Before a model is made: Error(kInput) where its configuration asks for several times the numbers that the files hold, so
// that a wrong or hostile config.json does not take the machine's memory. parameters: see least_parameters.
void refuse_unfilled(const fs::path& folder, double parameters);

// Fills the parameters. Error(kInput), one for the whole folder, lists by name which tensors differ in shape (with both
// shapes), which the files lack, and which they hold beyond what config.json asks for; nothing is changed then. Another names
// a tensor with values that are not finite.
void load_weights(const fs::path& folder, const std::vector<NamedParameter>& parameters, const WeightNaming& naming);

// Writes config.json, generation_config.json (where generation is set) and model.safetensors (fp32; kBf16 rounds).
void save_weights(const fs::path& folder, const std::vector<NamedParameter>& parameters, const WeightNaming& naming,
                  nlohmann::json config, Precision precision, bool generation);

}  // namespace athanor
