// Several processes that train with a GPU each, against one (tensor/device/gpu_group_test.cc has the collectives alone).
#include <ATen/Parallel.h>
#include <ATen/ops/ones.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "athanor/data/containers/safetensors.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/device/testing_gpu.h"
#include "athanor/tensor/testing_ranks.h"
#include "athanor/train/parallel.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;

// Relative, of losses of steps and validations: sums over ranks are taken in another order than one process takes them in, and
// products of 16 bits round by the pieces that a batch is cut into.
constexpr double kBound = 1e-5;
constexpr double kBf16Bound = 1e-2;

fs::path shared_folder() { return std::getenv("ATHANOR_TEST_FOLDER"); }

struct Course {
  std::vector<double> losses;
  TrainResult result;
  NamedTensors weights;
};

TrainOptions options_of(const std::string& optimizer, const std::string& precision, bool shard) {
  TrainOptions options = tiny_options(5);
  options.optimizer.name = optimizer;
  options.precision = precision;
  options.shard_optimizer = shard;
  options.device = "cuda";
  options.ema_decay = 0.5;
  return options;
}

// What one process of a launch does; without a group, a process alone.
Course learn(const TrainOptions& options, const fs::path& state, ProcessGroup* group,
             const std::function<void(const nlohmann::json&)>& see = {}) {
  Bench bench;
  const auto model = make_model(tiny_config(), static_cast<uint64_t>(group == nullptr ? 1 : 1 + group->rank()));  // rank 0's counts
  CausalObjective objective(*model, {{"train", &bench.train_tokens}}, &bench.valid_tokens, options);
  Course course;
  TrainHooks hooks;
  hooks.emit = [&](const nlohmann::json& event) {
    if (event["type"] == "step" || event["type"] == "eval") {
      course.losses.push_back(event["loss"].get<double>());
    }
    if (see) {
      see(event);
    }
  };
  course.result = train(objective, options, state, hooks, group);
  for (const NamedParameter& parameter : model->named_parameters()) {
    course.weights.emplace_back(parameter.name, parameter.tensor.detach().clone());
  }
  return course;
}

void expect_near(const std::vector<double>& got, const std::vector<double>& wanted, double bound) {
  ASSERT_EQ(got.size(), wanted.size());
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_NEAR(got[i], wanted[i], bound * wanted[i]) << i;
  }
}

// Name, type and shape of every tensor in the newest checkpoint's files.
std::vector<std::string> form_of(const fs::path& state) {
  std::vector<std::string> lines;
  for (const char* name : {"model.safetensors", "optimizer.safetensors"}) {
    const SafetensorsFile file = SafetensorsFile::open(find_resume_point(state)->path / name);
    for (const auto& view : file.tensors()) {
      lines.push_back(view.name + " " + view.dtype + " " + nlohmann::json(view.shape).dump());
    }
  }
  std::sort(lines.begin(), lines.end());
  return lines;
}

void compare_with_one(ProcessGroup& group, const TrainOptions& options) {
  SCOPED_TRACE(options.optimizer.name + " " + options.precision + (options.shard_optimizer ? " sharded" : ""));
  const fs::path folder = shared_folder() / (std::to_string(group.world()) + options.optimizer.name + options.precision +
                                             (options.shard_optimizer ? "1" : "0"));
  const Course several = learn(options, folder / "several", &group);
  EXPECT_EQ(several.result.status, TrainStatus::kDone);
  if (group.rank() == 0) {
    const Course one = learn(options, folder / "one", nullptr);
    const bool exact = options.precision == "fp32" && options.optimizer.state == "fp32";
    expect_near(several.losses, one.losses, exact ? kBound : kBf16Bound);
    EXPECT_EQ(form_of(folder / "several"), form_of(folder / "one"));
    for (const auto& [name, tensor] : several.weights) {
      EXPECT_TRUE(tensor.is_cpu()) << name;
    }
  }
  group.store().meet("compared");
  group.sum({1}, "the end");  // rank 0 holds the store: it goes last
}

void run_ranks_in(const TemporaryFolder& folder, int world, std::vector<std::string> settings = {}) {
  settings.push_back("ATHANOR_TEST_FOLDER=" + folder.path().string());
  testing_ranks::expect_all_pass(world, settings);
}

class ParallelDevice : public ::testing::Test {
 protected:
  void TearDown() override { set_gpu_unit(nullptr); }
};

TEST_F(ParallelDevice, TwoGpusLearnAsOne) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    return run_ranks_in(TemporaryFolder(), 2);
  }
  use_own_gpu(*launch);
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  compare_with_one(group, options_of("adamw", "fp32", true));
  compare_with_one(group, options_of("adamw", "bf16", false));
  TrainOptions muon = options_of("muon", "fp32", true);
  muon.optimizer.state = "bf16";
  compare_with_one(group, muon);
}

TEST_F(ParallelDevice, FourGpusLearnAsOne) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    return run_ranks_in(TemporaryFolder(), 4);
  }
  use_own_gpu(*launch);
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  TrainOptions options = options_of("adamw", "fp32", true);
  options.batch_size = 6;  // shares of one row and of two
  options.micro_batch = 1;
  options.watch_every = 3;
  compare_with_one(group, options);
}

// Five steps at once; three and two on the same ranks, bit for bit; three of four ranks, which two end and one ends.
TEST_F(ParallelDevice, ResumesOnTheSameAndOnOtherNumbersOfGpus) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    const TemporaryFolder folder;
    run_ranks_in(folder, 4);
    fs::copy(folder.path() / "moved", folder.path() / "moved alone", fs::copy_options::recursive);
    run_ranks_in(folder, 2);
    use_any_gpu();
    const TrainOptions options = options_of("adamw", "fp32", true);
    const Course one = learn(options, folder.path() / "one", nullptr);
    const Course rest = learn(options, folder.path() / "moved alone", nullptr);
    EXPECT_EQ(rest.result.resumed_from, 3);
    expect_near(rest.losses, {one.losses.end() - static_cast<int64_t>(rest.losses.size()), one.losses.end()}, kBound);
    return;
  }
  use_own_gpu(*launch);
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  const TrainOptions options = options_of("adamw", "fp32", true);
  TrainOptions until = options;
  until.stop_at = 3;
  const Course whole = learn(options, shared_folder() / ("whole" + std::to_string(group.world())), &group);
  if (group.world() == 4) {
    learn(until, shared_folder() / "parts", &group);
    learn(until, shared_folder() / "moved", &group);
    const Course rest = learn(options, shared_folder() / "parts", &group);
    group.sum({1}, "the end");
    EXPECT_EQ(rest.result.resumed_from, 3);
    for (size_t i = 0; group.rank() == 0 && i < whole.weights.size(); ++i) {
      EXPECT_TRUE(rest.weights[i].second.equal(whole.weights[i].second)) << whole.weights[i].first;
    }
    return;
  }
  const Course rest = learn(options, shared_folder() / "moved", &group);
  group.sum({1}, "the end");
  EXPECT_EQ(rest.result.resumed_from, 3);
  expect_near(rest.losses, {whole.losses.end() - static_cast<int64_t>(rest.losses.size()), whole.losses.end()}, kBound);
}

TEST_F(ParallelDevice, ARankThatDiesIsNamed) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    const TemporaryFolder folder;
    const auto results = testing_ranks::run_ranks(2, {"ATHANOR_TEST_FOLDER=" + folder.path().string()});
    EXPECT_EQ(results[0].exit_code, 0) << results[0].out << results[0].err;
    EXPECT_NE(results[0].out.find("NAMED rank 1 has died or hangs, last seen at step 2"), std::string::npos)
        << results[0].out << results[0].err;
    return;
  }
  use_own_gpu(*launch);
  at::set_num_threads(1);
  RankStore store(*launch, 2);
  ProcessGroup group(store);
  try {
    learn(options_of("adamw", "fp32", true), shared_folder(), &group, [&](const nlohmann::json& event) {
      if (group.rank() == 1 && event["type"] == "step" && event["step"] == 2) {
        ::_exit(9);
      }
    });
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    std::printf("NAMED %s\n", error.message().c_str());
  }
}

// Rank 0's backward has begun sums on the device that rank 1 never joins.
TEST_F(ParallelDevice, ARankThatDiesInBackwardIsNamed) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    const auto results = testing_ranks::run_ranks(2);
    EXPECT_EQ(results[0].exit_code, 0) << results[0].out << results[0].err;
    EXPECT_NE(results[0].out.find("NAMED rank 1 has died or hangs"), std::string::npos) << results[0].out << results[0].err;
    EXPECT_NE(results[0].out.find("waits in step 1, 'gradients 2 of 2'"), std::string::npos) << results[0].out;
    return;
  }
  const at::Device gpu = use_own_gpu(*launch);
  RankStore store(*launch, 2);
  ProcessGroup group(store);
  const at::Tensor first = at::ones({1000}).to(gpu).requires_grad_(true);
  const at::Tensor second = at::ones({1000}).to(gpu).requires_grad_(true);
  Parallel parallel(&group, {{"first", first, true}, {"second", second, true}}, {true, {}, 4000});
  parallel.begin_step(1);
  parallel.begin_backward(true);
  if (launch->rank == 1) {
    ::_exit(9);
  }
  backward(first.mul(second).sum());
  try {
    parallel.finish_backward({1});
    ADD_FAILURE() << "no error";
  } catch (const Error& error) {
    std::printf("NAMED %s\n", error.message().c_str());
  }
}

// Where not every rank has a GPU, auto takes the host on all.
TEST_F(ParallelDevice, AutoIsTheSameOnAllRanks) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    return run_ranks_in(TemporaryFolder(), 2);
  }
  set_local_rank(0, 1);  // each on a machine of its own, of which the second has no GPU
  use_fake_gpu(launch->rank == 0 ? 1 : 0);
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  TrainOptions options = options_of("adamw", "fp32", true);
  options.device = "auto";
  const Course course = learn(options, shared_folder(), &group);
  group.sum({1}, "the end");
  EXPECT_EQ(course.result.status, TrainStatus::kDone);
  EXPECT_FALSE(course.result.memory_by_use.contains("gpu_peak"));
}

}  // namespace
}  // namespace athanor
