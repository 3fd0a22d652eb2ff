// What a run tells about itself, and what it does about a spike and about memory that runs out.
#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cmath>
#include <algorithm>
#include <fstream>
#include <map>
#include <set>

#include "athanor/base/error.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;
using Json = nlohmann::json;

constexpr int64_t kBadToken = 30;

// Bytes of address space that this process uses.
uint64_t address_space() {
  uint64_t pages = 0;
  std::ifstream("/proc/self/statm") >> pages;
  return pages * static_cast<uint64_t>(sysconf(_SC_PAGESIZE));
}

// Documents of which one holds a token whose embedding is NaN.
struct PoisonedBench : Bench {
  PoisonedBench() {
    auto documents = counting_documents(30, 25, 30, 1);  // ids 0 to 28
    valid_tokens = make_token_set(folder.path() / "clean", documents, 32);
    documents[17][12] = kBadToken;
    train_tokens = make_token_set(folder.path() / "poisoned", documents, 32);
  }
  static std::unique_ptr<LanguageModel> model() {
    auto model = make_model(tiny_config(), 1);
    const NoGrad no_grad;
    for (const NamedParameter& parameter : model->named_parameters()) {
      if (parameter.name.find("embed_tokens") != std::string::npos) {
        parameter.tensor.detach()[kBadToken].fill_(NAN);
      }
    }
    return model;
  }
};

TrainOptions rollback_options() {
  TrainOptions options = tiny_options(40);
  options.on_spike = "rollback";
  options.rollback_every = 2;
  options.checkpoint_every_steps = 0;
  options.eval_every = 0;
  return options;
}

TEST(TrainerWatch, ARollbackLeavesTheBadSamplesOut) {
  PoisonedBench bench;
  const auto model = PoisonedBench::model();
  std::vector<Json> spikes;
  bench.on_event = [&](const Json& event) {
    if (event["type"] == "spike") {
      spikes.push_back(event);
    }
  };
  const TrainResult result = bench.go(*model, rollback_options());
  EXPECT_EQ(result.step, 40);
  EXPECT_EQ(result.num_rollbacks, static_cast<int64_t>(spikes.size()));
  ASSERT_GE(spikes.size(), 1u);
  EXPECT_EQ(spikes[0]["action"], "rollback");
  EXPECT_EQ(spikes[0]["to_step"].get<int64_t>() % 2, 0);
  EXPECT_LT(spikes[0]["to_step"].get<int64_t>(), spikes[0]["step"].get<int64_t>());
  EXPECT_GT(result.num_units, 40u * 4 * 16);  // those that were left out count as seen
  EXPECT_TRUE(std::isfinite(result.loss));
}

TEST(TrainerWatch, ARollbackIsTheSameAfterAResume) {
  PoisonedBench whole;
  const auto model = PoisonedBench::model();
  whole.go(*model, rollback_options());
  PoisonedBench parts;
  for (const int64_t stop : {4, 9, 11, 24, 31}) {
    TrainOptions until = rollback_options();
    until.stop_at = stop;
    parts.go(*PoisonedBench::model(), until);
  }
  const auto after = PoisonedBench::model();
  parts.go(*after, rollback_options());
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);
}

TEST(TrainerWatch, ARollbackDoesNotAskWhenCheckpointsWereMade) {
  const TrainOptions rare = rollback_options();
  PoisonedBench few;
  const auto model = PoisonedBench::model();
  few.go(*model, rare);
  for (const int64_t every : {1, 3}) {
    TrainOptions often = rare;
    often.checkpoint_every_steps = every;
    often.keep_last = 1;
    PoisonedBench many;
    const auto other = PoisonedBench::model();
    many.go(*other, often);
    EXPECT_TRUE(same_weights(*model, *other)) << every;
  }
}

// The rate is so high that validation is worse each time: the best one is of a step that is taken back.
TEST(TrainerWatch, ARollbackLeavesItsValidationsBehind) {
  PoisonedBench bench;
  TrainOptions options = rollback_options();
  options.rollback_every = 3;
  options.eval_every = 4;
  options.final_weights = "best";
  options.optimizer.lr = 10;
  options.steps = 5;
  std::map<int64_t, double> scores;
  size_t taken_back = 0;
  bench.on_event = [&](const Json& event) {
    if (event["type"] == "eval") {
      scores[event["step"]] = event["loss"];
    } else if (event["type"] == "spike") {
      taken_back += std::erase_if(scores, [&](const auto& score) { return score.first > event["to_step"].get<int64_t>(); });
    }
  };
  const TrainResult result = bench.go(*PoisonedBench::model(), options);
  ASSERT_GT(taken_back, 0U);
  const auto best = std::min_element(scores.begin(), scores.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  EXPECT_EQ(result.best_step, best->first);
  EXPECT_EQ(*result.best_metric, best->second);
}

TEST(TrainerWatch, WithoutACheckpointThereIsNoWayBack) {
  PoisonedBench bench;
  TrainOptions options = rollback_options();
  options.rollback_every = 1000;
  options.checkpoint_every_steps = 2;
  try {
    bench.go(*PoisonedBench::model(), options);
    FAIL() << "nothing to go back to";
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("no step yet to go back to"), std::string::npos) << error.message();
  }
}

TEST(TrainerWatch, LooksAtEveryParameter) {
  Bench bench;
  TrainOptions options = tiny_options(6);
  options.watch_every = 3;
  std::vector<Json> looks;
  bench.on_event = [&](const Json& event) {
    if (event["type"] == "watch") {
      looks.push_back(event);
    }
  };
  const auto model = make_model(tiny_config(), 1);
  const auto plain = make_model(tiny_config(), 1);
  bench.go(*model, options);
  ASSERT_EQ(looks.size(), 2u);
  EXPECT_EQ(looks[1]["step"], 6);
  ASSERT_EQ(looks[0]["activations"].size(), 2u);  // of two layers
  EXPECT_GT(looks[0]["activations"]["layers.1"]["rms"].get<double>(), 0);
  EXPECT_EQ(looks[0]["parameters"].size(), model->named_parameters().size());
  for (const auto& [name, seen] : looks[0]["parameters"].items()) {
    EXPECT_GT(seen["weight"].get<double>(), 0) << name;
    EXPECT_GT(seen["gradient"].get<double>(), 0) << name;
    EXPECT_GT(seen["ratio"].get<double>(), 1e-6) << name;
    EXPECT_LT(seen["ratio"].get<double>(), 1) << name;
  }
  Bench other;
  options.watch_every = 0;
  other.go(*plain, options);
  EXPECT_TRUE(same_weights(*model, *plain)) << "looking changes nothing";
}

TEST(TrainerWatch, TheBreakdownAddsUp) {
  Bench bench;
  const auto model = make_model(tiny_config(), 1);
  int64_t steps = 0;
  bench.on_event = [&](const Json& event) {
    if (event["type"] == "step") {
      ++steps;
      double sum = 0;
      for (const auto& [part, seconds] : event["breakdown"].items()) {
        EXPECT_GE(seconds.get<double>(), 0) << part;
        sum += seconds.get<double>();
      }
      EXPECT_NEAR(sum, event["seconds"].get<double>(), 1e-3 + 0.02 * sum);
    }
  };
  const TrainResult result = bench.go(*model, tiny_options(8));
  EXPECT_EQ(steps, 8);
  EXPECT_GT(result.breakdown["forward"].get<double>(), 0);
  EXPECT_GT(result.memory_by_use["optimizer"].get<uint64_t>(), result.memory_by_use["parameters"].get<uint64_t>());
}

TEST(TrainerWatch, RecordsATrace) {
  Bench bench;
  TrainOptions options = tiny_options(8);
  options.profile_steps = 2;
  TrainHooks hooks = bench.hooks();
  hooks.trace_path = bench.folder.path() / "trace.json";
  const auto model = make_model(tiny_config(), 1);
  CausalObjective objective(*model, {{"train", &bench.train_tokens}}, nullptr, options);
  train(objective, options, bench.state, hooks);
  const Json trace = Json::parse(read_file(hooks.trace_path));
  int forwards = 0;
  int products = 0;
  std::set<std::string> kernels;  // our own
  for (const Json& event : trace["traceEvents"]) {
    const std::string name = event.value("name", "");
    forwards += name == "forward" ? 1 : 0;
    if (name.starts_with("athanor::")) {
      kernels.insert(name.substr(9));
    }
    products += name.find("linear") != std::string::npos || name.find("mm") != std::string::npos ? 1 : 0;
  }
  EXPECT_EQ(forwards, 2);
  EXPECT_GT(products, 4);
  for (const char* kernel : {"attention_forward", "attention_backward", "activation_forward", "activation_backward",
                             "norm_forward", "norm_backward", "rope", "linear", "linear_grad_weight",
                             "embedding_backward", "cross_entropy_chunk"}) {
    EXPECT_TRUE(kernels.count(kernel) == 1) << kernel;
  }
}

TEST(TrainerWatch, MemoryThatRunsOutKeepsTheState) {
  Bench big;
  TrainOptions options = tiny_options(8);
  options.batch_size = 200000;
  options.micro_batch = 100000;
  const auto model = make_model(tiny_config(), 1);
  rlimit before{};
  getrlimit(RLIMIT_AS, &before);
  const rlimit tight{address_space() + (uint64_t{600} << 20), before.rlim_max};
  setrlimit(RLIMIT_AS, &tight);
  try {
    big.go(*model, options);
    setrlimit(RLIMIT_AS, &before);
    FAIL() << "600 MiB were enough";
  } catch (const Error& error) {
    setrlimit(RLIMIT_AS, &before);
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_EQ(error.where(), "step 1");
    EXPECT_NE(error.hint().find("micro_batch=50000"), std::string::npos) << error.hint();
  }
  EXPECT_TRUE(find_resume_point(big.state).has_value());
}

}  // namespace
}  // namespace athanor
