#include "athanor/train/objectives/masked.h"

#include <ATen/ops/argmax.h>
#include <ATen/ops/cross_entropy_loss.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/train/document_names.h"

namespace athanor {
namespace {

constexpr int64_t kSums = 4;
constexpr int64_t kNoReduction = 0;  // at::Reduction::None

MaskingOptions with_run(MaskingOptions masking, const TrainOptions& options) {
  masking.sequence_length = options.sequence_length;
  masking.seed = options.seed;
  return masking;
}

EncoderBatch inputs_of(const MaskedBatch& batch, bool document_mask) {
  return {batch.tokens_BT, batch.types_BT, batch.length_B, document_mask ? batch.document_BT : at::Tensor()};
}

MaskedBatch rows_of(const MaskedBatch& batch, int64_t begin, int64_t count) {
  const auto part = [&](const at::Tensor& all) { return all.defined() ? all.narrow(0, begin, count) : all; };
  return {part(batch.tokens_BT), part(batch.targets_BT),  part(batch.types_BT),
          part(batch.length_B),  part(batch.document_BT), part(batch.follows_B), part(batch.text_B)};
}

}  // namespace

MaskedObjective::MaskedObjective(EncoderModel& model, const TokenSet& train_tokens, const TokenSet* valid_tokens,
                                 const MaskedVocabulary& vocabulary, const MaskingOptions& masking,
                                 const TrainOptions& options)
    : model_(model),
      train_tokens_(train_tokens),
      masking_(with_run(masking, options)),
      options_(options),
      train_rows_(train_tokens, vocabulary, masking_) {
  const std::string head = masking.next_sentence ? "pretraining" : "mlm";
  if (model.config().head != head) {
    throw Error(ErrorKind::kInternal, "a masked objective needs head '" + head + "', not '" + model.config().head + "'");
  }
  if (train_tokens.vocab_size() > model.config().vocab_size) {
    throw Error(ErrorKind::kUsage,
                "the tokens are of a vocabulary of " + std::to_string(train_tokens.vocab_size()) + ", the model's is " +
                    std::to_string(model.config().vocab_size),
                "", "encode the documents with the model's own tokenizer");
  }
  if (valid_tokens != nullptr) {
    valid_rows_ = std::make_unique<MaskedRows>(*valid_tokens, vocabulary, masking_);
  }
}

nlohmann::json MaskedObjective::fingerprint() const {
  return {{"model", to_hf_config(model_.config())},
          {"data",
           {{"num_tokens", train_tokens_.num_tokens()},
            {"num_documents", train_tokens_.num_documents()},
            {"tokenizer", train_tokens_.tokenizer_digest()}}}};
}

at::Tensor MaskedObjective::pair_loss_sum(const EncoderOutput& out, const MaskedBatch& part) {
  const at::Tensor logits = model_.pair_logits(out).to(at::kFloat);
  const at::Tensor each_B = at::cross_entropy_loss(logits, part.follows_B.to(logits.device()), {}, kNoReduction);
  return each_B.mul(part.text_B.to(logits.device())).sum().mul(masking_.share);
}

int64_t MaskedObjective::load(uint64_t first, int64_t count) {
  batch_ = train_rows_.batch(first, count);
  return batch_.targets_BT.ge(0).sum().item<int64_t>();
}

at::Tensor MaskedObjective::loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) {
  const MaskedBatch part = rows_of(batch_, begin, count);
  const EncoderOutput out = model_.encode(inputs_of(part, options_.document_mask), dropout_seed);
  const at::Tensor loss = model_.masked_loss_sum(out.hidden_BTC, part.targets_BT, options_.label_smoothing);
  if (!masking_.next_sentence) {
    return loss;
  }
  return loss.add(pair_loss_sum(out, part));
}

std::vector<std::string> MaskedObjective::documents_of(uint64_t first, int64_t count) const {
  DocumentNames names;
  for (int64_t i = 0; i < count; ++i) {
    train_rows_.documents(first + static_cast<uint64_t>(i),
                          [&](uint64_t document) { names.add(train_tokens_.document_id(document)); });
  }
  return names.list();
}

std::optional<nlohmann::json> MaskedObjective::evaluate(const EvalShare& share) {
  if (valid_rows_ == nullptr) {
    return std::nullopt;
  }
  NoGrad no_grad;
  model_.set_training(false);
  const auto epoch = static_cast<int64_t>(valid_rows_->num_rows());
  const int64_t asked = options_.eval_batches * options_.batch_size;
  const int64_t rows = asked > 0 ? std::min(asked, epoch) : epoch;
  const int64_t step = options_.micro_batch > 0 ? options_.micro_batch : options_.batch_size;
  const int64_t batches = (rows + step - 1) / step;
  std::vector<double> sums(static_cast<size_t>(kSums * batches), 0);  // a batch: masked loss, its targets, pair loss, right pairs
  for (int64_t number = 0; number < batches; ++number) {
    if (!share.mine(static_cast<uint64_t>(number))) {
      continue;
    }
    const int64_t first = number * step;
    double* sum = sums.data() + kSums * number;
    const MaskedBatch batch = valid_rows_->batch(static_cast<uint64_t>(first), std::min(step, rows - first));
    const EncoderOutput out = model_.encode(inputs_of(batch, options_.document_mask), 0);
    sum[0] = model_.masked_loss_sum(out.hidden_BTC, batch.targets_BT).item<double>();
    sum[1] = static_cast<double>(batch.targets_BT.ge(0).sum().item<int64_t>());
    if (masking_.next_sentence) {
      const at::Tensor logits = model_.pair_logits(out);
      sum[2] = softmax_cross_entropy(logits, batch.follows_B).item<double>();
      sum[3] = static_cast<double>(logits.argmax(-1).to(at::kCPU).eq(batch.follows_B).sum().item<int64_t>());
    }
  }
  share.add_up(sums);
  double total[kSums] = {};
  for (size_t i = 0; i < sums.size(); ++i) {
    total[i % kSums] += sums[i];
  }
  const double count = static_cast<double>(std::max<int64_t>(1, rows));
  const double masked_loss = total[0] / std::max(1.0, total[1]);
  nlohmann::json result = {{"loss", masked_loss}, {"masked_loss", masked_loss}, {"num_targets", static_cast<int64_t>(total[1])}};
  if (masking_.next_sentence) {
    const double pair_loss = total[2] / count;
    result["loss"] = masked_loss + pair_loss;
    result["pair_loss"] = pair_loss;
    result["pair_accuracy"] = total[3] / count;
  }
  return result;
}

}  // namespace athanor
