// Collectives of processes with a GPU each. Two and more ranks run on the GPUs of the tests wherever the machine has fewer.
#include "athanor/tensor/device/gpu_group.h"

#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <csignal>
#include <functional>

#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/device/testing_gpu.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/process_group.h"
#include "athanor/tensor/testing_ranks.h"

namespace athanor {
namespace {

// What rank r brings: numbers whose sum depends on the order.
at::Tensor brought_by(int rank, int64_t count) {
  at::Tensor tensor = at::zeros({count});
  Rng rng(static_cast<uint64_t>(100 + rank));
  for (int64_t i = 0; i < count; ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(rng.normal() * std::pow(10, rng.normal()));
  }
  return tensor;
}

// The sum of all ranks within what any order of W - 1 additions may round.
void expect_sum(const at::Tensor& got, int world, int64_t begin = 0) {
  at::Tensor total = at::zeros(got.sizes(), at::kDouble);
  at::Tensor size = at::zeros(got.sizes(), at::kDouble);
  for (int rank = 0; rank < world; ++rank) {
    const at::Tensor theirs = brought_by(rank, begin + got.numel()).narrow(0, begin, got.numel()).to(at::kDouble);
    total.add_(theirs);
    size.add_(theirs.abs());
  }
  const at::Tensor over = got.to(at::kCPU).to(at::kDouble).sub(total).abs().sub(size.mul(world * 0x1p-24));
  EXPECT_TRUE(got.numel() == 0 || over.max().item<double>() <= 0);
}

void check_parts(ProcessGroup& group, at::Device gpu, const PartBounds& parts) {
  const auto self = static_cast<size_t>(group.rank());
  const int64_t own = parts[self + 1] - parts[self];
  const at::Tensor tensor = brought_by(group.rank(), parts.back()).to(gpu);
  group.reduce_scatter(tensor, parts, "reduce_scatter");
  expect_sum(tensor.narrow(0, parts[self], own), group.world(), parts[self]);
  group.all_gather(tensor, parts, "all_gather");
  expect_sum(tensor, group.world());
}

TEST(GpuGroup, AddsAndMovesParts) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    testing_ranks::expect_all_pass(2);
    testing_ranks::expect_all_pass(4);
    return;
  }
  const at::Device gpu = use_own_gpu(*launch);
  EXPECT_EQ(gpu.index(), launch->rank);
  RankStore store(*launch, 20);
  ProcessGroup group(store);
  const int world = group.world();
  for (const int64_t count : {1, 5, 1000, 300007}) {
    const at::Tensor tensor = brought_by(group.rank(), count).to(gpu);
    group.all_reduce(tensor, "all_reduce");
    expect_sum(tensor, world);
    const at::Tensor first = tensor.clone();
    group.broadcast(first, 0, "broadcast");
    EXPECT_TRUE(first.to(at::kCPU).equal(tensor.to(at::kCPU))) << "all ranks hold the same bits";
  }
  check_parts(group, gpu, even_parts(50, world));
  check_parts(group, gpu, even_parts(64, world));
  PartBounds uneven(static_cast<size_t>(world) + 1, 7);  // rank 0 has 7, the last all the rest
  uneven[0] = 0;
  uneven.back() = 50;
  check_parts(group, gpu, uneven);
  for (const at::ScalarType type : {at::kLong, at::kBFloat16}) {
    const at::Tensor words = (group.rank() == 1 ? at::arange(5) : at::zeros({5}, at::kLong)).to(type).to(gpu);
    group.broadcast(words, 1, "broadcast");
    EXPECT_TRUE(at::equal(words.to(at::kCPU), at::arange(5).to(type)));
  }
  // Several at once, while the device goes on.
  std::vector<at::Tensor> several;
  for (int i = 0; i < 5; ++i) {
    several.push_back(brought_by(group.rank(), 100 + i).to(gpu));
    i % 2 == 0 ? group.begin_all_reduce(several.back(), "one") : group.begin_reduce_scatter(several.back(), even_parts(100 + i, world), "one");
  }
  EXPECT_TRUE(gpu.is_cuda() || !group.gpu_done()) << "they are only begun";
  group.wait_for_gpu();
  EXPECT_TRUE(group.gpu_done());
  expect_sum(several[4], world);
  EXPECT_THROW(group.open_gpu(at::Device(gpu.type(), static_cast<c10::DeviceIndex>(gpu.index() + 1))), Error);
  EXPECT_EQ(group.sum({1}, "on the host").at(0), world);
}

TEST(GpuGroup, OfOneProcess) {
  const Launch launch{0, 1, 0, 1, "127.0.0.1", testing_ranks::free_port(), "torchrun"};
  const at::Device gpu = use_any_gpu();
  {
    RankStore store(launch, 20);
    GpuGroup group(store, gpu);
    const at::Tensor tensor = brought_by(0, 1000).to(gpu);
    group.all_reduce(tensor);
    group.reduce_scatter(tensor, {0, 1000});
    group.all_gather(tensor, {0, 1000});
    group.broadcast(tensor, 0);
    group.wait();
    EXPECT_TRUE(tensor.to(at::kCPU).equal(brought_by(0, 1000)));
  }
  set_gpu_unit(nullptr);
}

// Rank 1 leaves in step 3, in the way that `how` says; the others must name it.
void leave_in_step_3(const Launch& launch, const std::function<void(RankStore&)>& how) {
  const at::Device gpu = use_own_gpu(launch);
  RankStore store(launch, 2);
  ProcessGroup group(store);
  const at::Tensor tensor = brought_by(launch.rank, 1000).to(gpu);
  for (int64_t step = 1; step <= 3; ++step) {
    group.at_step(step);
    group.all_reduce(tensor, "gradients");
  }
  if (launch.rank == 1) {
    return how(store);
  }
  try {
    group.all_reduce(tensor, "weights");
    ADD_FAILURE() << "rank " << launch.rank << " saw no error";
  } catch (const Error& error) {
    std::printf("NAMED %s\n", error.message().c_str());
  }
  EXPECT_THROW(group.all_reduce(tensor, "weights"), Error) << "it is of no use any more";
}

void expect_named(const std::vector<ProcessResult>& results, const std::string& words) {
  for (const size_t rank : {size_t{0}, size_t{2}}) {
    EXPECT_EQ(results[rank].exit_code, 0) << rank << results[rank].out << results[rank].err;
    EXPECT_NE(results[rank].out.find("NAMED " + words), std::string::npos) << rank << results[rank].out << results[rank].err;
  }
}

TEST(GpuGroup, ARankThatDiesIsNamedByAll) {
  if (const auto launch = testing_ranks::inside()) {
    return leave_in_step_3(*launch, [](RankStore&) { ::_exit(9); });
  }
  expect_named(testing_ranks::run_ranks(3), "rank 1 has died or hangs, last seen at step 3, 'gradients'");
}

TEST(GpuGroup, ARankThatHangsIsNamedByAll) {
  if (const auto launch = testing_ranks::inside()) {
    return leave_in_step_3(*launch, [](RankStore&) { ::raise(SIGSTOP); });
  }
  expect_named(testing_ranks::run_ranks(3, {}, 9), "rank 1 has died or hangs, last seen at step 3, 'gradients'");
}

TEST(GpuGroup, ARanksOwnErrorReachesThoseThatWaitOnTheDevice) {
  if (const auto launch = testing_ranks::inside()) {
    return leave_in_step_3(*launch, [](RankStore& store) { store.say_failed(Error(ErrorKind::kResource, "is full", "disk")); });
  }
  expect_named(testing_ranks::run_ranks(3), "rank 1 stopped at step 3: disk: is full");
}

int aborted = 0;
decltype(GpuUnit::group_close) close_group = nullptr;

// Rank 0 goes and takes the store with it, while rank 1 waits for its device and can ask nobody.
TEST(GpuGroup, WhatRunsIsEndedBeforeAnErrorWhenTheStoreIsGone) {
  const auto launch = testing_ranks::inside();
  if (!launch) {
    const auto results = testing_ranks::run_ranks(2);
    EXPECT_EQ(results[1].exit_code, 0) << results[1].out << results[1].err;
    return;
  }
  const at::Device gpu = use_own_gpu(*launch);
  GpuUnit unit = gpu_unit();
  close_group = unit.group_close;
  unit.group_close = [](void* group, bool aborting) {
    aborted += aborting ? 1 : 0;
    close_group(group, aborting);
  };
  set_gpu_unit(&unit);
  RankStore store(*launch, 20);
  GpuGroup group(store, gpu);
  if (launch->rank == 0) {
    ::_exit(9);
  }
  group.all_reduce(brought_by(1, 1000).to(gpu));
  try {
    group.wait();
    ADD_FAILURE() << "rank 0 never came";
  } catch (const Error& error) {
    EXPECT_EQ(aborted, 1) << "before the error";
    EXPECT_NE(error.message().find("rank 0, which holds the store, does not answer"), std::string::npos) << error.message();
  }
}

TEST(GpuNames, EachProcessHasItsOwn) {
  use_fake_gpu(3);
  set_local_rank(2, 3);
  EXPECT_EQ(open_device("cuda").index(), 2);
  EXPECT_EQ(open_device("auto").index(), 2);
  EXPECT_THROW(open_device("cuda:1"), Error) << "all three would share it";
  set_local_rank(0, 4);
  try {
    open_device("cuda");
    ADD_FAILURE() << "three GPUs for four processes";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_EQ(error.message(), "this machine has 3 GPUs for 4 processes");
    EXPECT_NE(error.hint().find("--nproc-per-node=3"), std::string::npos);
  }
  EXPECT_TRUE(open_device("auto").is_cpu());
  set_local_rank(0, 1);
  EXPECT_EQ(open_device("cuda:2").index(), 2);
  set_gpu_unit(nullptr);
}

// Kernels go to the device of their tensors, whichever is the current one (the fake unit refuses any other).
TEST(GpuNames, KernelsGoWhereTheirTensorsAre) {
  use_fake_gpu(2);
  const at::Tensor x = at::randn({3, 8});
  const at::Tensor weight = at::randn({8});
  const at::Device second = open_device("cuda:1");
  const NormOutput wanted = norm_forward(Norm::kRms, x, weight, {}, 1e-5, at::kFloat);
  const NormOutput got = norm_forward(Norm::kRms, x.to(second), weight.to(second), {}, 1e-5, at::kFloat);
  EXPECT_EQ(got.y_NC.device(), second);
  EXPECT_TRUE(got.y_NC.to(at::kCPU).allclose(wanted.y_NC, 1e-5, 1e-6));
  set_gpu_unit(nullptr);
}

}  // namespace
}  // namespace athanor
