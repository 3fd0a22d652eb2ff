#include "athanor/train/objectives/masked.h"

#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/eval/testing_shares.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

using namespace testing_train;

constexpr int32_t kVocab = 40;  // 36 [MASK], 37 [CLS], 38 [SEP]; 39 ends a text

MaskedVocabulary vocabulary() {
  MaskedVocabulary ids;
  ids.vocab_size = kVocab;
  ids.begin = 37;
  ids.separator = 38;
  ids.mask = 36;
  ids.special.assign(kVocab, false);
  std::fill(ids.special.begin() + 36, ids.special.end(), true);
  return ids;
}

ModelConfig tiny_encoder(const std::string& head) {
  ModelConfig config = from_depth(1, kVocab, 32, "bert");
  set_width(config, 64);
  config.init_std = 0.05;
  config.head = head;
  return config;
}

TrainOptions tiny_run() {
  TrainOptions options;
  options.sequence_length = 32;
  options.batch_size = 16;
  options.eval_batches = 2;
  return options;
}

// The loss of a batch is the sum of its parts, whatever they are.
TEST(MaskedObjective, LossDoesNotDependOnHowTheBatchIsCut) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "a", counting_documents(60, 50, 36, 1), kVocab);
  for (const bool pairs : {false, true}) {
    MaskingOptions masking;
    masking.next_sentence = pairs;
    const TrainOptions options = tiny_run();
    auto model = make_encoder(tiny_encoder(pairs ? "pretraining" : "mlm"), 1);
    MaskedObjective objective(*model, tokens, nullptr, vocabulary(), masking, options);
    EXPECT_GE(objective.load(5, 12), 12);
    NoGrad no_grad;
    const double whole = objective.loss_sum(0, 12, 0).item<double>();
    double parts = 0;
    for (int64_t i = 0; i < 12; i += 3) {
      parts += objective.loss_sum(i, 3, 0).item<double>();
    }
    EXPECT_NEAR(parts / whole, 1, 1e-5);
    EXPECT_FALSE(objective.evaluate().has_value());
    EXPECT_EQ(objective.documents_of(0, 200).size(), 33u);
  }
}

// With few tokens hidden a row of its own often has none to find: its loss and its gradients are 0, not what lay in memory.
TEST(MaskedObjective, APieceWithoutTargetsAddsNothing) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "a", counting_documents(60, 50, 36, 1), kVocab);
  for (const bool bf16 : {false, true}) {
    MaskingOptions masking;
    masking.share = 0.01;
    masking.next_sentence = false;
    const TrainOptions options = tiny_run();
    auto model = make_encoder(tiny_encoder("mlm"), 1);
    model->set_precision(bf16 ? Precision::kBf16 : Precision::kFp32);
    MaskedObjective objective(*model, tokens, nullptr, vocabulary(), masking, options);
    int64_t without = 0;
    for (uint64_t row = 0; row < 12; ++row) {
      if (objective.load(row, 1) > 0) {
        continue;
      }
      ++without;
      for (const NamedParameter& parameter : model->named_parameters()) {
        parameter.tensor.mutable_grad() = at::Tensor();
      }
      const at::Tensor loss = objective.loss_sum(0, 1, 0);
      EXPECT_EQ(loss.item<double>(), 0);
      backward(loss);
      for (const NamedParameter& parameter : model->named_parameters()) {
        EXPECT_TRUE(!parameter.tensor.grad().defined() || parameter.tensor.grad().abs().max().item<double>() == 0)
            << parameter.name;
      }
    }
    EXPECT_GT(without, 2);
  }
}

TEST(MaskedObjective, Learns) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "a", counting_documents(300, 40, 36, 1), kVocab);
  const TokenSet valid = make_token_set(folder.path() / "b", counting_documents(40, 40, 36, 2), kVocab);
  for (const bool pairs : {false, true}) {
    MaskingOptions masking;
    masking.next_sentence = pairs;
    const TrainOptions options = tiny_run();
    auto model = make_encoder(tiny_encoder(pairs ? "pretraining" : "mlm"), 1);
    MaskedObjective objective(*model, tokens, &valid, vocabulary(), masking, options);
    const nlohmann::json before = *objective.evaluate();
    EXPECT_NEAR(before["masked_loss"].get<double>(), std::log(kVocab), 0.5);
    EXPECT_EQ(before, evaluate_as_ranks<nlohmann::json>(3, [&](const EvalShare& share) { return *objective.evaluate(share); }));
    model->set_training(true);
    Optimizer optimizer(model->named_parameters(), OptimizerOptions{});
    for (uint64_t step = 0; step < 300; ++step) {
      model->begin_step();
      const auto targets = static_cast<double>(objective.load(step * 16, 16));
      backward(objective.loss_sum(0, 16, step).div(targets));
      optimizer.step(3e-3, 1);
      optimizer.zero_grad();
    }
    const nlohmann::json after = *objective.evaluate();
    EXPECT_LT(after["masked_loss"].get<double>(), 0.93 * before["masked_loss"].get<double>()) << pairs;
    EXPECT_EQ(after.contains("pair_accuracy"), pairs);
    std::printf("  masked loss %.3f -> %.3f\n", before["masked_loss"].get<double>(),
                after["masked_loss"].get<double>());
  }
}

// Texts far shorter than a row: the pairs must not outweigh the hidden tokens, and what training tells is what validation does.
TEST(MaskedObjective, PairsWeighAsMuchAsTheHiddenTokensOfShortTexts) {
  const TemporaryFolder folder;
  std::vector<std::vector<int32_t>> documents = counting_documents(60, 9, 36, 1);
  for (auto& longer : counting_documents(60, 24, 36, 2)) {
    documents.push_back(std::move(longer));
  }
  const TokenSet tokens = make_token_set(folder.path() / "a", documents, kVocab);
  MaskingOptions masking;
  masking.next_sentence = true;
  TrainOptions options = tiny_run();
  options.sequence_length = 128;
  options.eval_batches = 0;
  ModelConfig config = tiny_encoder("pretraining");
  config.max_positions = options.sequence_length;
  auto model = make_encoder(config, 1);
  MaskedObjective objective(*model, tokens, &tokens, vocabulary(), masking, options);
  const nlohmann::json epoch = *objective.evaluate();
  EXPECT_GT(epoch["pair_loss"].get<double>(), 0.5);
  NoGrad no_grad;
  const auto targets = static_cast<double>(objective.load(0, 120));
  const double told = objective.loss_sum(0, 120, 0).item<double>() / targets;
  std::printf("  training %.3f, masked %.3f + pairs %.3f\n", told, epoch["masked_loss"].get<double>(), epoch["pair_loss"].get<double>());
  EXPECT_NEAR(told, epoch["loss"].get<double>(), 0.1 * epoch["pair_loss"].get<double>());
}

TEST(MaskedObjective, RefusesWhatDoesNotFit) {
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "a", counting_documents(60, 50, 36, 1), kVocab);
  const TrainOptions options = tiny_run();
  auto model = make_encoder(tiny_encoder("none"), 1);
  EXPECT_THROW(MaskedObjective(*model, tokens, nullptr, vocabulary(), {}, options), Error);
  ModelConfig small = tiny_encoder("mlm");
  small.vocab_size = 39;
  auto fewer = make_encoder(small, 1);
  EXPECT_THROW(MaskedObjective(*fewer, tokens, nullptr, vocabulary(), {}, options), Error);
}

}  // namespace
}  // namespace athanor
