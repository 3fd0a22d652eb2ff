#include "athanor/train/objectives/causal.h"

#include "athanor/base/error.h"
#include "athanor/eval/language_model_eval.h"

namespace athanor {

CausalObjective::CausalObjective(LanguageModel& model, const TokenSet& train_tokens, const TokenSet* valid_tokens,
                                 const TrainOptions& options)
    : model_(model),
      train_tokens_(train_tokens),
      valid_tokens_(valid_tokens),
      options_(options),
      loader_(train_tokens, {options.sequence_length, options.seed, options.sampling == "random",
                             options.document_mask}) {
  if (train_tokens.vocab_size() > model.config().vocab_size) {
    throw Error(ErrorKind::kUsage,
                "the tokens are of a vocabulary of " + std::to_string(train_tokens.vocab_size()) +
                    ", the model's is " + std::to_string(model.config().vocab_size),
                "", "encode the documents with the model's own tokenizer");
  }
}

nlohmann::json CausalObjective::fingerprint() const {
  return {{"model", to_hf_config(model_.config())},
          {"data", {{"num_tokens", train_tokens_.num_tokens()},
                    {"num_documents", train_tokens_.num_documents()},
                    {"tokenizer", train_tokens_.tokenizer_digest()}}}};
}

double CausalObjective::flops_per_unit() const { return flops_per_token(model_.config(), options_.sequence_length); }

MemoryPlan CausalObjective::memory() const { return plan_memory(model_.config(), options_); }

int64_t CausalObjective::load(uint64_t first, int64_t count) {
  batch_ = loader_.batch(first, count);
  return batch_.targets_BT.numel();  // every target of a training window counts
}

at::Tensor CausalObjective::loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) {
  Batch part{batch_.tokens_BT.narrow(0, begin, count), batch_.targets_BT.narrow(0, begin, count), {}};
  if (batch_.document_BT.defined()) {
    part.document_BT = batch_.document_BT.narrow(0, begin, count);
  }
  return model_.loss_sum(part, dropout_seed, options_.label_smoothing);
}

std::vector<std::string> CausalObjective::documents_of(uint64_t first, int64_t count) const {
  return loader_.documents_of(first, count);
}

std::optional<nlohmann::json> CausalObjective::evaluate() {
  if (valid_tokens_ == nullptr) {
    return std::nullopt;
  }
  const LanguageModelScore score = score_language_model(
      model_, *valid_tokens_,
      {options_.sequence_length, options_.micro_batch > 0 ? options_.micro_batch : options_.batch_size,
       options_.eval_batches * options_.batch_size, options_.document_mask});
  return nlohmann::json{{"loss", score.loss()},
                        {"standard_error", score.standard_error},
                        {"perplexity", score.perplexity()},
                        {"bits_per_byte", score.bits_per_byte()},
                        {"num_tokens", score.num_tokens}};
}

}  // namespace athanor
