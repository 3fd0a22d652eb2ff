// Causal language modelling: predict each token from those before it, over windows of a token set.
#pragma once

#include "athanor/data/tokens/token_set.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/batch.h"
#include "athanor/train/loading/loader.h"
#include "athanor/train/objective.h"
#include "athanor/train/options.h"

namespace athanor {

class CausalObjective : public Objective, public CapturedPieces {
 public:
  // All must outlive it; valid_tokens may be null. Throws Error(kUsage) when the tokens' vocabulary is larger than the
  // model's, Error(kInput) when a set is shorter than one row.
  CausalObjective(LanguageModel& model, std::vector<TokenSource> train_tokens, const TokenSet* valid_tokens,
                  const TrainOptions& options);

  Module& module() override { return model_; }
  void set_precision(Precision precision) override { model_.set_precision(precision); }
  bool runs_on_gpu() const override { return true; }
  void begin_step() override { model_.begin_step(); }
  nlohmann::json fingerprint() const override;
  std::string unit() const override { return "tokens"; }
  int64_t units_per_sample() const override { return options_.sequence_length; }
  double flops_per_unit() const override;
  MemoryPlan memory(const TrainPlace& place) const override;
  int64_t load(uint64_t first, int64_t count) override;
  at::Tensor loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) override;
  CapturedPieces* captured_pieces() override { return this; }
  // Not with dropout or stochastic depth, whose masks each piece has of its own, nor with documents, whose keys it has.
  void require_capturable() const override;
  std::vector<at::Tensor> piece(int64_t begin, int64_t count) const override;
  at::Tensor loss_of(const std::vector<at::Tensor>& piece) override;
  std::vector<std::string> documents_of(uint64_t first, int64_t count) const override;
  // What each set gives to the first so many samples of the run; see Loader::describe.
  nlohmann::json sources(uint64_t samples) const;
  // loss, standard_error, perplexity, bits_per_byte, num_tokens.
  using Objective::evaluate;
  std::optional<nlohmann::json> evaluate(const EvalShare& share) override;

 private:
  LanguageModel& model_;
  std::vector<TokenSource> train_tokens_;
  const TokenSet* valid_tokens_;
  const TrainOptions& options_;
  Loader loader_;
  Batch batch_;
};

}  // namespace athanor
