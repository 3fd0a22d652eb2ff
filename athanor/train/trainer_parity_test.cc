// Our loop against a PyTorch loop: the same weights, data and options give the same losses.
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/train/objectives/causal.h"
#include "athanor/train/testing.h"
#include "athanor/train/trainer.h"

namespace athanor {
namespace {

// The fixture is a PyTorch loop over the same weights and data: tests/parity/make_train_fixtures.py.
TEST(TrainerParity, TenLossesAreThoseOfAPyTorchLoop) {
  const fs::path fixture = fs::path(ATHANOR_SOURCE_DIR) / "tests" / "fixtures" / "train" / "parity";
  const nlohmann::json expected = nlohmann::json::parse(read_file(fixture / "expected.json"));
  const nlohmann::json& given = expected["options"];
  const testing_train::TemporaryFolder folder;
  const TokenSet tokens = testing_train::make_token_set(
      folder.path() / "parity", expected["documents"].get<std::vector<std::vector<int32_t>>>(), 32);
  const auto model = load_model(fixture);
  TrainOptions options;
  options.steps = given["steps"];
  options.batch_size = given["batch_size"];
  options.sequence_length = given["sequence_length"];
  options.seed = given["seed"];
  options.optimizer.lr = given["lr"];
  options.optimizer.beta1 = given["beta1"];
  options.optimizer.beta2 = given["beta2"];
  options.optimizer.eps = given["eps"];
  options.optimizer.weight_decay = given["weight_decay"];
  options.schedule.warmup_steps = given["warmup_steps"];
  options.schedule.min_lr_fraction = given["min_lr_fraction"];
  options.grad_clip = given["grad_clip"];
  options.mfu = false;
  options.threads = 1;
  std::vector<nlohmann::json> steps;
  TrainHooks hooks;
  hooks.emit = [&](const nlohmann::json& event) {
    if (event["type"] == "step") {
      steps.push_back(event);
    }
  };
  CausalObjective objective(*model, {{"train", &tokens}}, nullptr, options);
  train(objective, options, folder.path() / "state", hooks);
  ASSERT_EQ(steps.size(), expected["steps"].size());
  double worst = 0;
  for (size_t i = 0; i < steps.size(); ++i) {
    const nlohmann::json& wanted = expected["steps"][i];
    worst = std::max(worst, std::abs(steps[i]["loss"].get<double>() - wanted["loss"].get<double>()));
    EXPECT_NEAR(steps[i]["loss"].get<double>(), wanted["loss"].get<double>(), 1e-4) << i;
    EXPECT_NEAR(steps[i]["grad_norm"].get<double>(), wanted["grad_norm"].get<double>(), 1e-3) << i;
    EXPECT_NEAR(steps[i]["lr"].get<double>(), wanted["lr"].get<double>(), 1e-15) << i;
  }
  RecordProperty("worst_loss_difference", std::to_string(worst * 1e6) + " millionths");
}

}  // namespace
}  // namespace athanor
