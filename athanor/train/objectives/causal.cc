#include "athanor/train/objectives/causal.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/eval/language_model_eval.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/embedding.h"

namespace athanor {

CausalObjective::CausalObjective(LanguageModel& model, std::vector<TokenSource> train_tokens, const TokenSet* valid_tokens,
                                 const TrainOptions& options)
    : model_(model),
      train_tokens_(std::move(train_tokens)),
      valid_tokens_(valid_tokens),
      options_(options),
      loader_(train_tokens_,
              {options.sequence_length, options.seed, options.sampling, options.packing, options.document_mask},
              options.mixture, planned_samples(options)) {
  for (const TokenSource& source : train_tokens_) {
    if (source.tokens->vocab_size() > model.config().vocab_size) {
      throw Error(ErrorKind::kUsage,
                  "the tokens of '" + source.name + "' are of a vocabulary of " +
                      std::to_string(source.tokens->vocab_size()) + ", the model's is " +
                      std::to_string(model.config().vocab_size),
                  "", "encode the documents with the model's own tokenizer");
    }
  }
}

nlohmann::json CausalObjective::fingerprint() const {
  nlohmann::json data = nlohmann::json::object();
  for (const TokenSource& source : train_tokens_) {
    data[source.name] = {{"num_tokens", source.tokens->num_tokens()},
                         {"num_documents", source.tokens->num_documents()},
                         {"tokenizer", source.tokens->tokenizer_digest()}};
  }
  return {{"model", to_hf_config(model_.config())}, {"data", data}};
}

nlohmann::json CausalObjective::sources(uint64_t samples) const { return loader_.describe(samples); }

double CausalObjective::flops_per_unit() const { return flops_per_token(model_.config(), options_.sequence_length); }

MemoryPlan CausalObjective::memory(const TrainPlace& place) const {
  return plan_memory(model_.config(), options_, place);
}

int64_t CausalObjective::load(uint64_t first, int64_t count) {
  batch_ = loader_.batch(first, count);
  const auto* targets = batch_.targets_BT.const_data_ptr<int64_t>();
  return batch_.targets_BT.numel() - std::count(targets, targets + batch_.targets_BT.numel(), int64_t{-1});
}

at::Tensor CausalObjective::loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) {
  Batch part{batch_.tokens_BT.narrow(0, begin, count), batch_.targets_BT.narrow(0, begin, count), {}};
  if (batch_.document_BT.defined()) {
    part.document_BT = batch_.document_BT.narrow(0, begin, count);
  }
  return model_.loss_sum(part, dropout_seed, options_.label_smoothing);
}

void CausalObjective::require_capturable() const {
  const ModelConfig& config = model_.config();
  const auto refuse = [](bool given, const std::string& what, const std::string& instead) {
    if (given) {
      throw Error(ErrorKind::kUsage, "a captured piece " + what, "graphs", instead + ", or leave graphs out");
    }
  };
  refuse(family_of(config.family).recurrent, "is of a decoder, and the model is a " + config.family, "take another model.family");
  refuse(options_.document_mask, "cannot follow where documents begin", "document_mask=false");
  refuse(config.dropout > 0, "has no masks of its own", "dropout=0");
  refuse(config.attention_dropout > 0, "has no masks of its own", "model.attention_dropout=0");
  refuse(config.stochastic_depth > 0, "leaves out no layers of its own", "stochastic_depth=0");
}

std::vector<at::Tensor> CausalObjective::piece(int64_t begin, int64_t count) const {
  std::vector<at::Tensor> piece{batch_.tokens_BT.narrow(0, begin, count), batch_.targets_BT.narrow(0, begin, count)};
  check_indices(piece[0], model_.config().vocab_size, "token");
  check_targets(piece[1], model_.config().vocab_size);
  return piece;
}

at::Tensor CausalObjective::loss_of(const std::vector<at::Tensor>& piece) {
  return model_.loss_sum({piece.at(0), piece.at(1), {}}, 0, options_.label_smoothing);
}

std::vector<std::string> CausalObjective::documents_of(uint64_t first, int64_t count) const {
  return loader_.documents_of(first, count);
}

std::optional<nlohmann::json> CausalObjective::evaluate(const EvalShare& share) {
  if (valid_tokens_ == nullptr) {
    return std::nullopt;
  }
  const LanguageModelScore score = score_language_model(
      model_, *valid_tokens_,
      {options_.sequence_length, options_.micro_batch > 0 ? options_.micro_batch : options_.batch_size,
       options_.eval_batches * options_.batch_size, options_.document_mask},
      share);
  return nlohmann::json{{"loss", score.loss()},
                        {"standard_error", score.standard_error},
                        {"perplexity", score.perplexity()},
                        {"bits_per_byte", score.bits_per_byte()},
                        {"num_tokens", score.num_tokens}};
}

}  // namespace athanor
