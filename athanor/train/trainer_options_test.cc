// Options of the loop beyond the plain run: averages, early ends, growing batches, other optimisers and schedules.
#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/train/parameter_groups.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;
using Json = nlohmann::json;

std::vector<Json> events_of(const std::string& log, const std::string& type) {
  std::vector<Json> events;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    Json event = Json::parse(line);
    if (event["type"] == type) {
      events.push_back(std::move(event));
    }
  }
  return events;
}

// Everything that has a state of its own at once: a stop in the middle must not show.
TEST(TrainerOptions, StoppedAndResumedIsTheSameToTheBit) {
  for (const char* name : {"muon", "lion"}) {
    TrainOptions options = tiny_options(12);
    options.optimizer.name = name;
    options.optimizer.lr = 1e-3;
    options.optimizer.state = std::string(name) == "lion" ? "bf16" : "fp32";
    options.schedule.name = "plateau";
    options.schedule.patience = 0;
    options.schedule.threshold = 0.5;  // hardly ever met: the rate falls
    options.eval_every = 2;
    options.ema_decay = 0.9;
    options.grad_noise = 1e-4;
    options.label_smoothing = 0.1;
    options.batch_start = 1;
    options.batch_warmup_steps = 6;
    options.control = Json::parse(
        R"([{"metric": "loss", "above": 0, "for": 8, "batch": 2}, {"metric": "grad_norm", "above": 0, "for": 3, "lr": 0.9}])");
    Bench whole;
    const auto model = make_model(tiny_config(), 1);
    whole.go(*model, options);
    EXPECT_FALSE(events_of(whole.log, "decision").empty());
    Bench parts;
    for (const int64_t stop : {3, 7}) {
      TrainOptions until = options;
      until.stop_at = stop;
      parts.go(*make_model(tiny_config(), 1), until);
    }
    const auto after = make_model(tiny_config(), 1);
    const TrainResult result = parts.go(*after, options);
    EXPECT_EQ(result.num_units, (1 + 1 + 2 + 2 + 3 + 3 + 2 * 4 + 4 * 8) * 16u);
    EXPECT_TRUE(same_weights(*model, *after)) << name;
    EXPECT_EQ(parts.log, whole.log) << name;
  }
}

// The others follow PyTorch number by number (optimizer_parity_test.cc).
TEST(TrainerOptions, Fp16StaysNearFp32AndResumesToTheBit) {
  TrainOptions options = tiny_options(30);
  options.eval_every = 0;
  Bench plain;
  const TrainResult exact = plain.go(*make_model(tiny_config(), 1), options);
  options.precision = "fp16";
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  const TrainResult half = whole.go(*model, options);
  EXPECT_NEAR(half.loss, exact.loss, 0.05);
  EXPECT_LT(half.loss, 3.0);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 11;
  parts.go(*make_model(tiny_config(), 1), until);
  const Json saved = find_resume_point(parts.state)->trainer;
  EXPECT_EQ(saved["loss_scale"]["scale"].get<double>() > 1, true) << saved["loss_scale"].dump();
  const auto after = make_model(tiny_config(), 1);
  parts.go(*after, options);
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);
}

TEST(TrainerOptions, MuonAndLionLearn) {
  for (const auto& [name, lr] : std::initializer_list<std::pair<const char*, double>>{
           {"muon", 1e-2}, {"lion", 2e-3}}) {
    TrainOptions options = tiny_options(120);
    options.optimizer.name = name;
    options.optimizer.lr = lr;
    options.eval_every = 0;
    Bench bench;
    const TrainResult result = bench.go(*make_model(tiny_config(), 1), options);
    EXPECT_LT(*result.best_metric, 2.0) << name;  // ln 32 = 3.47 at the start
  }
}

TEST(TrainerOptions, EndsEarlyAndKeepsTheBest) {
  TrainOptions options = tiny_options(60);
  options.optimizer.lr = 3e-2;
  options.eval_every = 3;
  options.patience = 2;
  options.min_delta = 0.4;  // progress stops counting soon
  options.final_weights = "best";
  options.checkpoint_every_steps = 0;
  Bench bench;
  const auto model = make_model(tiny_config(), 1);
  const TrainResult result = bench.go(*model, options);
  EXPECT_EQ(result.status, TrainStatus::kDone);
  EXPECT_TRUE(result.stopped_early);
  EXPECT_LT(result.step, 60);
  const std::vector<Json> decisions = events_of(bench.log, "decision");
  ASSERT_EQ(decisions.size(), 1u);
  EXPECT_EQ(decisions[0]["what"], "end of training");
  // A rerun finds the end where it was, with the same weights.
  const auto again = make_model(tiny_config(), 1);
  EXPECT_TRUE(bench.go(*again, options).stopped_early);
  EXPECT_TRUE(same_weights(*model, *again));
}

TEST(TrainerOptions, TheBestWeightsAreThoseOfTheBestValidation) {
  TrainOptions options = tiny_options(30);
  options.optimizer.lr = 1e-2;
  options.eval_every = 5;
  options.keep_last = 1;
  Bench first;
  const auto last = make_model(tiny_config(), 1);
  first.go(*last, options);
  // The same run, but its end is ruined by a learning rate that rises: the best stands before.
  options.final_weights = "best";
  options.schedule = {.name = "step", .warmup_steps = 0, .min_lr_fraction = 0};
  options.optimizer.lr = 0.05;
  options.grad_clip = 0;
  options.on_spike = "ignore";
  Bench second;
  const auto best = make_model(tiny_config(), 1);
  const TrainResult result = second.go(*best, options);
  if (result.best_step < result.step) {
    const auto point = find_checkpoint(second.state, result.best_step);
    ASSERT_TRUE(point);
    EXPECT_EQ(point->step, result.best_step);
    const auto stored = make_model(tiny_config(), 2);
    NamedTensors tensors;
    for (const auto& parameter : stored->named_parameters()) {
      tensors.emplace_back(parameter.name, parameter.tensor);
    }
    load_tensors(point->path / "model.safetensors", tensors);
    EXPECT_TRUE(same_weights(*stored, *best));
  }
}

// What is told of the validation is of the weights that are saved; and a damaged best checkpoint is made anew.
TEST(TrainerOptions, ADamagedBestCheckpointCostsTimeOnly) {
  TrainOptions options = tiny_options(12);
  options.optimizer.lr = 0.5;
  options.grad_clip = 0;
  options.on_spike = "ignore";
  options.schedule = {.name = "constant", .warmup_steps = 12};
  options.eval_every = 2;
  options.checkpoint_every_steps = 1;
  options.keep_last = 20;
  options.final_weights = "best";
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  const TrainResult result = whole.go(*model, options);
  ASSERT_LT(result.best_step, 11) << "the case wants a best before the end";
  EXPECT_EQ(result.last_eval->at("loss").get<double>(), *result.best_metric);
  Bench parts;
  options.stop_at = 11;
  parts.go(*make_model(tiny_config(), 1), options);
  fs::resize_file(find_checkpoint(parts.state, result.best_step)->path / "model.safetensors", 100);
  options.stop_at = 0;
  const auto again = make_model(tiny_config(), 1);
  const TrainResult after = parts.go(*again, options);
  EXPECT_EQ(after.resumed_from, result.best_step - 1);
  EXPECT_EQ(after.best_step, result.best_step);
  EXPECT_TRUE(same_weights(*model, *again));
  EXPECT_FALSE(after.warnings.empty());
}

TEST(TrainerOptions, SamplesOfAGrowingBatch) {
  TrainOptions options;
  options.steps = 6;
  options.batch_size = 8;
  EXPECT_EQ(planned_samples(options), 48u);
  options.batch_start = 2;
  options.batch_warmup_steps = 3;
  EXPECT_EQ(planned_samples(options), 2u + 4 + 6 + 24);
  options.batch_warmup_steps = 100;
  uint64_t samples = 0;
  for (int64_t step = 0; step < options.steps; ++step) {
    samples += static_cast<uint64_t>(planned_batch(options, step));
  }
  EXPECT_EQ(planned_samples(options), samples);
}

TEST(TrainerOptions, StochasticDepthLearnsAndIsOffInEvaluation) {
  ModelConfig config = tiny_config();
  config.stochastic_depth = 0.5;
  TrainOptions options = tiny_options(100);
  options.eval_every = 0;
  Bench bench;
  const auto model = make_model(config, 1);
  EXPECT_LT(*bench.go(*model, options).best_metric, 2.0);
}

TEST(TrainerOptions, RefusesWhatMakesNoSense) {
  for (const auto& change : std::vector<std::function<void(TrainOptions&)>>{
           [](TrainOptions& o) { o.optimizer.name = "adamx"; }, [](TrainOptions& o) { o.optimizer.state = "fp8"; },
           [](TrainOptions& o) { o.optimizer.momentum = 1; }, [](TrainOptions& o) { o.label_smoothing = 1; },
           [](TrainOptions& o) { o.optimizer.groups = Json::parse(R"([{"lr": 1}])"); },
           [](TrainOptions& o) { o.optimizer.groups = Json::parse(R"([{"match": "*", "rate": 1}])"); },
           [](TrainOptions& o) { o.optimizer.groups = Json::parse(R"([{"match": "*norm*"}])"); },
           [](TrainOptions& o) { o.optimizer.weight_decay = -0.5; },
           [](TrainOptions& o) { o.optimizer.name = "sgd", o.optimizer.momentum = -0.5; },
           [](TrainOptions& o) { o.batch_start = 2; },
           [](TrainOptions& o) { o.batch_start = 9, o.batch_warmup_steps = 3; }, [](TrainOptions& o) { o.schedule.name = "saw"; },
           [](TrainOptions& o) { o.schedule.gamma = 0.5; }, [](TrainOptions& o) { o.schedule.decay_fraction = 0.1; },
           [](TrainOptions& o) { o.schedule.patience = 1; }, [](TrainOptions& o) { o.min_delta = 0.1; },
           [](TrainOptions& o) { o.final_weights = "first"; }, [](TrainOptions& o) { o.ema_decay = 1; }}) {
    TrainOptions options = tiny_options(5);
    change(options);
    EXPECT_THROW(check_options(options), Error);
  }
}

TEST(TrainerOptions, GroupsLeaveSomethingToLearn) {
  const std::vector<std::string> names{"a.weight", "a.bias"};
  const auto check = [&](const char* groups) { check_groups(parse_groups(Json::parse(groups)), names); };
  EXPECT_THROW(check(R"([{"match": "*", "lr": 0}])"), Error);
  EXPECT_THROW(check(R"([{"match": "*.bias", "lr": 0}, {"match": "a.*", "lr": 0}])"), Error);
  EXPECT_NO_THROW(check(R"([{"match": "*.bias", "lr": 1}, {"match": "*", "lr": 0}])"));
  EXPECT_NO_THROW(check(R"([{"match": "*.bias", "weight_decay": 0}])"));
}

TEST(TrainerOptions, RefusesWhatTheOptimiserDoesNotRead) {
  const auto refusal = [](const char* name, const std::function<void(OptimizerOptions&)>& change) -> std::string {
    TrainOptions options = tiny_options(5);
    options.optimizer.name = name;
    change(options.optimizer);
    try {
      check_options(options);
      return "";
    } catch (const Error& error) {
      return error.what();
    }
  };
  EXPECT_NE(refusal("adamw", [](auto& o) { o.nesterov = true; }).find("adamw does not read nesterov"), std::string::npos);
  EXPECT_NE(refusal("adamw", [](auto& o) { o.momentum = 0; }), "");
  EXPECT_NE(refusal("muon", [](auto& o) { o.smoothing = 0.9; }), "");
  EXPECT_NE(refusal("sgd", [](auto& o) { o.beta1 = 0.8; }), "");
  EXPECT_NE(refusal("rmsprop", [](auto& o) { o.beta2 = 0.99; }), "");
  EXPECT_NE(refusal("lion", [](auto& o) { o.eps = 1e-8; }), "");
  EXPECT_EQ(refusal("sgd", [](auto& o) { o.nesterov = true; }), "");
  EXPECT_EQ(refusal("rmsprop", [](auto& o) { o.momentum = 0.9; }), "");
  EXPECT_EQ(refusal("muon", [](auto& o) { o.beta1 = 0.8; }), "");
}

TEST(TrainerOptions, WhatNeedsAValidationSetIsRefusedWithoutOne) {
  TrainOptions options;
  EXPECT_NO_THROW(require_validation(options));
  options.patience = 2;
  EXPECT_THROW(require_validation(options), Error);
  options = {};
  options.final_weights = "best";
  EXPECT_THROW(require_validation(options), Error);
  options = {};
  options.schedule.name = "plateau";
  EXPECT_THROW(require_validation(options), Error);
  options = {};
  options.control = nlohmann::json::parse(R"([{"metric": "gap", "above": 1, "stop": true}])");
  EXPECT_THROW(require_validation(options), Error);
  options.control = nlohmann::json::parse(R"([{"metric": "loss", "above": 1, "stop": true}])");
  EXPECT_NO_THROW(require_validation(options));
  options = {};
  options.batch_warmup_steps = 10;
  EXPECT_THROW(check_options(options), Error) << "from where?";
}

// Weights so large that no loss is a number: every update is left out, and the run can still be stopped and taken up.
TEST(TrainerOptions, ALossThatIsNoNumberDoesNotSpoilTheCheckpoint) {
  TrainOptions options = tiny_options(12);
  options.precision = "fp16";
  options.on_spike = "skip";
  options.patience = 50;
  options.schedule.name = "plateau";
  options.control = nlohmann::json::parse(R"([{"metric": "loss_mean", "below": 1, "lr": 0.5}])");
  ModelConfig config = tiny_config();
  config.init_std = 60;
  Bench bench;
  TrainOptions until = options;
  until.stop_at = 4;
  EXPECT_EQ(bench.go(*make_model(config, 1), until).status, TrainStatus::kPaused);
  until.stop_at = 8;
  const TrainResult result = bench.go(*make_model(config, 1), until);
  EXPECT_EQ(result.resumed_from, 4);
  EXPECT_EQ(result.num_skipped, 8) << "those of the first process are counted";
  EXPECT_THROW(bench.go(*make_model(config, 1), options), Error) << "nothing was learnt";
}

}  // namespace
}  // namespace athanor
