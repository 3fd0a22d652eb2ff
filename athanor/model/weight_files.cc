#include "athanor/model/weight_files.h"

#include <ATen/ops/aminmax.h>
#include <ATen/ops/equal.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

// The files that hold the weights, in order.
std::vector<fs::path> weight_files(const fs::path& folder) {
  const fs::path index = folder / "model.safetensors.index.json";
  if (fs::exists(folder / "model.safetensors") || !fs::exists(index)) {
    return {folder / "model.safetensors"};
  }
  const Json json = read_json_file(index);
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

// LayerNorm's weights were gamma and beta in the first BERT files.
std::string current_name(const std::string& name) {
  for (const auto& [old, now] : {std::pair(".gamma", ".weight"), std::pair(".beta", ".bias")}) {
    if (name.ends_with(old)) {
      return name.substr(0, name.size() - std::string(old).size()) + now;
    }
  }
  return name;
}

using ByName = std::map<std::string, const NamedParameter*>;

const NamedParameter* parameter_for(const ByName& parameters, const WeightNaming& naming, const std::string& file_name) {
  const std::string name = current_name(file_name);
  for (const std::string& prefix : naming.prefixes) {
    if (const auto it = parameters.find(prefix + name); it != parameters.end()) {
      return it->second;
    }
  }
  for (const std::string& prefix : naming.dropped) {
    if (name.starts_with(prefix)) {
      if (const auto it = parameters.find(name.substr(prefix.size())); it != parameters.end()) {
        return it->second;
      }
    }
  }
  return nullptr;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  std::string text;
  for (const int64_t size : shape) {
    text += (text.empty() ? "" : ", ") + std::to_string(size);
  }
  return "[" + text + "]";
}

// Names what does not fit, the first few of each kind.
class Misfits {
 public:
  void shape(const std::string& name, const std::string& in_file, const std::string& asked) {
    add(shapes_, name + " is " + in_file + " in the file and " + asked + " by config.json");
  }
  void lacking(const std::string& name, const std::string& asked) { add(lacking_, name + " " + asked); }
  void extra(const std::string& name, const std::string& in_file) { add(extra_, name + " " + in_file); }

  void throw_if_any(const fs::path& folder) const {
    std::string text;
    append(text, "shapes differ: ", shapes_);
    append(text, "the files lack: ", lacking_);
    append(text, "the files hold what does not belong to this model: ", extra_);
    if (!text.empty()) {
      throw Error(ErrorKind::kInput, "the weights do not match config.json; " + text, folder.string(),
                  "take the config.json that was saved with these weights");
    }
  }

 private:
  struct List {
    int64_t count = 0;
    std::string text;
  };
  static void add(List& list, const std::string& entry) {
    constexpr int64_t kNamed = 6;
    if (++list.count <= kNamed) {
      list.text += (list.count == 1 ? "" : ", ") + entry;
    } else if (list.count == kNamed + 1) {
      list.text += ", ...";
    }
  }
  static void append(std::string& text, const char* title, const List& list) {
    if (list.count > 0) {
      text += (text.empty() ? "" : "; ") + std::string(title) + list.text + " (" + std::to_string(list.count) +
              (list.count == 1 ? " tensor)" : " tensors)");
    }
  }
  List shapes_;
  List lacking_;
  List extra_;
};

struct Source {
  const NamedParameter* parameter;
  TensorView view;
  std::string where;
};

// A head of its own where config.json says that it is the token table: one of the two is wrong.
void refuse_other_head(const std::vector<NamedParameter>& parameters, const Source& head) {
  for (const NamedParameter& parameter : parameters) {
    const bool table = parameter.name.ends_with("embed_tokens.weight") || parameter.name.ends_with("wte.weight") ||
                       parameter.name.ends_with("word_embeddings.weight");
    if (!table) {
      continue;
    }
    const at::Tensor stored = as_tensor(head.view, head.where).to(at::kFloat);
    if (stored.sizes() != parameter.tensor.sizes() || !at::equal(stored, parameter.tensor)) {
      throw Error(ErrorKind::kInput,
                  "config.json says tie_word_embeddings: true, and " + head.view.name + " differs from " + parameter.name,
                  head.where, "set tie_word_embeddings: false to keep the head, or leave the tensor out");
    }
  }
}

// One NaN spoils every answer, and an infinity some: better told here than by a perplexity of NaN, or by none.
void refuse_not_finite(const at::Tensor& weights, const Source& source) {
  if (weights.numel() == 0) {
    return;
  }
  const auto [least, most] = at::aminmax(weights);  // NaN where there is one
  if (!std::isfinite(least.item<float>()) || !std::isfinite(most.item<float>())) {
    throw Error(ErrorKind::kInput, "tensor '" + source.view.name + "' holds values that are not finite", source.where,
                "the training that wrote it had diverged; take an earlier checkpoint");
  }
}

bool is_transposed(const WeightNaming& naming, const std::string& name) {
  return naming.transposed && naming.transposed(name);
}

}  // namespace

Json read_json_file(const fs::path& path) {
  Json json = Json::parse(read_file(path, uint64_t{64} << 20), nullptr, false);
  if (json.is_discarded()) {
    throw Error(ErrorKind::kInput, "the file is not valid JSON", path.string());
  }
  return json;
}

void refuse_unfilled(const fs::path& folder, double parameters) {
  constexpr double kFresh = double{1 << 24};  // heads and poolers that a model may get beyond its files; small models
  double held = 0;
  for (const fs::path& path : weight_files(folder)) {
    const SafetensorsFile file = SafetensorsFile::open(path);
    for (const TensorView& view : file.tensors()) {
      held += std::accumulate(view.shape.begin(), view.shape.end(), 1.0,
                              [](double product, auto size) { return product * static_cast<double>(size); });
    }
  }
  if (parameters > 4 * held + kFresh) {
    throw Error(ErrorKind::kInput,
                "config.json asks for a model of " + human_count(parameters) + " parameters, and the files hold " +
                    human_count(held) + " numbers",
                folder.string(), "take the config.json that was saved with these weights");
  }
}

void load_weights(const fs::path& folder, const std::vector<NamedParameter>& parameters, const WeightNaming& naming) {
  NoGrad no_grad;
  ByName by_name;
  for (const NamedParameter& parameter : parameters) {
    by_name[parameter.name] = &parameter;
  }
  std::vector<SafetensorsFile> files;
  std::vector<Source> sources;
  std::optional<Source> head;
  std::set<std::string> found;
  Misfits misfits;
  for (const fs::path& path : weight_files(folder)) {
    files.push_back(SafetensorsFile::open(path));
    for (const TensorView& view : files.back().tensors()) {
      const std::vector<int64_t> in_file(view.shape.begin(), view.shape.end());
      const NamedParameter* parameter = parameter_for(by_name, naming, view.name);
      if (parameter == nullptr) {
        if (!naming.ignored || !naming.ignored(view.name)) {
          misfits.extra(view.name, shape_text(in_file));
        } else if (view.name == naming.tied_head) {
          head = {nullptr, view, path.string()};
        }
        continue;
      }
      std::vector<int64_t> asked = parameter->tensor.sizes().vec();
      if (is_transposed(naming, parameter->name)) {
        std::reverse(asked.begin(), asked.end());
      }
      found.insert(parameter->name);
      if (in_file != asked) {
        misfits.shape(parameter->name, shape_text(in_file), shape_text(asked));
      }
      sources.push_back({parameter, view, path.string()});
    }
  }
  for (const NamedParameter& parameter : parameters) {
    if (found.count(parameter.name) == 0 && !(naming.optional && naming.optional(parameter.name))) {
      misfits.lacking(parameter.name, shape_text(parameter.tensor.sizes().vec()));
    }
  }
  misfits.throw_if_any(folder);
  for (const Source& source : sources) {
    const at::Tensor stored = as_tensor(source.view, source.where);
    if (!at::isFloatingType(stored.scalar_type())) {
      throw Error(ErrorKind::kInput, "tensor '" + source.view.name + "' does not hold floating-point numbers",
                  source.where);
    }
    at::Tensor target = source.parameter->tensor;
    target.copy_(is_transposed(naming, source.parameter->name) ? stored.t() : stored);
    refuse_not_finite(target, source);
  }
  if (head) {
    refuse_other_head(parameters, *head);
  }
}

void save_weights(const fs::path& folder, const std::vector<NamedParameter>& parameters, const WeightNaming& naming,
                  Json config, Precision precision, bool generation) {
  NoGrad no_grad;
  make_dirs(folder);
  std::vector<std::pair<std::string, at::Tensor>> tensors;
  for (const NamedParameter& parameter : parameters) {
    const at::Tensor stored =
        is_transposed(naming, parameter.name) ? parameter.tensor.t().contiguous() : parameter.tensor;
    tensors.emplace_back(parameter.name, to_dtype(stored.detach(), scalar_type(precision)));
  }
  write_tensors(folder / "model.safetensors", tensors, {{"format", "pt"}});
  config["torch_dtype"] = precision == Precision::kBf16 ? "bfloat16" : "float32";
  write_file_atomic(folder / "config.json", config.dump(2) + "\n");
  if (!generation) {
    return;
  }
  Json json = {{"_from_model_config", true}};
  for (const char* key : {"bos_token_id", "eos_token_id"}) {
    if (!config[key].is_null()) {
      json[key] = config[key];
    }
  }
  write_file_atomic(folder / "generation_config.json", json.dump(2) + "\n");
}

}  // namespace athanor
