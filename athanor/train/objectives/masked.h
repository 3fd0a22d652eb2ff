// Masked language modelling (Devlin et al. 2019): tell hidden tokens from those around them and, with next_sentence,
// whether the second text of a row follows the first.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "athanor/data/tokens/token_set.h"
#include "athanor/model/encoder.h"
#include "athanor/train/loading/masked_rows.h"
#include "athanor/train/objective.h"
#include "athanor/train/options.h"

namespace athanor {

class MaskedObjective : public Objective {
 public:
  // All must outlive it; valid_tokens may be null. The model's head is "mlm", or "pretraining" with next_sentence.
  // masking's sequence_length and seed are those of options. Throws Error(kUsage) when the tokens' vocabulary is larger
  // than the model's, and what MaskedRows throws.
  MaskedObjective(EncoderModel& model, const TokenSet& train_tokens, const TokenSet* valid_tokens,
                  const MaskedVocabulary& vocabulary, const MaskingOptions& masking, const TrainOptions& options);

  Module& module() override { return model_; }
  void set_precision(Precision precision) override { model_.set_precision(precision); }
  bool runs_on_gpu() const override { return true; }
  void begin_step() override { model_.begin_step(); }
  nlohmann::json fingerprint() const override;
  std::string unit() const override { return "tokens"; }
  int64_t units_per_sample() const override { return options_.sequence_length; }
  double flops_per_unit() const override { return flops_per_token(model_.config(), options_.sequence_length); }
  MemoryPlan memory(const TrainPlace& place) const override {
    return plan_memory(model_.config(), options_, place);
  }
  int64_t load(uint64_t first, int64_t count) override;
  // The sum over hidden tokens; with next_sentence plus that over the rows, each times the tokens that it hides on the
  // mean (share x its text): then the batch's mean is near masked loss + pair loss, the latter by length of text, and does
  // not depend on how the batch is cut, since a row's weight is a function of the row alone.
  at::Tensor loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) override;
  std::vector<std::string> documents_of(uint64_t first, int64_t count) const override;
  // loss, masked_loss, num_targets; with next_sentence pair_loss and pair_accuracy.
  using Objective::evaluate;
  std::optional<nlohmann::json> evaluate(const EvalShare& share) override;

 private:
  at::Tensor pair_loss_sum(const EncoderOutput& out, const MaskedBatch& part);

  EncoderModel& model_;
  const TokenSet& train_tokens_;
  MaskingOptions masking_;
  const TrainOptions& options_;
  MaskedRows train_rows_;
  std::unique_ptr<MaskedRows> valid_rows_;
  MaskedBatch batch_;
};

}  // namespace athanor
