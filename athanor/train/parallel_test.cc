#include "athanor/train/parallel.h"

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>

#include "athanor/base/rng.h"
#include "athanor/data/containers/safetensors.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/testing_ranks.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/testing.h"

namespace athanor {
namespace {

constexpr int64_t kRows = 8;
constexpr int64_t kWidth = 96;

at::Tensor normal(at::IntArrayRef shape, uint64_t seed, double scale) {
  at::Tensor tensor = at::zeros(shape);
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(scale * rng.normal());
  }
  return tensor;
}

// Parameters that span several chunks of the optimiser, small ones, one that only the first row uses and one that none does.
class Toy : public Module {
 public:
  Toy() {
    in_ = register_parameter("in.weight", normal({400, kWidth}, 1, 0.1), true);
    bias_ = register_parameter("in.bias", normal({400}, 2, 0.1), false);
    some_ = register_parameter("some.weight", normal({400}, 3, 0.1), true);
    none_ = register_parameter("none.weight", normal({30, 30}, 4, 0.1), true);
    out_ = register_parameter("out.weight", normal({70, 400}, 5, 0.1), true);
  }
  // Rows [begin, begin + count) of step's batch.
  at::Tensor loss_sum(int64_t step, int64_t begin, int64_t count) const {
    const at::Tensor x = normal({kRows, kWidth}, static_cast<uint64_t>(50 + step), 1).narrow(0, begin, count);
    const at::Tensor hidden = at::matmul(x, in_.t()).add(bias_).tanh();
    const at::Tensor loss = at::matmul(hidden, out_.t()).square().sum();
    return begin > 0 ? loss : loss.add(hidden.narrow(0, 0, 1).mul(some_).square().sum());
  }

 private:
  at::Tensor in_, bias_, some_, none_, out_;
};

OptimizerOptions options_of(const std::string& name, const std::string& state = "fp32") {
  OptimizerOptions options;
  options.name = name;
  options.state = state;
  options.lr = 0.01;
  return options;
}

std::vector<bool> whole_of(const Toy& toy, const std::string& name) {
  std::vector<bool> whole;
  for (const NamedParameter& parameter : toy.named_parameters()) {
    whole.push_back(name == "muon" && is_muon_matrix(parameter));
  }
  return whole;
}

struct Trained {
  std::vector<double> losses, norms;
};

// `passes`: pieces of this rank a step. One step takes the whole batch of kRows.
Trained steps(Toy& toy, Parallel& parallel, Optimizer& optimizer, int64_t first, int64_t last, int64_t passes) {
  Trained trained;
  for (int64_t step = first; step < last; ++step) {
    parallel.begin_step(step + 1);
    const Share share = parallel.share_of(kRows);
    double own = 0;
    for (int64_t pass = 0; pass < passes; ++pass) {
      parallel.begin_backward(pass + 1 == passes);
      const int64_t size = share.count / passes;
      const at::Tensor loss = toy.loss_sum(step, share.begin + pass * size, size).mul(1.0 / kRows);
      backward(loss);
      own += loss.item<double>();
    }
    trained.losses.push_back(parallel.finish_backward({own}).at(0));
    optimizer.add_noise(1e-3, static_cast<uint64_t>(step));
    trained.norms.push_back(parallel.grad_norm(optimizer));
    optimizer.step(0.01, clip_scale(trained.norms.back(), 1.0));
    parallel.share_weights();
    parallel.free_gradients(optimizer);
  }
  return trained;
}

bool same_bits(const NamedTensors& a, const NamedTensors& b) {
  std::map<std::string, at::Tensor> by_name(a.begin(), a.end());
  bool same = a.size() == b.size();
  for (const auto& [name, tensor] : b) {
    same = same && by_name.contains(name) && at::equal(by_name[name], tensor);
  }
  return same;
}

NamedTensors weights_of(const Toy& toy) {
  NamedTensors result;
  for (const NamedParameter& parameter : toy.named_parameters()) {
    result.emplace_back(parameter.name, parameter.tensor.detach());
  }
  return result;
}

void compare_with_one_process(ProcessGroup& group, const std::string& name, bool shard, const std::string& state_type) {
  SCOPED_TRACE(name + " " + state_type + (shard ? ", sharded" : ""));
  Toy alone;
  Parallel one(nullptr, alone.named_parameters());
  Optimizer alone_optimizer(one.own_parameters(), options_of(name, state_type), false, one.own_places());
  const Trained expected = steps(alone, one, alone_optimizer, 0, 4, group.world());
  Toy toy;
  // Small buckets, so that there are several.
  Parallel parallel(&group, toy.named_parameters(), {shard, whole_of(toy, name), 40000});
  Optimizer optimizer(parallel.own_parameters(), options_of(name, state_type), false, parallel.own_places());
  const Trained trained = steps(toy, parallel, optimizer, 0, 4, 1);
  EXPECT_EQ(trained.losses, expected.losses);
  EXPECT_EQ(trained.norms, expected.norms);
  EXPECT_TRUE(same_bits(weights_of(toy), weights_of(alone)));
  const NamedTensors state = parallel.gather_state(optimizer);
  if (parallel.leads()) {
    EXPECT_TRUE(same_bits(state, alone_optimizer.state()));
  }
}

TEST(Parallel, RanksAreBitForBitAnAccumulation) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    testing_ranks::expect_all_pass(2);
    testing_ranks::expect_all_pass(4);
    return;
  }
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  for (const std::string name : {"adamw", "muon", "sgd"}) {
    for (const std::string state : {"fp32", "bf16"}) {
      compare_with_one_process(group, name, false, state);
      compare_with_one_process(group, name, true, state);
    }
  }
}

TEST(Parallel, AccumulationOnRanksStaysWithinRounding) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    testing_ranks::expect_all_pass(2);
    return;
  }
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  Toy alone, toy;
  Parallel one(nullptr, alone.named_parameters());
  Optimizer alone_optimizer(one.own_parameters(), options_of("adamw"));
  const Trained expected = steps(alone, one, alone_optimizer, 0, 4, 1);
  Parallel parallel(&group, toy.named_parameters(), {true, {}, 40000});
  Optimizer optimizer(parallel.own_parameters(), options_of("adamw"), false, parallel.own_places());
  const Trained trained = steps(toy, parallel, optimizer, 0, 4, 2);
  for (size_t i = 0; i < expected.losses.size(); ++i) {
    EXPECT_NEAR(trained.losses[i], expected.losses[i], 1e-5 * expected.losses[i]);
  }
}

TEST(Parallel, ShardsHalveTheStateAndCoverIt) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    testing_ranks::expect_all_pass(2);
    return;
  }
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  Toy toy;
  Parallel parallel(&group, toy.named_parameters(), {true, {}, 40000});
  int64_t own = 0, all = 0;
  for (const NamedParameter& parameter : parallel.own_parameters()) {
    own += parameter.tensor.numel();
  }
  for (const NamedParameter& parameter : toy.named_parameters()) {
    all += parameter.tensor.numel();
  }
  EXPECT_EQ(group.sum({static_cast<double>(own)}, "sizes").at(0), static_cast<double>(all));
  EXPECT_NEAR(static_cast<double>(own) / static_cast<double>(all), 0.5, 0.15);  // a chunk is a quarter of this model
}

// Four steps at once, and two steps on some ranks then two on others, from the file of the first.
TEST(Parallel, StateMovesToAnotherNumberOfRanks) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    const testing_train::TemporaryFolder folder;
    const std::string setting = "ATHANOR_TEST_FOLDER=" + folder.path().string();
    testing_ranks::expect_all_pass(4, {setting, "ATHANOR_TEST_PART=first"});
    testing_ranks::expect_all_pass(2, {setting, "ATHANOR_TEST_PART=second"});
    return;
  }
  const fs::path folder = std::getenv("ATHANOR_TEST_FOLDER");
  at::set_num_threads(1);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  const auto run = [&](Toy& toy, Parallel& parallel, Optimizer& optimizer, int64_t first, int64_t last) {
    return steps(toy, parallel, optimizer, first, last, 4 / parallel.world());
  };
  const auto write = [&](const fs::path& path, const NamedTensors& tensors) {
    std::vector<TensorView> views;
    for (const auto& [name, tensor] : tensors) {
      views.push_back({name, "F32", tensor.sizes().vec(), {static_cast<const uint8_t*>(tensor.const_data_ptr()), tensor.nbytes()}});
    }
    write_safetensors(path, views, {});
  };
  Toy toy;
  Parallel parallel(&group, toy.named_parameters(), {true, whole_of(toy, "muon"), 40000});
  Optimizer optimizer(parallel.own_parameters(), options_of("muon"), false, parallel.own_places());
  if (std::getenv("ATHANOR_TEST_PART") == std::string("first")) {
    run(toy, parallel, optimizer, 0, 2);
    const NamedTensors state = parallel.gather_state(optimizer);
    if (parallel.leads()) {
      write(folder / "weights", weights_of(toy));
      write(folder / "state", state);
    }
    return;
  }
  load_tensors(folder / "weights", weights_of(toy));
  parallel.load_state(folder / "state", optimizer, {});
  optimizer.set_num_updates(2);
  const Trained trained = run(toy, parallel, optimizer, 2, 4);
  Toy alone;
  Parallel one(nullptr, alone.named_parameters());
  Optimizer alone_optimizer(one.own_parameters(), options_of("muon"));
  const Trained expected = run(alone, one, alone_optimizer, 0, 4);
  for (size_t i = 0; i < 2; ++i) {
    EXPECT_NEAR(trained.losses[i], expected.losses[i + 2], 1e-5 * expected.losses[i + 2]);
  }
}

}  // namespace
}  // namespace athanor
