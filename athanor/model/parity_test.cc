// Against transformers: fixtures of tests/parity/make_model_fixtures.py.
#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include <cstdlib>

#include "athanor/model/language_model.h"
#include "athanor/model/testing_parity.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

Batch batch_of(const Expected& expected) { return {expected.get("input_ids"), expected.get("labels"), {}}; }

class Parity : public testing::TestWithParam<const char*> {};

TEST_P(Parity, LogitsLossAndGradientsAreThoseOfTransformers) {
  const Expected expected(GetParam());
  auto model = load_model(parity_fixtures() / GetParam());
  const Batch batch = batch_of(expected);
  const double logits = max_difference(model->logits(model->hidden(batch, 0)), expected.get("logits"));
  EXPECT_LE(logits, kParityTolerance);

  const double count = static_cast<double>(batch.targets_BT.numel());
  const at::Tensor loss = model->loss_sum(batch, 0).div(count);
  EXPECT_NEAR(loss.item<double>(), expected.get("loss").item<double>(), 1e-5);
  EXPECT_NEAR(model->token_losses(batch).mean().item<double>(), expected.get("loss").item<double>(), 1e-5);
  backward(loss);
  double gradient = 0;
  for (const NamedParameter& parameter : model->named_parameters()) {
    at::Tensor want = expected.get("grad." + parameter.name);
    if (std::string(GetParam()) == "gpt2" && want.dim() == 2 && !parameter.name.ends_with("te.weight") &&
        !parameter.name.ends_with("pe.weight")) {
      want = want.t();
    }
    const double difference = max_difference(parameter.tensor.grad(), want);
    EXPECT_LE(difference, kParityTolerance) << parameter.name;
    gradient = std::max(gradient, difference);
  }
  RecordProperty("max_logit_difference", std::to_string(logits));
  std::printf("  %s: max difference of logits %.2g, of gradients %.2g\n", GetParam(), logits, gradient);
}

TEST_P(Parity, Bf16StaysNearFp32) {
  const Expected expected(GetParam());
  auto model = load_model(parity_fixtures() / GetParam());
  const Batch batch = batch_of(expected);
  backward(model->loss_sum(batch, 0));
  std::vector<at::Tensor> exact;
  for (const NamedParameter& p : model->named_parameters()) {
    exact.push_back(p.tensor.grad().clone());
    p.tensor.mutable_grad() = at::Tensor();
  }
  model->set_precision(Precision::kBf16);
  model->begin_step();
  const at::Tensor loss = model->loss_sum(batch, 0);
  EXPECT_NEAR(loss.item<double>() / 64, expected.get("loss").item<double>(), 0.02);
  backward(loss);
  double worst = 0;
  const auto parameters = model->named_parameters();
  for (size_t i = 0; i < parameters.size(); ++i) {
    ASSERT_EQ(parameters[i].tensor.grad().scalar_type(), at::kFloat);
    const double error = parameters[i].tensor.grad().sub(exact[i]).norm().item<double>() / exact[i].norm().item<double>();
    EXPECT_LT(error, 0.05) << parameters[i].name;
    worst = std::max(worst, error);
  }
  std::printf("  %s: bf16 loss off by %.2g, worst relative gradient error %.2g\n", GetParam(),
              loss.item<double>() / 64 - expected.get("loss").item<double>(), worst);
}

// Steps of several sizes over the cache against the whole row at once: rows of 32 over gemma3's windows of 9.
TEST_P(Parity, CachedDecodingIsTheWholeRow) {
  const Expected expected(GetParam());
  auto model = load_model(parity_fixtures() / GetParam());
  const at::Tensor ids = expected.get("input_ids");
  const at::Tensor want = expected.get("logits");
  for (const Precision precision : {Precision::kFp32, Precision::kBf16}) {
    model->set_precision(precision);
    model->begin_step();
    KvCache cache = model->make_cache(2, 40);
    for (const auto& [first, count] : {std::pair(0, 5), std::pair(5, 14), std::pair(19, 1), std::pair(20, 1),
                                       std::pair(21, 10), std::pair(31, 1)}) {
      const at::Tensor logits = model->decode_step(ids.narrow(1, first, count).contiguous(), cache);
      const at::Tensor row = want.select(1, first + count - 1);
      const double bound = precision == Precision::kFp32 ? kParityTolerance : 0.1 * row.abs().max().item<double>();
      EXPECT_LE(max_difference(logits, row), bound) << first;
    }
    cache.truncate(20);  // what a chat does when the answer is edited
    const at::Tensor again = model->decode_step(ids.narrow(1, 20, 12).contiguous(), cache);
    if (precision == Precision::kFp32) {
      EXPECT_LE(max_difference(again, want.select(1, 31)), kParityTolerance);
    }
  }
}

// Writes what check_with_transformers.py opens, where ATHANOR_SAVE_DIR says; always reads it back itself.
TEST_P(Parity, SavesWhatTransformersOpens) {
  const Expected expected(GetParam());
  auto model = load_model(parity_fixtures() / GetParam());
  const char* keep = std::getenv("ATHANOR_SAVE_DIR");
  const fs::path folder = fs::path(keep != nullptr ? keep : testing::TempDir()) / GetParam();
  save_model(*model, folder);
  auto again = load_model(folder);
  NoGrad no_grad;
  const at::Tensor logits = again->logits(again->hidden(batch_of(expected), 0));
  EXPECT_LE(max_difference(logits, expected.get("logits")), kParityTolerance);
  const auto before = model->named_parameters();
  const auto after = again->named_parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(max_difference(before[i].tensor, after[i].tensor), 0) << before[i].name;
  }
  expect_same_tensors(parity_fixtures() / GetParam() / "model.safetensors", folder / "model.safetensors");
  if (keep != nullptr) {
    write_tensors(folder / "check.safetensors", {{"input_ids", expected.get("input_ids")}, {"logits", logits}}, {});
  } else {
    fs::remove_all(folder);
  }
}

INSTANTIATE_TEST_SUITE_P(Transformers, Parity, testing::Values("llama_untied", "llama_tied", "llama3_rope", "qwen2", "qwen3", "qwen3_tied",
                                         "gemma3", "gpt2", "llama_linear", "llama_yarn",
                                         "llama_yarn_set", "qwen3_window"));

}  // namespace
}  // namespace athanor
