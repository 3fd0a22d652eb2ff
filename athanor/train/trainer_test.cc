#include "athanor/train/trainer.h"

#include <ATen/ops/equal.h>
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;
using Json = nlohmann::json;

std::string optimizer_bytes(const fs::path& state) {
  return read_file(find_resume_point(state)->path / "optimizer.safetensors");
}

std::vector<double> losses_in(const std::string& log) {
  std::vector<double> losses;
  std::istringstream lines(log);
  for (std::string line; std::getline(lines, line);) {
    const Json event = Json::parse(line);
    if (event["type"] == "step") {
      losses.push_back(event["loss"].get<double>());
    }
  }
  return losses;
}

TEST(Trainer, LossFallsOnAPatternThatCanBeLearnt) {
  Bench bench;
  TrainOptions options = tiny_options(150);
  options.eval_every = 50;
  options.eval_batches = 0;
  options.mfu = true;
  const auto model = make_model(tiny_config(), 1);
  const TrainResult result = bench.go(*model, options);
  const std::vector<double> losses = losses_in(bench.log);
  ASSERT_EQ(losses.size(), 150u);
  EXPECT_NEAR(losses.front(), std::log(32), 0.3);
  EXPECT_LT(losses.back(), 1.0);
  EXPECT_EQ(result.status, TrainStatus::kDone);
  EXPECT_EQ(result.step, 150);
  EXPECT_EQ(result.num_units, 150u * 4 * 16);
  EXPECT_LT(*result.best_metric, 1.0);
  EXPECT_GT(result.mfu, 0);
  EXPECT_GT(result.peak_bytes, 0u);
}

TEST(Trainer, StoppedAnywhereAndResumedIsTheSameToTheBit) {
  for (const std::string precision : {"fp32", "bf16"}) {
    TrainOptions options = tiny_options(14);
    options.precision = precision;
    options.micro_batch = 3;
    options.spike_zscore_grad = 8;
    Bench whole;
    const auto model = make_model(tiny_config(0.1), 1);
    whole.go(*model, options);
    for (const std::vector<int64_t>& stops : {std::vector<int64_t>{1}, {4}, {5}, {7, 8}, {2, 5, 13}}) {
      Bench parts;
      for (const int64_t stop : stops) {
        TrainOptions until = options;
        until.stop_at = stop;
        const auto before = make_model(tiny_config(0.1), 1);
        const TrainResult result = parts.go(*before, until);
        EXPECT_EQ(result.status, TrainStatus::kPaused);
        EXPECT_EQ(result.step, stop);
      }
      const auto after = make_model(tiny_config(0.1), 1);
      const TrainResult result = parts.go(*after, options);
      EXPECT_EQ(result.resumed_from, stops.back());
      EXPECT_EQ(result.status, TrainStatus::kDone);
      EXPECT_TRUE(same_weights(*model, *after)) << precision << " stopped at " << stops.back();
      EXPECT_EQ(parts.log, whole.log) << precision << " stopped at " << stops.back();
      EXPECT_EQ(optimizer_bytes(parts.state), optimizer_bytes(whole.state));
    }
  }
}

TEST(Trainer, ResumesToTheBitOnTwoThreads) {
  TrainOptions options = tiny_options(6);
  options.threads = 2;
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  whole.go(*model, options);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 3;
  parts.go(*make_model(tiny_config(), 1), until);
  const auto after = make_model(tiny_config(), 1);
  parts.go(*after, options);
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);
}

// An exception out of the loop stands for a kill: whatever was done since the last checkpoint is lost.
TEST(Trainer, LosingStepsAndDoingThemAgainIsTheSameToTheBit) {
  const TrainOptions options = tiny_options(14);
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  whole.go(*model, options);
  for (const int64_t killed : {3, 9, 10, 13}) {
    Bench parts;
    parts.on_event = [&](const Json& event) {
      if (event["step"] == killed && event["type"] == "step") {
        throw std::runtime_error("killed");
      }
    };
    const auto before = make_model(tiny_config(), 1);
    EXPECT_THROW(parts.go(*before, options), std::runtime_error);
    parts.on_event = nullptr;
    const auto after = make_model(tiny_config(), 1);
    const TrainResult result = parts.go(*after, options);
    EXPECT_LT(result.resumed_from, killed);
    EXPECT_TRUE(same_weights(*model, *after)) << killed;
    EXPECT_EQ(parts.log, whole.log) << killed;
  }
}

TEST(Trainer, ADamagedCheckpointCostsTimeOnly) {
  TrainOptions options = tiny_options(14);
  options.keep_last = 3;
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  whole.go(*model, options);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 12;
  const auto before = make_model(tiny_config(), 1);
  parts.go(*before, until);
  fs::resize_file(parts.state / "checkpoint-00000012" / "optimizer.safetensors", 1000);
  const auto after = make_model(tiny_config(), 1);
  const TrainResult result = parts.go(*after, options);
  EXPECT_EQ(result.resumed_from, 10);
  ASSERT_EQ(result.warnings.size(), 1u);
  EXPECT_NE(result.warnings[0].find("checkpoint-00000012"), std::string::npos);
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);
}

TEST(Trainer, AFinishedRunReturnsAtOnce) {
  Bench bench;
  const TrainOptions options = tiny_options(6);
  const auto model = make_model(tiny_config(), 1);
  const TrainResult first = bench.go(*model, options);
  const std::string log = bench.log;
  const auto again = make_model(tiny_config(), 1);
  const TrainResult second = bench.go(*again, options);
  EXPECT_EQ(second.status, TrainStatus::kDone);
  EXPECT_EQ(second.resumed_from, 6);
  EXPECT_EQ(second.last_eval, first.last_eval);
  EXPECT_EQ(bench.log, log);
  EXPECT_TRUE(same_weights(*model, *again));
}

TEST(Trainer, AStopRequestSavesAndPauses) {
  Bench bench;
  int asked = 0;
  bench.stop_requested = [&] { return ++asked == 3; };
  const auto model = make_model(tiny_config(), 1);
  const TrainResult result = bench.go(*model, tiny_options(100));
  EXPECT_EQ(result.status, TrainStatus::kPaused);
  EXPECT_EQ(result.step, 3);
  EXPECT_EQ(find_resume_point(bench.state)->step, 3);
}

// Bound: relative 1e-5 in the first loss and gradient norm (rounding only), 1e-3 after five updates.
TEST(Trainer, TheLossDoesNotDependOnHowABatchIsCutUp) {
  std::vector<std::vector<Json>> runs;
  for (const int64_t micro_batch : {0, 1, 2, 3, 4}) {
    Bench bench;
    std::vector<Json> steps;
    bench.on_event = [&](const Json& event) {
      if (event["type"] == "step") {
        steps.push_back(event);
      }
    };
    TrainOptions options = tiny_options(6);
    options.micro_batch = micro_batch;
    const auto model = make_model(tiny_config(), 1);
    bench.go(*model, options);
    runs.push_back(steps);
  }
  double worst = 0;
  for (const auto& run : runs) {
    for (size_t i = 0; i < run.size(); ++i) {
      const double loss = runs[0][i]["loss"].get<double>();
      worst = std::max(worst, std::abs(run[i]["loss"].get<double>() - loss) / loss);
      const double bound = i == 0 ? 1e-5 : 1e-3;
      for (const char* key : {"loss", "grad_norm"}) {
        const double expected = runs[0][i][key].get<double>();
        EXPECT_NEAR(run[i][key].get<double>(), expected, bound * expected) << key << " at step " << i;
      }
    }
  }
  RecordProperty("worst_relative_difference", std::to_string(worst * 1e6) + " ppm");
}

// An embedding row of NaN: every batch that holds this token has a NaN loss.
void poison(LanguageModel& model, int64_t token) {
  const NoGrad no_grad;
  for (const NamedParameter& parameter : model.named_parameters()) {
    if (parameter.name.find("embed_tokens") != std::string::npos) {
      parameter.tensor.detach()[token].fill_(NAN);
    }
  }
}

TEST(Trainer, NanStopsAndNamesStepAndDocuments) {
  Bench bench;
  const auto documents = counting_documents(30, 25, 30, 1);  // ids 0 to 28
  auto poisoned = documents;
  poisoned[17][12] = 30;  // the one document with token 30
  bench.train_tokens = make_token_set(bench.folder.path() / "poisoned", poisoned, 32);
  const auto model = make_model(tiny_config(), 1);
  poison(*model, 30);
  TrainOptions options = tiny_options(50);
  options.eval_every = 0;
  try {
    bench.go(*model, options);
    FAIL() << "NaN was not noticed";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("not finite"), std::string::npos);
    EXPECT_NE(error.message().find(document_id(17)), std::string::npos) << error.message();
    EXPECT_EQ(error.where().substr(0, 5), "step ");
  }
  EXPECT_NE(bench.log.find("\"action\":\"stop\""), std::string::npos);

  Bench skipping;
  skipping.train_tokens = make_token_set(skipping.folder.path() / "poisoned", poisoned, 32);
  skipping.valid_tokens = make_token_set(skipping.folder.path() / "clean", documents, 32);
  const auto other = make_model(tiny_config(), 1);
  poison(*other, 30);
  options.on_spike = "skip";
  const TrainResult result = skipping.go(*other, options);
  EXPECT_EQ(result.status, TrainStatus::kDone);
  EXPECT_GE(result.num_skipped, 1);
  EXPECT_NE(skipping.log.find("\"action\":\"skip\""), std::string::npos);
  EXPECT_TRUE(std::isfinite(result.last_eval->at("loss").get<double>()));
}

TEST(Trainer, SkippingForEverStops) {
  Bench bench;
  const auto model = make_model(tiny_config(), 1);
  for (int64_t token = 0; token < 32; ++token) {
    poison(*model, token);
  }
  TrainOptions options = tiny_options(100);
  options.on_spike = "skip";
  EXPECT_THROW(bench.go(*model, options), Error);
}

TEST(Trainer, RefusesACheckpointOfAnotherRun) {
  Bench bench;
  TrainOptions options = tiny_options(8);
  options.stop_at = 2;
  const auto model = make_model(tiny_config(), 1);
  bench.go(*model, options);
  options.seed = 99;
  const auto again = make_model(tiny_config(), 1);
  try {
    bench.go(*again, options);
    FAIL() << "another seed was accepted";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.message().find("options/seed"), std::string::npos) << error.message();
  }
}

TEST(Trainer, RefusesOptionsOutOfRange) {
  Bench bench;
  const auto model = make_model(tiny_config(), 1);
  for (const auto& change : std::vector<std::function<void(TrainOptions&)>>{
           [](TrainOptions& o) { o.batch_size = 0; }, [](TrainOptions& o) { o.precision = "fp8"; },
           [](TrainOptions& o) { o.on_spike = "pray"; }, [](TrainOptions& o) { o.optimizer.lr = -1; },
           [](TrainOptions& o) { o.keep_last = 0; }, [](TrainOptions& o) { o.sampling = "all"; },
           [](TrainOptions& o) { o.optimizer.beta2 = 1; }}) {
    TrainOptions options = tiny_options(2);
    change(options);
    EXPECT_THROW(bench.go(*model, options), Error);
  }
}

}  // namespace
}  // namespace athanor
