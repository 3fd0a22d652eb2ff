// An encoder's HF folder.
#include <nlohmann/json.hpp>

#include "athanor/model/encoder.h"
#include "athanor/model/weight_files.h"

namespace athanor {
namespace {

bool is_head(const std::string& name) {
  return name.starts_with("cls.") || name.starts_with("lm_head.") || name.starts_with("classifier.");
}

WeightNaming naming_of(const ModelConfig& config) {
  const std::string base = config.family + ".";
  WeightNaming naming;
  if (config.head == "none") {
    naming.dropped = {base};
  } else {
    naming.prefixes = {"", base};
  }
  if (config.tie_embeddings && (config.head == "mlm" || config.head == "pretraining")) {
    naming.tied_head = config.family == "bert" ? "cls.predictions.decoder.weight" : "lm_head.decoder.weight";
  }
  naming.ignored = [config](const std::string& name) {
    const bool tied = config.tie_embeddings &&
                      (name == "cls.predictions.decoder.weight" || name == "lm_head.decoder.weight");
    return tied || name == "cls.predictions.decoder.bias" || name == "lm_head.decoder.bias" ||
           name.ends_with("embeddings.position_ids") || name.ends_with("embeddings.token_type_ids");
  };
  return naming;
}

}  // namespace

std::unique_ptr<EncoderModel> load_encoder(const fs::path& folder) {
  const fs::path config_path = folder / "config.json";
  const ModelConfig config = from_hf_config(read_json_file(config_path), config_path.string());
  refuse_unfilled(folder, least_parameters(config));
  std::unique_ptr<EncoderModel> model = make_encoder(config, 0);
  load_weights(folder, model->named_parameters(), naming_of(config));
  return model;
}

std::unique_ptr<EncoderModel> load_encoder(const fs::path& folder, const std::string& head, const std::vector<std::string>& labels,
                                           uint64_t seed, const ConfigChange& change) {
  const fs::path config_path = folder / "config.json";
  ModelConfig config = from_hf_config(read_json_file(config_path), config_path.string());
  const bool same_head = config.head == head && config.labels.size() == labels.size();
  config.head = head;
  config.labels = labels;
  if (change) {
    change(config);
  }
  refuse_unfilled(folder, least_parameters(config));
  std::unique_ptr<EncoderModel> model = make_encoder(config, seed);
  WeightNaming naming = naming_of(config);
  const auto fresh = [same_head](const std::string& name) {
    return name.find("pooler.") != std::string::npos || (!same_head && name.starts_with("classifier.")) ||
           name.starts_with("cls.") || name.starts_with("lm_head.");
  };
  naming.optional = fresh;
  std::vector<NamedParameter> taken = model->named_parameters();
  if (!same_head) {  // another number of classes has other shapes: never read them
    std::erase_if(taken, [](const NamedParameter& parameter) { return parameter.name.starts_with("classifier."); });
  }
  naming.ignored = [known = naming.ignored](const std::string& name) {
    return known(name) || is_head(name) || name.find("pooler.") != std::string::npos;
  };
  load_weights(folder, taken, naming);
  return model;
}

void save_encoder(const EncoderModel& model, const fs::path& folder, Precision precision) {
  save_weights(folder, model.named_parameters(), naming_of(model.config()), to_hf_config(model.config()), precision,
               false);
}

}  // namespace athanor
