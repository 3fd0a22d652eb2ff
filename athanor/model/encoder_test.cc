#include "athanor/model/encoder.h"

#include <gtest/gtest.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>

#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

ModelConfig small(const std::string& family, const std::string& head, double dropout = 0) {
  ModelConfig config = from_depth(2, 65, 32, family);
  config.head = head;
  config.dropout = dropout;
  config.attention_dropout = dropout;
  if (head == "classification") {
    config.labels = {"no", "yes", "perhaps"};
  }
  return config;
}

std::vector<std::pair<std::string, std::string>> all_heads() {
  std::vector<std::pair<std::string, std::string>> all;
  for (const char* head : {"none", "mlm", "pretraining", "nsp", "classification"}) {
    all.emplace_back("bert", head);
  }
  for (const char* head : {"none", "mlm", "classification"}) {
    all.emplace_back("roberta", head);
  }
  return all;
}

EncoderBatch some_batch(int64_t rows, int64_t length) { return {at::randint(2, 65, {rows, length}, at::kLong), {}, {}, {}}; }

TEST(Encoder, CountsItsParameters) {
  for (const auto& [family, head] : all_heads()) {
    for (const bool tied : {true, false}) {
      ModelConfig config = small(family, head);
      config.tie_embeddings = tied;
      int64_t count = 0;
      for (const NamedParameter& p : make_encoder(config, 1)->named_parameters()) {
        count += p.tensor.numel();
        EXPECT_FALSE(p.decay && p.tensor.dim() == 1) << p.name;
      }
      EXPECT_EQ(count, num_parameters(config)) << family << " " << head;
    }
  }
}

// Padding, and what stands beside a document in its row, change nothing.
TEST(Encoder, PaddingAndNeighboursAreNotSeen) {
  for (const char* family : {"bert", "roberta"}) {
    auto model = make_encoder(small(family, "none"), 3);
    NoGrad no_grad;
    const EncoderBatch first = some_batch(1, 11);
    const EncoderBatch second = some_batch(1, 17);
    const at::Tensor a = model->encode(first, 0).hidden_BTC;
    const at::Tensor b = model->encode(second, 0).hidden_BTC;
    EncoderBatch padded;
    padded.tokens_BT = at::cat({at::cat({first.tokens_BT, at::full({1, 6}, 5, at::kLong)}, 1), second.tokens_BT}, 0);
    padded.length_B = at::tensor({11, 17}, at::kLong);
    const at::Tensor together = model->encode(padded, 0).hidden_BTC;
    EXPECT_LT(together.narrow(0, 0, 1).narrow(1, 0, 11).sub(a).abs().max().item<float>(), 1e-5);
    EXPECT_LT(together.narrow(0, 1, 1).sub(b).abs().max().item<float>(), 1e-5);
    EncoderBatch packed;
    packed.tokens_BT = at::cat({first.tokens_BT, second.tokens_BT}, 1);
    packed.document_BT = at::zeros({1, 28}, at::kInt);
    packed.document_BT.narrow(1, 11, 17).fill_(1);
    const at::Tensor row = model->encode(packed, 0).hidden_BTC;
    EXPECT_LT(row.narrow(1, 0, 11).sub(a).abs().max().item<float>(), 1e-5);
    EXPECT_LT(row.narrow(1, 11, 17).sub(b).abs().max().item<float>(), 1e-5);
  }
}

at::Tensor loss_of(EncoderModel& model, const EncoderBatch& batch, uint64_t seed) {
  const EncoderOutput out = model.encode(batch, seed);
  if (model.config().head == "classification") {
    return model.class_logits(out, seed).log_softmax(-1).select(1, 1).sum().neg();
  }
  at::Tensor target = batch.tokens_BT.clone();
  target.narrow(1, 0, 5).fill_(-1);
  at::Tensor loss = model.masked_loss_sum(out.hidden_BTC, target);
  return model.config().head == "mlm" ? loss : loss.add(model.pair_logits(out).log_softmax(-1).select(1, 0).sum().neg());
}

// The hand-written gradient through dropout against differences of the loss along the gradient.
TEST(Encoder, GradientAgreesWithDifferences) {
  for (const auto& [family, head] : all_heads()) {
    if (head == "none" || head == "nsp") {
      continue;
    }
    auto model = make_encoder(small(family, head, 0.1), 1);
    model->set_training(true);
    const EncoderBatch batch = some_batch(2, 12);
    backward(loss_of(*model, batch, 9));
    for (const NamedParameter& p : model->named_parameters()) {
      const at::Tensor grad = p.tensor.grad();
      ASSERT_TRUE(grad.defined()) << p.name;
      const at::Tensor direction = grad.div(grad.norm().clamp_min(1e-12));
      const double slope = grad.mul(direction).sum().item<double>();
      const double step = 0.01;
      NoGrad no_grad;
      at::Tensor moved = p.tensor;
      moved.add_(direction, step);
      const double above = loss_of(*model, batch, 9).item<double>();
      moved.add_(direction, -2 * step);
      const double below = loss_of(*model, batch, 9).item<double>();
      moved.add_(direction, step);
      EXPECT_NEAR((above - below) / (2 * step), slope, 0.03 * std::abs(slope) + 0.02) << family << " " << p.name;
    }
  }
}

TEST(Encoder, RecomputedGradientsAreTheSameBits) {
  const EncoderBatch batch = some_batch(2, 12);
  std::vector<at::Tensor> first;
  for (const Recompute recompute : {Recompute::kNone, Recompute::kMlp, Recompute::kBlock}) {
    auto model = make_encoder(small("bert", "mlm", 0.1), 1);
    model->set_training(true);
    model->set_recompute(recompute);
    backward(loss_of(*model, batch, 9));
    std::vector<at::Tensor> gradients;
    for (const NamedParameter& p : model->named_parameters()) {
      gradients.push_back(p.tensor.grad());
    }
    first = first.empty() ? gradients : first;
    for (size_t i = 0; i < gradients.size(); ++i) {
      EXPECT_TRUE(gradients[i].equal(first[i])) << i;
    }
  }
}

TEST(Encoder, DropoutIsAFunctionOfItsSeed) {
  auto model = make_encoder(small("bert", "classification", 0.3), 1);
  const EncoderBatch batch = some_batch(2, 12);
  NoGrad no_grad;
  EXPECT_TRUE(loss_of(*model, batch, 1).equal(loss_of(*model, batch, 2)));
  model->set_training(true);
  EXPECT_TRUE(loss_of(*model, batch, 1).equal(loss_of(*model, batch, 1)));
  EXPECT_FALSE(loss_of(*model, batch, 1).equal(loss_of(*model, batch, 2)));
}

TEST(Encoder, RefusesWhatDoesNotFit) {
  auto model = make_encoder(small("bert", "none"), 1);
  try {
    model->encode(some_batch(1, 33), 0);
    FAIL() << "33 tokens in 32 positions";
  } catch (const Error& error) {
    EXPECT_EQ(error.hint().rfind("sequence_length=32 or less", 0), 0u) << error.hint();  // a key that there is
  }
  EncoderBatch batch = some_batch(2, 8);
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{8}, {0, 8}, {8, 9}}) {
    batch.length_B = at::tensor(lengths, at::kLong);
    EXPECT_THROW(model->encode(batch, 0), Error);
  }
  batch = some_batch(2, 8);
  batch.types_BT = at::full({2, 8}, 2, at::kLong);
  EXPECT_THROW(model->encode(batch, 0), Error);
  EXPECT_THROW(model->class_logits(model->encode(some_batch(1, 4), 0), 0), Error);
  EXPECT_THROW(make_encoder(from_depth(2, 65, 32, "llama"), 1), Error);
  EXPECT_THROW(make_model(small("bert", "mlm"), 1), Error);
  EXPECT_THROW(make_encoder(small("roberta", "nsp"), 1), Error);
  EXPECT_THROW(make_encoder(small("bert", "other"), 1), Error);
}

// A body trained by masked language modelling goes on under a new classifier.
TEST(Encoder, TakesAnotherHead) {
  const fs::path folder = fs::path(testing::TempDir()) / "athanor_encoder_head";
  for (const char* family : {"bert", "roberta"}) {
    fs::remove_all(folder);
    auto before = make_encoder(small(family, "mlm"), 1);
    save_encoder(*before, folder);
    auto after = load_encoder(folder, "classification", {"a", "b"}, 7);
    EXPECT_EQ(after->config().labels.size(), 2u);
    const EncoderBatch batch = some_batch(2, 9);
    EXPECT_TRUE(before->encode(batch, 0).hidden_BTC.equal(after->encode(batch, 0).hidden_BTC));
    save_encoder(*after, folder);
    auto same = load_encoder(folder);
    EXPECT_TRUE(same->class_logits(same->encode(batch, 0), 0).equal(after->class_logits(after->encode(batch, 0), 0)));
    auto wider = load_encoder(folder, "classification", {"a", "b", "c"}, 7);
    EXPECT_EQ(wider->class_logits(wider->encode(batch, 0), 0).size(1), 3);
    auto bare = load_encoder(folder, "none", {}, 7);
    EXPECT_TRUE(bare->encode(batch, 0).hidden_BTC.equal(after->encode(batch, 0).hidden_BTC));
  }
  fs::remove_all(folder);
}

TEST(Encoder, ConfigSurvivesHfAndRefusesWhatItCannotCompute) {
  for (const auto& [family, head] : all_heads()) {
    const nlohmann::json json = to_hf_config(small(family, head));
    EXPECT_EQ(to_hf_config(from_hf_config(json, "x")), json) << json.dump(1);
  }
  const std::pair<const char*, nlohmann::json> bad[] = {
      {"hidden_act", "relu"}, {"is_decoder", true}, {"position_embedding_type", "relative_key"},
      {"architectures", {"BertForQuestionAnswering"}}, {"num_attention_heads", 3}, {"type_vocab_size", 0},
      {"pad_token_id", -3}, {"id2label", {{"0", "a"}, {"2", "b"}}}, {"id2label", {"a"}}, {"num_hidden_layers", 0.5},
      {"problem_type", "multi_label_classification"}, {"problem_type", "regression"}};
  for (const auto& [key, value] : bad) {
    nlohmann::json json = to_hf_config(small("bert", "classification"));
    json[key] = value;
    EXPECT_THROW(from_hf_config(json, "config.json"), Error) << key;
  }
}

}  // namespace
}  // namespace athanor
