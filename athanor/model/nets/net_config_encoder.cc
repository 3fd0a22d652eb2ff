// An encoder as a network of finetune: HF's config.json, with what HF does not know under "athanor".
#include "athanor/base/error.h"
#include "athanor/model/nets/net_config.h"

namespace athanor {

namespace {

// Names that HF gives where a model has none say nothing of what is answered.
bool has_names(const std::vector<std::string>& labels) {
  for (size_t i = 0; i < labels.size(); ++i) {
    if (labels[i] != "LABEL_" + std::to_string(i)) {
      return true;
    }
  }
  return false;
}

}  // namespace

ModelConfig encoder_config(const NetConfig& config) {
  const NetOptions& options = config.options;
  ModelConfig model;
  model.family = options.family;
  model.vocab_size = config.shape.vocab_size;
  model.hidden_size = options.width;
  model.num_layers = options.layers;
  model.num_heads = options.heads;
  model.num_kv_heads = options.heads;
  model.intermediate_size = options.inner;
  model.max_positions = config.inputs.at("options").at("max_length").get<int64_t>();
  model.pad_id = config.pad_id;
  model.norm_eps = 1e-12;
  model.tie_embeddings = true;
  model.dropout = options.dropout;
  model.attention_dropout = options.dropout;
  model.head = "classification";
  model.labels = config.task == "regression" ? std::vector<std::string>{"LABEL_0"} : config.labels;
  try {
    validate(model);
  } catch (const Error& error) {
    throw Error(ErrorKind::kUsage, error.message(), "model", error.hint());
  }
  return model;
}

NetConfig encoder_net_config(const nlohmann::json& json, const std::string& where) {
  const ModelConfig model = from_hf_config(json, where);
  NetConfig config;
  config.options.family = model.family;
  config.options.layers = model.num_layers;
  config.options.width = model.hidden_size;
  config.options.heads = model.num_heads;
  config.options.inner = model.intermediate_size;
  config.options.dropout = model.dropout;
  config.options = with_family_defaults(config.options);
  config.shape.kind = InputKind::kText;
  config.shape.vocab_size = model.vocab_size;
  config.pad_id = model.pad_id;
  config.inputs = {{"kind", "text"}, {"options", {{"max_length", model.max_positions}}}};
  const bool classes = model.head == "classification";
  config.task = classes && model.labels.size() == 1 ? "regression" : "classification";
  if (classes && config.task == "classification" && (has_names(model.labels) || json.contains("athanor"))) {
    config.labels = model.labels;
  }
  config.new_head = !classes || (config.task == "classification" && config.labels.empty());
  try {
    if (json.contains("athanor")) {
      const nlohmann::json& own = json.at("athanor");
      config.label_field = own.at("label_field").get<std::string>();
      config.inputs = own.at("inputs");
      config.target_mean = own.value("target_mean", 0.0);
      config.target_deviation = own.value("target_deviation", 1.0);
    }
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("config.json is damaged: ") + error.what(), where);
  }
  return config;
}

nlohmann::json encoder_json(const NetConfig& config, const ModelConfig& model) {
  nlohmann::json json = to_hf_config(model);
  json["athanor"] = {{"label_field", config.label_field}, {"inputs", config.inputs}};
  if (config.task == "regression") {
    json["athanor"]["target_mean"] = config.target_mean;
    json["athanor"]["target_deviation"] = config.target_deviation;
  }
  return json;
}

}  // namespace athanor
