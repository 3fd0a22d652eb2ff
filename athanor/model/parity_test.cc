// Against transformers: fixtures of tests/parity/make_model_fixtures.py.
#include <gtest/gtest.h>

#include <ATen/core/Tensor.h>

#include <cstdlib>

#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/weights.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model";
constexpr double kTolerance = 1e-4;

struct Expected {
  explicit Expected(const std::string& name)
      : path(kFixtures / name / "expected.safetensors"), file(SafetensorsFile::open(path)) {}
  at::Tensor get(const std::string& tensor) const { return as_tensor(*file.find(tensor), path.string()).clone(); }
  Batch batch() const { return {get("input_ids"), get("labels"), {}}; }

  fs::path path;
  SafetensorsFile file;
};

double max_difference(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

class Parity : public testing::TestWithParam<const char*> {};

TEST_P(Parity, LogitsLossAndGradientsAreThoseOfTransformers) {
  const Expected expected(GetParam());
  auto model = load_model(kFixtures / GetParam());
  const Batch batch = expected.batch();
  const double logits = max_difference(model->logits(model->hidden(batch, 0)), expected.get("logits"));
  EXPECT_LE(logits, kTolerance);

  const double count = static_cast<double>(batch.targets_BT.numel());
  const at::Tensor loss = model->loss_sum(batch, 0).div(count);
  EXPECT_NEAR(loss.item<double>(), expected.get("loss").item<double>(), 1e-5);
  EXPECT_NEAR(model->token_losses(batch).mean().item<double>(), expected.get("loss").item<double>(), 1e-5);
  backward(loss);
  double gradient = 0;
  for (const NamedParameter& parameter : model->named_parameters()) {
    at::Tensor want = expected.get("grad." + parameter.name);
    if (std::string(GetParam()) == "gpt2" && want.dim() == 2 && !ends_with(parameter.name, "te.weight") &&
        !ends_with(parameter.name, "pe.weight")) {
      want = want.t();
    }
    const double difference = max_difference(parameter.tensor.grad(), want);
    EXPECT_LE(difference, kTolerance) << parameter.name;
    gradient = std::max(gradient, difference);
  }
  RecordProperty("max_logit_difference", std::to_string(logits));
  std::printf("  %s: max difference of logits %.2g, of gradients %.2g\n", GetParam(), logits, gradient);
}

TEST_P(Parity, Bf16StaysNearFp32) {
  const Expected expected(GetParam());
  auto model = load_model(kFixtures / GetParam());
  const Batch batch = expected.batch();
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

// Writes what check_with_transformers.py opens, where ATHANOR_SAVE_DIR says; always reads it back itself.
TEST_P(Parity, SavesWhatTransformersOpens) {
  const Expected expected(GetParam());
  auto model = load_model(kFixtures / GetParam());
  const char* keep = std::getenv("ATHANOR_SAVE_DIR");
  const fs::path folder = fs::path(keep != nullptr ? keep : testing::TempDir()) / GetParam();
  save_model(*model, folder);
  auto again = load_model(folder);
  NoGrad no_grad;
  const at::Tensor logits = again->logits(again->hidden(expected.batch(), 0));
  EXPECT_LE(max_difference(logits, expected.get("logits")), kTolerance);
  const auto before = model->named_parameters();
  const auto after = again->named_parameters();
  for (size_t i = 0; i < before.size(); ++i) {
    EXPECT_EQ(max_difference(before[i].tensor, after[i].tensor), 0) << before[i].name;
  }
  // The same tensors under the same names in the same shapes as transformers wrote.
  const auto theirs = SafetensorsFile::open(kFixtures / GetParam() / "model.safetensors");
  const auto ours = SafetensorsFile::open(folder / "model.safetensors");
  EXPECT_EQ(theirs.tensors().size(), ours.tensors().size());
  for (const TensorView& view : theirs.tensors()) {
    ASSERT_NE(ours.find(view.name), nullptr) << view.name;
    EXPECT_EQ(ours.find(view.name)->shape, view.shape) << view.name;
  }
  if (keep != nullptr) {
    write_tensors(folder / "check.safetensors", {{"input_ids", expected.get("input_ids")}, {"logits", logits}}, {});
  } else {
    fs::remove_all(folder);
  }
}

INSTANTIATE_TEST_SUITE_P(Transformers, Parity, testing::Values("llama_untied", "llama_tied", "gpt2"));

}  // namespace
}  // namespace athanor
