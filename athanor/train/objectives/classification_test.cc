#include "athanor/train/objectives/classification.h"

#include <gtest/gtest.h>

#include <ATen/ops/equal.h>

#include <limits>
#include <set>
#include <unistd.h>

#include "athanor/base/error.h"
#include "athanor/eval/testing_shares.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/objectives/testing_nets.h"
#include "athanor/train/trainer.h"

namespace athanor {
namespace {

constexpr int kExamples = 90;

NetConfig text_config(const std::string& task = "classification", const std::string& family = "gru") {
  NetConfig config;
  config.options.family = family;
  config.options.width = 8;
  config.options.embedding = 6;
  config.options.dropout = 0.2;
  config.options = with_family_defaults(config.options);
  config.task = task;
  config.labels = {"even", "odd"};
  config.inputs = {{"options", {{"max_length", 16}}}};
  config.shape.kind = InputKind::kText;
  config.shape.vocab_size = 12;
  return config;
}

// Texts of even numbers and of odd ones, of lengths 1 to 9.
LabelledExamples texts() {
  LabelledExamples set;
  for (int i = 0; i < kExamples; ++i) {
    for (int t = 0; t < 1 + i % 9; ++t) {
      set.examples.ids.push_back((2 * (i * 5 + t * 3) + i % 2) % 12);
    }
    set.examples.offsets.push_back(set.examples.ids.size());
    ++set.examples.count;
    set.labels.push_back(i % 2);
    set.targets.push_back(i % 2 == 0 ? -1.0F : 1.0F);
    set.documents.push_back("d" + std::to_string(i));
  }
  return set;
}

TrainOptions options_of(int64_t steps) {
  TrainOptions options;
  options.steps = steps;
  options.batch_size = 10;
  options.seed = 4;
  options.optimizer.lr = 2e-2;
  options.schedule.warmup_steps = 0;
  options.eval_every = 5;
  options.eval_batches = 0;
  options.checkpoint_every_steps = 0;
  options.mfu = false;
  options.threads = 1;
  return options;
}

fs::path scratch(const std::string& name) {
  const fs::path folder = fs::temp_directory_path() / ("athanor-" + name + std::to_string(::getpid()));
  fs::remove_all(folder);
  return folder;
}

TEST(ExampleOrder, EachEpochVisitsEveryExampleOnce) {
  std::vector<int64_t> lengths;
  for (int i = 0; i < 2500; ++i) {
    lengths.push_back(1 + i % 50);
  }
  for (const bool with_lengths : {false, true}) {
    ExampleOrder order(2500, with_lengths ? lengths : std::vector<int64_t>{}, 9);
    std::vector<uint64_t> first;
    for (int epoch = 0; epoch < 2; ++epoch) {
      std::set<uint64_t> seen;
      for (uint64_t i = 0; i < 2500; ++i) {
        const uint64_t example = order.at(static_cast<uint64_t>(epoch) * 2500 + i);
        seen.insert(example);
        first.push_back(example);
      }
      EXPECT_EQ(seen.size(), 2500);
      EXPECT_EQ(*seen.rbegin(), 2499);
    }
    EXPECT_NE(std::vector<uint64_t>(first.begin(), first.begin() + 2500), std::vector<uint64_t>(first.begin() + 2500, first.end()));
    // Any place may be asked for first: nothing but (seed, sample) counts.
    for (const uint64_t sample : {4999u, 0u, 2600u, 1023u, 1024u}) {
      ExampleOrder fresh(2500, with_lengths ? lengths : std::vector<int64_t>{}, 9);
      EXPECT_EQ(fresh.at(sample), first[sample]);
    }
  }
}

TEST(ExampleOrder, NeighboursHaveAboutTheSameLength) {
  std::vector<int64_t> lengths;
  for (int i = 0; i < 4096; ++i) {
    lengths.push_back(1 + (i * 7919) % 100);
  }
  ExampleOrder order(4096, lengths, 1);
  double padded = 0;
  double used = 0;
  for (uint64_t batch = 0; batch < 4096; batch += 32) {
    int64_t longest = 0;
    for (uint64_t i = batch; i < batch + 32; ++i) {
      longest = std::max(longest, lengths[order.at(i)]);
      used += static_cast<double>(lengths[order.at(i)]);
    }
    padded += 32.0 * static_cast<double>(longest);
  }
  EXPECT_LT(padded / used, 1.5);  // in any order: 1.95
}

TEST(Classification, LearnsAndScores) {
  const LabelledExamples set = texts();
  const auto net = make_net(text_config(), 1);
  const TrainOptions options = options_of(40);
  ClassificationObjective objective(*net, set, &set, options, {});
  const fs::path state = scratch("learns");
  const TrainResult result = train(objective, options, state, {});
  ASSERT_TRUE(result.last_eval);
  EXPECT_EQ(result.last_eval->at("accuracy"), 1.0);
  EXPECT_EQ(result.last_eval->at("macro_f1"), 1.0);
  EXPECT_EQ(result.last_eval->at("num_samples"), kExamples);
  EXPECT_EQ(*objective.evaluate(),
            evaluate_as_ranks<nlohmann::json>(3, [&](const EvalShare& share) { return *objective.evaluate(share); }));
  fs::remove_all(state);
}

TEST(Classification, RegressionScoresInTheTargetsUnits) {
  const LabelledExamples set = texts();
  NetConfig config = text_config("regression");
  config.target_mean = 100;
  config.target_deviation = 10;
  const auto net = make_net(config, 1);
  const TrainOptions options = options_of(60);
  ClassificationObjective objective(*net, set, &set, options, {});
  const fs::path state = scratch("regression");
  train(objective, options, state, {});
  const auto score = score_net(*net, set, 16);
  EXPECT_LT(score.at("rmse").get<double>(), 3);
  EXPECT_NEAR(predict_net(*net, set.examples, 16)[0][0], 90, 6);
  fs::remove_all(state);
}

TEST(Classification, AShiftLeavesSomethingOfTheImage) {
  const NetConfig config = testing_train::config_for("cnn");  // of 10 pixels
  const LabelledExamples examples = testing_train::examples_for(config.shape);
  const auto net = make_net(config, 1);
  const TrainOptions options;
  ClassificationSettings settings;
  settings.crop = 9;
  ClassificationObjective most(*net, examples, nullptr, options, settings);
  net->set_training(true);
  EXPECT_EQ(most.load(0, 64), 64);
  EXPECT_TRUE(std::isfinite(most.loss_sum(0, 64, 0).item<double>()));
  settings.crop = 10;
  try {
    ClassificationObjective objective(*net, examples, nullptr, options, settings);
    FAIL() << "an image shifted out of itself";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "crop");
  }
}

TEST(Classification, TheLossDoesNotDependOnHowABatchIsCut) {
  const LabelledExamples set = texts();
  const TrainOptions options = options_of(1);
  const auto net = make_net(text_config(), 1);
  ClassificationSettings settings;
  settings.class_weights = {0.5, 2};
  ClassificationObjective objective(*net, set, nullptr, options, settings);
  EXPECT_EQ(objective.load(7, 12), 12);
  const double whole = objective.loss_sum(0, 12, 1).item<double>();
  double pieces = 0;
  for (int64_t begin = 0; begin < 12; begin += 5) {
    pieces += objective.loss_sum(begin, std::min<int64_t>(5, 12 - begin), 1).item<double>();
  }
  EXPECT_NEAR(pieces, whole, 1e-5 * whole);
  EXPECT_FALSE(objective.evaluate());
  EXPECT_EQ(objective.documents_of(0, 40).size(), 33);
}

// The second of two batches has targets that are no numbers.
TEST(Classification, ASkippedBatchLeavesNoTraceInRunningStatistics) {
  NetConfig config = testing_train::config_for("resnet");
  config.task = "regression";
  config.labels.clear();
  LabelledExamples set = testing_train::examples_for(config.shape);
  TrainOptions options = options_of(2);
  options.schedule.name = "constant";
  options.on_spike = "skip";
  options.eval_every = 0;
  set.targets.assign(static_cast<size_t>(set.examples.count), 0.5F);
  ExampleOrder order(set.examples.count, {}, options.seed);
  for (uint64_t sample = 10; sample < 20; ++sample) {
    set.targets[order.at(sample)] = std::numeric_limits<float>::quiet_NaN();
  }
  const auto trained = [&](int64_t stop_at) {
    auto net = make_net(config, 3);
    TrainOptions until = options;
    until.stop_at = stop_at;
    ClassificationObjective objective(*net, set, nullptr, until, {});
    const fs::path folder = scratch("skipped");
    const TrainResult result = train(objective, until, folder, {});
    EXPECT_EQ(result.num_skipped, stop_at - 1);
    fs::remove_all(folder);
    return net;
  };
  const auto one = trained(1);
  const auto two = trained(2);
  for (size_t i = 0; i < one->named_buffers().size(); ++i) {
    EXPECT_TRUE(at::equal(one->named_buffers()[i].second, two->named_buffers()[i].second)) << one->named_buffers()[i].first;
  }
  EXPECT_FALSE(one->named_buffers().empty());
}

class Resume : public testing::TestWithParam<std::pair<const char*, const char*>> {};
INSTANTIATE_TEST_SUITE_P(Classification, Resume,
                         testing::Values(std::pair("gru", "fp32"), std::pair("lstm", "bf16"), std::pair("bert", "bf16"),
                                         std::pair("textcnn", "fp16"), std::pair("roberta", "fp32")));

TEST_P(Resume, FiveAndFiveStepsAreTen) {
  const LabelledExamples set = texts();
  std::vector<at::Tensor> whole;
  for (const bool cut : {false, true}) {
    TrainOptions options = options_of(10);
    options.micro_batch = 5;
    options.precision = GetParam().second;
    const fs::path state = scratch("resume");
    std::vector<at::Tensor> found;
    for (const int64_t stop : cut ? std::vector<int64_t>{5, 0} : std::vector<int64_t>{0}) {
      options.stop_at = stop;
      const auto net = make_net(text_config("classification", GetParam().first), 1);
      ClassificationObjective objective(*net, set, &set, options, {});
      const TrainResult result = train(objective, options, state, {});
      EXPECT_EQ(result.step, stop > 0 ? 5 : 10);
      found.clear();
      for (const NamedParameter& parameter : net->named_parameters()) {
        found.push_back(parameter.tensor.detach().clone());
      }
    }
    for (size_t i = 0; i < whole.size(); ++i) {
      EXPECT_TRUE(at::equal(whole[i], found[i])) << i;
    }
    whole = found;
    fs::remove_all(state);
  }
}

}  // namespace
}  // namespace athanor
