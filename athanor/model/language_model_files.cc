// A language model's HF folder.
#include <nlohmann/json.hpp>
#include <string>

#include "athanor/model/language_model.h"
#include "athanor/model/weight_files.h"

namespace athanor {
namespace {

WeightNaming naming_of(const ModelConfig& config) {
  WeightNaming naming;
  naming.prefixes = {"", "model.", "transformer."};  // files of the base model omit it
  if (config.family == "gpt2") {                     // Conv1D matrices are [in, out] in files and [out, in] here
    naming.transposed = [](const std::string& name) {
      return name.ends_with("c_attn.weight") || name.ends_with("c_proj.weight") || name.ends_with("c_fc.weight");
    };
  }
  naming.tied_head = config.tie_embeddings ? "lm_head.weight" : "";
  naming.ignored = [tied = config.tie_embeddings](const std::string& name) {
    return (tied && name == "lm_head.weight") || name.ends_with(".attn.bias") || name.ends_with(".attn.masked_bias") ||
           name.ends_with("rotary_emb.inv_freq");  // buffers that old checkpoints carry and no model needs
  };
  return naming;
}

}  // namespace

std::unique_ptr<LanguageModel> load_model(const fs::path& folder, const ConfigChange& change) {
  const fs::path config_path = folder / "config.json";
  ModelConfig config = from_hf_config(read_json_file(config_path), config_path.string());
  if (change) {
    change(config);
  }
  refuse_unfilled(folder, least_parameters(config));
  std::unique_ptr<LanguageModel> model = make_model(config, 0);
  load_weights(folder, model->named_parameters(), naming_of(config));
  return model;
}

void save_model(const LanguageModel& model, const fs::path& folder, Precision precision) {
  save_weights(folder, model.named_parameters(), naming_of(model.config()), to_hf_config(model.config()), precision,
               true);
}

}  // namespace athanor
