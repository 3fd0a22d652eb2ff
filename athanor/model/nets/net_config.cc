#include "athanor/model/nets/net_config.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

constexpr uint64_t kMaxConfigBytes = uint64_t{256} << 20;  // categories of a table may be many
constexpr double kMaxWidth = 1 << 16;
constexpr size_t kMaxLayers = 1024;

NetOptions recurrent_defaults() {
  NetOptions options;
  options.layers = 1;
  options.width = 128;
  options.embedding = 128;
  options.pooling = "last";
  return options;
}

NetOptions mlp_defaults() {
  NetOptions options;
  options.hidden = {128, 64};
  options.activation = "relu";
  return options;
}

NetOptions textcnn_defaults() {
  NetOptions options;
  options.width = 100;
  options.embedding = 128;
  options.kernels = {3, 4, 5};
  return options;
}

NetOptions tcn_defaults() {
  NetOptions options;
  options.channels = {32, 32, 32};
  options.kernels = {3};
  options.activation = "relu";
  options.pooling = "mean";
  return options;
}

NetOptions cnn_defaults() {
  NetOptions options;
  options.channels = {6, 16};
  options.kernels = {5};
  options.hidden = {120, 84};
  options.activation = "relu";
  return options;
}

NetOptions resnet_defaults() {
  NetOptions options;
  options.channels = {64, 128, 256, 512};
  options.blocks = {2, 2, 2, 2};
  return options;
}

NetOptions encoder_defaults() {
  NetOptions options;
  options.layers = 4;
  options.width = 256;
  return options;
}

void check_list(const std::vector<double>& list, const char* name) {
  const bool sound = list.size() <= kMaxLayers && std::all_of(list.begin(), list.end(), [](double value) {
    return value >= 1 && value <= kMaxWidth && value == std::floor(value);
  });
  if (!sound) {
    throw Error(ErrorKind::kUsage, "must hold whole numbers from 1 to 65536", std::string("model.") + name);
  }
}

std::string capital(const std::string& family) {
  std::string name = family;
  name[0] = static_cast<char>(std::toupper(static_cast<unsigned char>(name[0])));
  return name;
}

}  // namespace

const std::vector<NetFamily>& net_families() {
  static const std::vector<NetFamily> table{
      {"mlp", "fully connected layers", {InputKind::kTable}, mlp_defaults()},
      {"rnn", "Elman's recurrent network, tanh", {InputKind::kText, InputKind::kSeries}, recurrent_defaults()},
      {"lstm", "long short-term memory", {InputKind::kText, InputKind::kSeries}, recurrent_defaults()},
      {"gru", "gated recurrent units", {InputKind::kText, InputKind::kSeries}, recurrent_defaults()},
      {"textcnn", "Kim's convolutions of several widths", {InputKind::kText}, textcnn_defaults()},
      {"tcn", "dilated convolutions over time", {InputKind::kSeries}, tcn_defaults()},
      {"cnn", "convolutions, pooling, hidden layers: LeNet-5 as it stands", {InputKind::kImage}, cnn_defaults()},
      {"resnet", "basic residual blocks", {InputKind::kImage}, resnet_defaults()},
      {"bert", "transformer encoder with a pooler", {InputKind::kText}, encoder_defaults(), true},
      {"roberta", "the same with RoBERTa's head", {InputKind::kText}, encoder_defaults(), true},
  };
  return table;
}

const NetFamily& net_family(const std::string& name) {
  std::vector<std::string> names;
  for (const NetFamily& family : net_families()) {
    if (name == family.name) {
      return family;
    }
    names.emplace_back(family.name);
  }
  throw Error(ErrorKind::kUsage,
              name.empty() ? "says no family of networks" : "there is no family of networks called '" + name + "'",
              "model.family", did_you_mean(name, names));
}

NetOptions with_family_defaults(NetOptions options) {
  const NetOptions& defaults = net_family(options.family).defaults;
  const auto put = [](auto& into, const auto& value, bool empty) {
    if (empty) {
      into = value;
    }
  };
  put(options.layers, defaults.layers, options.layers == 0);
  put(options.width, defaults.width, options.width == 0);
  put(options.embedding, defaults.embedding, options.embedding == 0);
  put(options.pooling, defaults.pooling, options.pooling.empty());
  put(options.hidden, defaults.hidden, options.hidden.empty());
  put(options.channels, defaults.channels, options.channels.empty());
  put(options.kernels, defaults.kernels, options.kernels.empty());
  put(options.blocks, defaults.blocks, options.blocks.empty());
  put(options.activation, defaults.activation, options.activation.empty());
  if (net_family(options.family).encoder) {
    options.heads = options.heads > 0 ? options.heads : std::max<int64_t>(1, options.width / 64);
    options.inner = options.inner > 0 ? options.inner : 4 * options.width;
    if (options.width % options.heads != 0) {
      throw Error(ErrorKind::kUsage, "heads = " + std::to_string(options.heads) + " does not divide width = " +
                                         std::to_string(options.width),
                  "model.heads");
    }
  }
  check_list(options.hidden, "hidden");
  check_list(options.channels, "channels");
  check_list(options.kernels, "kernels");
  check_list(options.blocks, "blocks");
  if (options.family == "resnet" && options.blocks.size() != options.channels.size()) {
    throw Error(ErrorKind::kUsage, "resnet wants as many blocks as channels, one number a stage", "model.blocks");
  }
  if ((options.family == "cnn" || options.family == "tcn") && options.kernels.size() != 1) {
    throw Error(ErrorKind::kUsage, options.family + " has one kernel width", "model.kernels");
  }
  if (options.family == "cnn" && options.norm == "layer") {
    throw Error(ErrorKind::kUsage, "cnn has no layer norm", "model.norm", "norm: batch, after each convolution, or none");
  }
  return options;
}

void check_reads(const NetFamily& family, InputKind kind) {
  std::string known;
  for (const InputKind reads : family.reads) {
    if (reads == kind) {
      return;
    }
    known += (known.empty() ? "" : " or ") + std::string(name_of(reads));
  }
  throw Error(ErrorKind::kUsage, std::string("the family ") + family.name + " reads " + known + ", not " + name_of(kind),
              "model.family");
}

nlohmann::json to_json(const NetConfig& config) {
  const bool regression = config.task == "regression";
  nlohmann::json json{
      {"architectures", {"Athanor" + capital(config.options.family) + (regression ? "Regressor" : "Classifier")}},
      {"model_type", "athanor_" + config.options.family + (regression ? "_regressor" : "_classifier")},
      {"task", config.task},
      {"label_field", config.label_field},
      {"model", dump_options(config.options, true)},
      {"inputs", config.inputs},
      {"torch_dtype", "float32"}};
  if (regression) {
    json["target_mean"] = config.target_mean;
    json["target_deviation"] = config.target_deviation;
    return json;
  }
  json["num_labels"] = config.labels.size();
  for (size_t i = 0; i < config.labels.size(); ++i) {
    json["id2label"][std::to_string(i)] = config.labels[i];
    json["label2id"][config.labels[i]] = i;
  }
  return json;
}

NetConfig net_config_of(const nlohmann::json& json, const std::string& where) {
  try {
    NetConfig config;
    auto options = load_options<NetOptions>(json.at("model"));
    if (options.family == "cnn" && options.norm == "layer") {  // an older folder's word for the batch norm that it holds
      options.norm = "batch";
    }
    config.options = with_family_defaults(options);
    config.task = json.at("task").get<std::string>();
    config.label_field = json.at("label_field").get<std::string>();
    config.inputs = json.at("inputs");
    if (config.task == "regression") {
      config.target_mean = json.at("target_mean").get<double>();
      config.target_deviation = json.at("target_deviation").get<double>();
      return config;
    }
    const auto& names = json.at("id2label");
    for (size_t i = 0; i < names.size(); ++i) {
      config.labels.push_back(names.at(std::to_string(i)).get<std::string>());
    }
    if (config.task != "classification" || config.labels.size() < 2) {
      throw Error(ErrorKind::kInput, "the model has no task that is known here, or fewer than two labels", where);
    }
    return config;
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, std::string("config.json is damaged: ") + error.what(), where);
  } catch (const Error& error) {
    throw Error(ErrorKind::kInput, error.message(), where);
  }
}

namespace {

// Of the folder's config.json; null where there is none, or it names no type.
nlohmann::json config_of_folder(const fs::path& folder) {
  const fs::path path = folder / "config.json";
  if (!fs::exists(path)) {
    return nullptr;
  }
  auto json = nlohmann::json::parse(read_file(path, kMaxConfigBytes), nullptr, false);
  return json.is_object() && json.contains("model_type") && json["model_type"].is_string() ? json : nlohmann::json();
}

bool is_encoder_type(const std::string& type) {
  const std::vector<std::string> encoders = encoder_families();
  return std::find(encoders.begin(), encoders.end(), type) != encoders.end();
}

}  // namespace

bool is_net_folder(const fs::path& folder) {
  const nlohmann::json json = config_of_folder(folder);
  if (json.is_null()) {
    return false;
  }
  const auto type = json["model_type"].get<std::string>();
  const bool classes = json.value("architectures", nlohmann::json()).dump().find("ForSequenceClassification") != std::string::npos;
  return (type.starts_with("athanor_") && (type.ends_with("_classifier") || type.ends_with("_regressor"))) ||
         (is_encoder_type(type) && classes);
}

bool is_encoder_folder(const fs::path& folder) {
  const nlohmann::json json = config_of_folder(folder);
  return !json.is_null() && is_encoder_type(json["model_type"].get<std::string>());
}

}  // namespace athanor
