// Batch norm on several processes: the score is that of the weights and statistics that are saved, and a run that was stopped
// has the same.
#include "athanor/train/module_buffers.h"

#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <cstdlib>

#include "athanor/tensor/testing_ranks.h"
#include "athanor/train/objectives/testing_nets.h"
#include "athanor/train/testing.h"
#include "athanor/train/trainer.h"

namespace athanor {
namespace {

TrainOptions options_of(int64_t stop_at) {
  TrainOptions options;
  options.steps = 6;
  options.stop_at = stop_at;
  options.batch_size = 7;  // the ranks' shares differ
  options.optimizer.lr = 2e-2;
  options.schedule.warmup_steps = 0;
  options.eval_every = 2;
  options.eval_batches = 0;
  options.mfu = false;
  return options;
}

std::vector<double> scores_of(const fs::path& state, int64_t stop_at, ProcessGroup& group, double* alone = nullptr) {
  const NetConfig config = testing_train::config_for("resnet");
  const LabelledExamples set = testing_train::examples_for(config.shape);
  const auto net = make_net(config, 1);
  const TrainOptions options = options_of(stop_at);
  ClassificationObjective objective(*net, set, &set, options, {});
  std::vector<double> scores;
  TrainHooks hooks;
  hooks.emit = [&](const nlohmann::json& event) {
    if (event["type"] == "eval") {
      scores.push_back(event["loss"].get<double>());
    }
  };
  train(objective, options, state, hooks, &group);
  if (alone != nullptr) {
    *alone = objective.evaluate()->at("loss").get<double>();
  }
  return scores;
}

TEST(ModuleBuffers, AreTheSameOnAllRanks) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    for (const int world : {2, 4}) {
      const testing_train::TemporaryFolder folder;
      testing_ranks::expect_all_pass(world, {"ATHANOR_TEST_FOLDER=" + folder.path().string()});
    }
    return;
  }
  at::set_num_threads(1);
  const fs::path folder = std::getenv("ATHANOR_TEST_FOLDER");
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  double alone = 0;
  const std::vector<double> whole = scores_of(folder / "whole", 0, group, &alone);
  ASSERT_EQ(whole.size(), 3U);
  if (group.rank() == 0) {
    EXPECT_EQ(alone, whole.back()) << "the score of the weights that are saved";
  }
  std::vector<double> parts = scores_of(folder / "parts", 3, group);
  const std::vector<double> rest = scores_of(folder / "parts", 0, group);
  parts.insert(parts.end(), rest.begin(), rest.end());
  EXPECT_EQ(parts, whole);
  group.sum({1}, "the end");  // rank 0 holds the store: it goes last
}

}  // namespace
}  // namespace athanor
