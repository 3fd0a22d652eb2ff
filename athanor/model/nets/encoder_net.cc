// BERT and RoBERTa as networks of finetune: the head for classes, or one answer. A regression is trained on standardised
// targets; in the folder the classifier answers in the target's own units, so that transformers gives what predict gives.
#include "athanor/base/error.h"
#include "athanor/model/encoder.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

class EncoderNet : public Net {
 public:
  EncoderNet(const NetConfig& config, std::unique_ptr<EncoderModel> encoder) : Net(config), encoder_(std::move(encoder)) {
    register_child("", *encoder_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    EncoderBatch rows;
    rows.tokens_BT = batch.tokens_BT;
    rows.types_BT = batch.types_BT;
    rows.length_B = batch.lengths_B;
    return encoder_->class_logits(encoder_->encode(rows, dropout_seed), dropout_seed);
  }

  void set_precision(Precision precision) override { encoder_->set_precision(precision); }
  void set_recompute(Recompute recompute) override { encoder_->set_recompute(recompute); }
  void begin_step() override { encoder_->begin_step(); }

  void save(const fs::path& folder) const override {
    const double deviation = config().target_deviation;
    const double mean = config().target_mean;
    encoder_->scale_answers(deviation, mean);
    save_encoder(*encoder_, folder);
    encoder_->scale_answers(1 / deviation, -mean / deviation);
    write_file_atomic(folder / "config.json", encoder_json(config(), encoder_->config()).dump(2) + "\n");
  }

 private:
  std::unique_ptr<EncoderModel> encoder_;
};

}  // namespace

std::unique_ptr<Net> make_encoder_net(const NetConfig& config, uint64_t seed) {
  return std::make_unique<EncoderNet>(config, make_encoder(encoder_config(config), seed));
}

std::unique_ptr<Net> load_encoder_net(const fs::path& folder, const NetConfig& config, uint64_t seed) {
  const bool regression = config.task == "regression";
  std::unique_ptr<EncoderModel> encoder;
  if (config.new_head) {
    const std::vector<std::string> labels = regression ? std::vector<std::string>{"LABEL_0"} : config.labels;
    encoder = load_encoder(folder, "classification", labels, seed);
  } else {
    encoder = load_encoder(folder);
    if (static_cast<int64_t>(encoder->config().labels.size()) != config.num_outputs()) {
      throw Error(ErrorKind::kInput,
                  "the head answers " + std::to_string(encoder->config().labels.size()) + " labels, " +
                      std::to_string(config.num_outputs()) + " are asked for",
                  folder.string());
    }
    encoder->scale_answers(1 / config.target_deviation, -config.target_mean / config.target_deviation);
  }
  NetConfig kept = config;
  kept.new_head = false;
  return std::make_unique<EncoderNet>(kept, std::move(encoder));
}

}  // namespace athanor
