// BERT and RoBERTa with each head against transformers: padded rows, two texts a row.
#include <gtest/gtest.h>

#include <ATen/ops/add.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/masked_select.h>

#include <cstdlib>

#include "athanor/model/encoder.h"
#include "athanor/model/testing_parity.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

EncoderBatch batch_of(const Expected& expected) {
  return {expected.get("input_ids"), expected.get("token_type_ids"), expected.get("lengths"), {}};
}

// [B, T]: true where a token is real.
at::Tensor real_tokens(const Expected& expected) {
  const at::Tensor lengths = expected.get("lengths");
  return at::arange(expected.get("input_ids").size(1)).unsqueeze(0).lt(lengths.unsqueeze(1));
}

at::Tensor class_loss(const at::Tensor& logits, const at::Tensor& labels) {
  return at::cross_entropy_loss(logits, labels);
}

// The loss that make_model_fixtures.py took.
at::Tensor loss_of(EncoderModel& model, const Expected& expected) {
  const EncoderOutput out = model.encode(batch_of(expected), 0);
  const std::string head = model.config().head;
  if (head == "none") {
    const at::Tensor mask = real_tokens(expected).unsqueeze(-1);
    const at::Tensor hidden = out.hidden_BTC.masked_select(mask);
    return at::add(hidden.mul(hidden).mean(), out.pooled_BC.mul(out.pooled_BC).mean());
  }
  if (head == "mlm" || head == "pretraining") {
    const at::Tensor target = expected.get("labels");
    const at::Tensor loss =
        model.masked_loss_sum(out.hidden_BTC, target).div(static_cast<double>(target.ge(0).sum().item<int64_t>()));
    return head == "mlm" ? loss : loss.add(class_loss(model.pair_logits(out), expected.get("pair_labels")));
  }
  return class_loss(head == "nsp" ? model.pair_logits(out) : model.class_logits(out, 0), expected.get("class_labels"));
}

void compare_outputs(EncoderModel& model, const Expected& expected, double tolerance) {
  NoGrad no_grad;
  const EncoderOutput out = model.encode(batch_of(expected), 0);
  const at::Tensor mask = real_tokens(expected).unsqueeze(-1);
  if (expected.has("hidden")) {
    EXPECT_LE(max_difference(out.hidden_BTC.masked_select(mask), expected.get("hidden").masked_select(mask)), tolerance);
    EXPECT_LE(max_difference(out.pooled_BC, expected.get("pooled")), tolerance);
  }
  if (expected.has("labels")) {
    EXPECT_LE(max_difference(model.token_logits(out.hidden_BTC).masked_select(mask),
                             expected.get("logits").masked_select(mask)),
              tolerance);
  }
  if (expected.has("pair_logits")) {
    EXPECT_LE(max_difference(model.pair_logits(out), expected.get("pair_logits")), tolerance);
  }
  if (expected.has("class_labels")) {
    const bool pairs = model.config().head == "nsp";
    EXPECT_LE(max_difference(pairs ? model.pair_logits(out) : model.class_logits(out, 0), expected.get("logits")),
              tolerance);
  }
}

class EncoderParity : public testing::TestWithParam<const char*> {};

TEST_P(EncoderParity, OutputsLossAndGradientsAreThoseOfTransformers) {
  const Expected expected(GetParam());
  auto model = load_encoder(parity_fixtures() / GetParam());
  compare_outputs(*model, expected, kParityTolerance);
  const at::Tensor loss = loss_of(*model, expected);
  EXPECT_NEAR(loss.item<double>(), expected.get("loss").item<double>(), 1e-5);
  backward(loss);
  double worst = 0;
  for (const NamedParameter& parameter : model->named_parameters()) {
    const at::Tensor gradient = parameter.tensor.grad();
    if (!expected.has("grad." + parameter.name)) {
      EXPECT_TRUE(!gradient.defined() || gradient.abs().max().item<double>() == 0) << parameter.name;
      continue;
    }
    ASSERT_TRUE(gradient.defined()) << parameter.name;
    const double difference = max_difference(gradient, expected.get("grad." + parameter.name));
    EXPECT_LE(difference, kParityTolerance) << parameter.name;
    worst = std::max(worst, difference);
  }
  std::printf("  %s: max difference of gradients %.2g\n", GetParam(), worst);
}

TEST_P(EncoderParity, Bf16StaysNearFp32) {
  const Expected expected(GetParam());
  auto model = load_encoder(parity_fixtures() / GetParam());
  backward(loss_of(*model, expected));
  std::vector<at::Tensor> exact;
  for (const NamedParameter& p : model->named_parameters()) {
    exact.push_back(p.tensor.grad().defined() ? p.tensor.grad().clone() : at::Tensor());
    p.tensor.mutable_grad() = at::Tensor();
  }
  model->set_precision(Precision::kBf16);
  model->begin_step();
  const at::Tensor loss = loss_of(*model, expected);
  EXPECT_NEAR(loss.item<double>(), expected.get("loss").item<double>(), 0.03);
  backward(loss);
  double difference = 0;
  double norm = 0;
  const auto parameters = model->named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (exact[i].defined()) {
      ASSERT_EQ(parameters[i].tensor.grad().scalar_type(), at::kFloat);
      difference += parameters[i].tensor.grad().sub(exact[i]).square().sum().item<double>();
      norm += exact[i].square().sum().item<double>();
    }
  }
  EXPECT_LT(std::sqrt(difference / norm), 0.05);
  std::printf("  %s: bf16 loss off by %.2g, gradient by %.2g of its norm\n", GetParam(),
              loss.item<double>() - expected.get("loss").item<double>(), std::sqrt(difference / norm));
}

// Writes what check_with_transformers.py opens, where ATHANOR_SAVE_DIR says; always reads it back itself.
TEST_P(EncoderParity, SavesWhatTransformersOpens) {
  const Expected expected(GetParam());
  auto model = load_encoder(parity_fixtures() / GetParam());
  const char* keep = std::getenv("ATHANOR_SAVE_DIR");
  const fs::path folder = fs::path(keep != nullptr ? keep : testing::TempDir()) / GetParam();
  save_encoder(*model, folder);
  auto again = load_encoder(folder);
  compare_outputs(*again, expected, kParityTolerance);
  EXPECT_EQ(to_hf_config(again->config()), to_hf_config(model->config()));
  expect_same_tensors(parity_fixtures() / GetParam() / "model.safetensors", folder / "model.safetensors");
  if (keep == nullptr) {
    fs::remove_all(folder);
    return;
  }
  NoGrad no_grad;
  const EncoderOutput out = again->encode(batch_of(expected), 0);
  const std::string head = again->config().head;
  const at::Tensor value = head == "none"                            ? out.pooled_BC
                           : head == "mlm" || head == "pretraining" ? again->token_logits(out.hidden_BTC)
                           : head == "nsp"                           ? again->pair_logits(out)
                                                                     : again->class_logits(out, 0);
  write_tensors(folder / "check.safetensors",
                {{"input_ids", expected.get("input_ids")}, {"token_type_ids", expected.get("token_type_ids")},
                 {"lengths", expected.get("lengths")}, {"logits", value}},
                {});
}

INSTANTIATE_TEST_SUITE_P(Transformers, EncoderParity,
                         testing::Values("bert", "bert_mlm", "bert_pretraining", "bert_nsp", "bert_classification",
                                         "roberta", "roberta_mlm", "roberta_classification"));

}  // namespace
}  // namespace athanor
