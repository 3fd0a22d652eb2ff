// A language model's HF folder.
#include <ATen/ops/empty.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>
#include <string>

#include "athanor/base/error.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// GPT-2's Conv1D matrices are [in, out] in files and [out, in] here.
bool transposed_in_files(const ModelConfig& config, const std::string& name) {
  return config.family == "gpt2" && (ends_with(name, "c_attn.weight") || ends_with(name, "c_proj.weight") ||
                                     ends_with(name, "c_fc.weight"));
}

// Buffers that old checkpoints carry and no model needs.
bool is_buffer(const std::string& name) {
  return ends_with(name, ".attn.bias") || ends_with(name, ".attn.masked_bias") || ends_with(name, "rotary_emb.inv_freq");
}

Json read_json(const fs::path& path) {
  const Json json = Json::parse(read_file(path, uint64_t{64} << 20), nullptr, false);
  if (json.is_discarded()) {
    throw Error(ErrorKind::kInput, "the file is not valid JSON", path.string());
  }
  return json;
}

// The files that hold the weights, in order.
std::vector<fs::path> weight_files(const fs::path& folder) {
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(folder / "model.safetensors") || !fs::exists(index)) {
    return {folder / "model.safetensors"};
  }
  const Json json = read_json(index);
  if (!json.is_object() || !json.contains("weight_map") || !json["weight_map"].is_object()) {
    throw Error(ErrorKind::kInput, "the index has no weight_map", index.string());
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : json["weight_map"].items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    if (name.empty() || name.find('/') != std::string::npos || name == "..") {
      throw Error(ErrorKind::kInput, "the index names no usable file for '" + tensor + "'", index.string());
    }
    names.insert(name);
  }
  std::vector<fs::path> paths;
  for (const std::string& name : names) {
    paths.push_back(folder / name);
  }
  return paths;
}

// The parameter that a file's tensor belongs to: the same name, or with the base model's prefix that some files omit.
const NamedParameter* parameter_for(const std::vector<NamedParameter>& parameters, const std::string& name) {
  for (const char* prefix : {"", "model.", "transformer."}) {
    for (const NamedParameter& parameter : parameters) {
      if (parameter.name == prefix + name) {
        return &parameter;
      }
    }
  }
  return nullptr;
}

void copy_into(const NamedParameter& parameter, const at::Tensor& source, bool transposed, const std::string& where) {
  const at::Tensor oriented = transposed && source.dim() == 2 ? source.t() : source;
  if (oriented.sizes() != parameter.tensor.sizes() || !at::isFloatingType(source.scalar_type())) {
    std::string shape;
    for (const int64_t size : source.sizes()) {
      shape += (shape.empty() ? "" : ", ") + std::to_string(size);
    }
    throw Error(ErrorKind::kInput,
                "tensor '" + parameter.name + "' has shape [" + shape + "], which config.json does not ask for", where);
  }
  at::Tensor target = parameter.tensor;
  target.copy_(oriented);
}

void load_file(const fs::path& path, const LanguageModel& model, const std::vector<NamedParameter>& parameters,
               std::set<std::string>& loaded) {
  const SafetensorsFile file = SafetensorsFile::open(path);
  for (const TensorView& view : file.tensors()) {
    const NamedParameter* parameter = parameter_for(parameters, view.name);
    if (parameter == nullptr) {
      const bool tied_head = model.config().tie_embeddings && view.name == "lm_head.weight";
      if (is_buffer(view.name) || tied_head) {
        continue;
      }
      throw Error(ErrorKind::kInput, "tensor '" + view.name + "' does not belong to this model", path.string());
    }
    copy_into(*parameter, as_tensor(view, path.string()), transposed_in_files(model.config(), parameter->name),
              path.string());
    loaded.insert(parameter->name);
  }
}

}  // namespace

std::unique_ptr<LanguageModel> load_model(const fs::path& folder) {
  const fs::path config_path = folder / "config.json";
  const ModelConfig config = from_hf_config(read_json(config_path), config_path.string());
  std::unique_ptr<LanguageModel> model = make_model(config, 0);
  const std::vector<NamedParameter> parameters = model->named_parameters();
  std::set<std::string> loaded;
  NoGrad no_grad;
  for (const fs::path& path : weight_files(folder)) {
    load_file(path, *model, parameters, loaded);
  }
  for (const NamedParameter& parameter : parameters) {
    if (loaded.count(parameter.name) == 0) {
      throw Error(ErrorKind::kInput, "the weights lack the tensor '" + parameter.name + "'", folder.string());
    }
  }
  return model;
}

void save_model(const LanguageModel& model, const fs::path& folder, Precision precision) {
  NoGrad no_grad;
  make_dirs(folder);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const NamedParameter& parameter : model.named_parameters()) {
    const at::Tensor stored =
        transposed_in_files(model.config(), parameter.name) ? parameter.tensor.t().contiguous() : parameter.tensor;
    tensors.emplace_back(parameter.name, to_dtype(stored.detach(), scalar_type(precision)));
  }
  write_tensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  Json config = to_hf_config(model.config());
  config["torch_dtype"] = precision == Precision::kBf16 ? "bfloat16" : "float32";
  write_file_atomic(folder / "config.json", config.dump(2) + "\n");
  Json generation = {{"_from_model_config", true}};
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    if (!config[key].is_null()) {
      generation[key] = config[key];
    }
  }
  write_file_atomic(folder / "generation_config.json", generation.dump(2) + "\n");
}

}  // namespace athanor
