// What a network that is no language model is: its family, its shape, what it reads and what it answers. No LibTorch.
// config.json of its folder (an encoder's is HF's, with what HF does not know under "athanor"):
//
//   {"architectures": ["AthanorLstmClassifier"], "model_type": "athanor_lstm_classifier", "task": "classification",
//    "id2label": {"0": "neg", "1": "pos"}, "label2id": ..., "label_field": "label",
//    "model": {"family": "lstm", ...}, "inputs": {"kind": "text", ...}, "torch_dtype": "float32"}
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/feature/examples.h"
#include "athanor/model/config.h"
#include "athanor/run/fields.h"

namespace athanor {

// The `model:` block. 0 and an empty list mean: as the family has it (net_families()).
struct NetOptions {
  std::string family;
  int64_t layers = 0;
  int64_t width = 0;
  int64_t heads = 0;
  int64_t inner = 0;
  int64_t embedding = 0;
  bool bidirectional = false;
  std::string pooling;
  std::vector<double> hidden;
  std::vector<double> channels;
  std::vector<double> kernels;
  std::vector<double> blocks;
  std::string activation;
  std::string norm = "none";
  std::string stem;
  double dropout = 0;
  static void fields(Fields<NetOptions>& f) {
    f.add("family", &NetOptions::family,
          "mlp (tables); rnn, lstm, gru (text, series); textcnn, bert, roberta (text); tcn (series); cnn, resnet (images)");
    f.add("layers", &NetOptions::layers, "rnn, lstm, gru, bert, roberta: layers").range(0, 1024);
    f.add("width", &NetOptions::width,
          "rnn, lstm, gru: neurons a direction; textcnn: filters a kernel; bert, roberta: numbers a token")
        .range(0, 1 << 16);
    f.add("heads", &NetOptions::heads, "bert, roberta: attention heads; 0: one for 64 of the width").range(0, 4096);
    f.add("inner", &NetOptions::inner, "bert, roberta: neurons of the feed-forward block; 0: 4 x width").range(0, 1 << 20);
    f.add("embedding", &NetOptions::embedding, "numbers a token or category; 0: 128, categories by their count")
        .range(0, 1 << 16);
    f.add("bidirectional", &NetOptions::bidirectional, "rnn, lstm, gru: read from both ends");
    f.add("pooling", &NetOptions::pooling, "rnn, lstm, gru, tcn: what the steps become; empty: as the family has it")
        .choices({"", "last", "mean", "max"});
    f.add("hidden", &NetOptions::hidden, "mlp, cnn: neurons of the hidden layers, one number a layer");
    f.add("channels", &NetOptions::channels, "cnn, tcn, resnet: channels of each convolution (resnet: of each stage)");
    f.add("kernels", &NetOptions::kernels, "textcnn: widths side by side; cnn, tcn: one width for all");
    f.add("blocks", &NetOptions::blocks, "resnet: basic blocks of each stage; [2, 2, 2, 2] is ResNet-18, [3, 4, 6, 3] 34");
    f.add("activation", &NetOptions::activation, "mlp, cnn, tcn; empty: relu").choices({"", "relu", "gelu", "tanh"});
    f.add("norm", &NetOptions::norm, "mlp: after each hidden layer; cnn: batch alone, after each convolution")
        .choices({"none", "batch", "layer"});
    f.add("stem", &NetOptions::stem, "resnet: imagenet (7x7, stride 2, max-pooling) or small (3x3); empty: by image size")
        .choices({"", "imagenet", "small"});
    f.add("dropout", &NetOptions::dropout, "share of activations dropped").range(0, 0.99);
  }
};

struct NetConfig {
  NetOptions options;
  InputShape shape;
  std::string task = "classification";  // or "regression"
  std::vector<std::string> labels;      // classification, by id
  double target_mean = 0;               // regression: answers are in these units
  double target_deviation = 1;
  std::string label_field = "label";
  nlohmann::json inputs;  // feature/inputs.h
  int64_t pad_id = 0;     // encoders: the padding token
  bool new_head = false;  // encoders: the folder's head answers something else

  int64_t num_outputs() const { return task == "regression" ? 1 : static_cast<int64_t>(labels.size()); }
};

// One a family: what it reads (the first is the default), and what its options become where nothing is given.
struct NetFamily {
  const char* name;
  const char* what;
  std::vector<InputKind> reads;
  NetOptions defaults;
  bool encoder = false;
};
const std::vector<NetFamily>& net_families();
// Error(kUsage) with the nearest name.
const NetFamily& net_family(const std::string& name);

// The options with the family's defaults written out. Error(kUsage) names what does not fit.
NetOptions with_family_defaults(NetOptions options);
// Error(kUsage) when the family cannot read this kind.
void check_reads(const NetFamily& family, InputKind kind);

nlohmann::json to_json(const NetConfig& config);
// Without `shape`, which the inputs tell. Error(kInput) with `where`.
NetConfig net_config_of(const nlohmann::json& json, const std::string& where);

// No more parameters than it has, for any sizes that its options may claim: before it is made.
double least_parameters(const NetConfig& config);

// A fresh encoder's shape; its longest text is inputs.options.max_length. Error(kUsage) for sizes that do not fit together.
ModelConfig encoder_config(const NetConfig& config);
// What finetune, predict and evaluate must know of an encoder's folder (HF's, or one that finetune left). Labels are empty
// where it has no head for classes, or one without names. Error(kInput) with `where`.
NetConfig encoder_net_config(const nlohmann::json& json, const std::string& where);
// HF's config.json with what HF does not know under "athanor".
nlohmann::json encoder_json(const NetConfig& config, const ModelConfig& model);

// True for a folder whose config.json was written by us for such a network, or is an encoder's with a head for classes;
// false for everything else.
bool is_net_folder(const fs::path& folder);
// True for any encoder's.
bool is_encoder_folder(const fs::path& folder);

}  // namespace athanor
