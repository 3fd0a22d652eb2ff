// Options of `finetune`: what the trainer is told, the network to train, what it reads and answers. Torch-free.
#pragma once

#include "athanor/feature/inputs.h"
#include "athanor/model/nets/net_config.h"
#include "athanor/run/fields.h"
#include "athanor/train/options.h"

namespace athanor {

struct FinetuneOptions : TrainOptions {
  FinetuneOptions() {  // a few thousand labelled documents, not a corpus
    steps = 0;
    batch_size = 32;
    eval_every = 0;
    eval_batches = 0;
    mfu = false;
    spike_zscore = 0;  // small sets are learnt by heart, and then each odd label is a spike
    final_weights = "best";
    optimizer = finetune_defaults(optimizer);
    schedule = finetune_defaults(schedule);
    checkpoint_every_steps = 0;
    checkpoint_every_minutes = 1;
  }

  NetOptions model;
  InputOptions inputs;
  std::string reads;
  std::string task = "classification";
  std::string pair_field;
  std::string label_field = "label";
  std::string label_key;
  std::string label_pattern = "([^/]+)\\.[^./]*$";
  double hold_out = 0.1;
  double epochs = 3;
  std::string class_weights = "none";
  bool flip = false;
  int64_t crop = 0;
  double max_rejected = 0.1;
  bool keep_state = false;
  static void fields(Fields<FinetuneOptions>& f);
};

// What the network reads: as the options say, else as its family does.
InputKind input_kind(const FinetuneOptions& options);

// Error(kUsage) for an option that is given and that nothing reads, with those that count (finetune_idle.cc). resolved: the
// step's options. A fresh network of this family over this kind of input; a model that is given; what the inputs' roles say.
void check_net_options(const nlohmann::json& resolved, const std::string& family, InputKind kind);
void check_given_net_options(const nlohmann::json& resolved, const NetConfig& given);
void check_finetune_inputs(const nlohmann::json& resolved, const std::vector<std::string>& inputs);

}  // namespace athanor
