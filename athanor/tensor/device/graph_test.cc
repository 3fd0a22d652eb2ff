// Captured graphs on a GPU (the machine's own, or one of the tests), and what passes move there from the host.
#include "athanor/tensor/device/graph.h"

#include <ATen/ops/full.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <stdexcept>

#include "athanor/base/error.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/device/testing_fake_graph.h"
#include "athanor/tensor/device/testing_gpu.h"
#include "athanor/tensor/device/transfer.h"
#include "athanor/tensor/embedding.h"
#include "athanor/tensor/norm.h"

namespace athanor {
namespace {

class DeviceGraph : public ::testing::Test {
 protected:
  void SetUp() override { gpu = use_any_gpu(); }
  void TearDown() override { set_gpu_unit(nullptr); }
  at::Tensor there(const at::Tensor& tensor) const { return tensor.to(gpu); }
  at::Tensor filled(double value, int64_t size = 4) const { return there(at::full({size}, value, at::kFloat)); }
  at::Device gpu{at::kCPU};
};

float first_of(const at::Tensor& tensor) { return tensor.to(at::kCPU).const_data_ptr<float>()[0]; }

TEST_F(DeviceGraph, NothingRunsBeforeAReplayWhichReadsWhatLiesThereThen) {
  const at::Tensor x = filled(1);
  const at::Tensor y = filled(0);
  at::Tensor z;
  GpuGraph graph(gpu, nullptr, [&] {
    y.add_(x);
    z = x.mul(2).add(y);
  });
  EXPECT_EQ(first_of(y), 0);
  graph.replay();
  EXPECT_EQ(first_of(y), 1);
  EXPECT_EQ(first_of(z), 3);
  x.fill_(10);
  graph.replay();
  EXPECT_EQ(first_of(y), 11);
  EXPECT_EQ(first_of(z), 31);
}

TEST_F(DeviceGraph, WhatTheHostWouldWaitForIsRefusedAndTheDeviceGoesOn) {
  const at::Tensor x = filled(1);
  const at::Tensor host = at::ones({4});
  const std::function<void()> refused[] = {[&] { x.sum().item<float>(); }, [&] { x.to(at::kCPU); }, [&] { host.to(gpu); },
                                           [&] { x.nonzero(); }, [&] { x.equal(x.add(0)); }};
  for (const auto& work : refused) {
    at::Tensor y;
    EXPECT_ANY_THROW(GpuGraph(gpu, nullptr, [&] {
      y = x.add(1);
      work();
    }));
    EXPECT_EQ(first_of(x.add(1)), 2);
  }
  at::Tensor y;
  GpuGraph graph(gpu, nullptr, [&] { y = x.add(1); });
  graph.replay();
  EXPECT_EQ(first_of(y), 2);
}

// A refusal that the work does not pass on has spoilt the capture all the same.
TEST_F(DeviceGraph, ASpoiltCaptureIsNoGraph) {
  const at::Tensor x = filled(1);
  try {
    const GpuGraph graph(gpu, nullptr, [&] { EXPECT_ANY_THROW(x.sum().item<float>()); });
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.hint().find("graphs=false"), std::string::npos);
  }
  EXPECT_EQ(first_of(x.add(1)), 2);
}

TEST_F(DeviceGraph, AnErrorOfTheWorkComesThrough) {
  EXPECT_THROW(GpuGraph(gpu, nullptr, [] { throw std::invalid_argument("the work's own"); }), std::invalid_argument);
  EXPECT_EQ(first_of(filled(3)), 3);
}

TEST_F(DeviceGraph, MemoryOfAGraphIsTakenByNoOther) {
  const at::Tensor x = filled(1, 1000);
  at::Tensor y;
  GpuGraph graph(gpu, nullptr, [&] { y = x.add(1).mul(3).add(1); });
  graph.replay();
  for (int i = 0; i < 20; ++i) {
    const at::Tensor other = filled(-5, 1000);
    EXPECT_EQ(first_of(y), 7);
    graph.replay();
    EXPECT_EQ(first_of(other), -5);
    EXPECT_EQ(first_of(y), 7);
  }
}

TEST_F(DeviceGraph, ALaterGraphTakesSpareMemoryAndLeavesWhatIsHeld) {
  const at::Tensor x = filled(1, 1000);
  at::Tensor sum;
  GpuGraph first(gpu, nullptr, [&] { sum = x.add(1).mul(3).add(0); });
  GpuGraph later(gpu, &first, [&] { sum.add_(x.mul(2).add(8)); });
  for (int i = 1; i < 4; ++i) {
    x.fill_(i);
    first.replay();
    EXPECT_EQ(first_of(sum), 3 * (i + 1));
    later.replay();
    later.replay();
    EXPECT_EQ(first_of(sum), 3 * (i + 1) + 2 * (2 * i + 8));
  }
}

// Forward and backward of the room's own kernels.
TEST_F(DeviceGraph, KernelsOfBothPassesHaveTheBitsOfAPassThatIsRun) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    const at::Tensor table = there(at::randn({11, 16})).requires_grad_(true);
    const at::Tensor scale = there(at::randn({16})).requires_grad_(true);
    const at::Tensor head = there(at::randn({11, 16})).requires_grad_(true);
    const at::Tensor tokens = at::randint(0, 11, {6}, at::kLong);
    const at::Tensor targets = at::randint(0, 11, {6}, at::kLong);
    const auto pass = [&] {
      const at::Tensor x = norm(Norm::kRms, embedding(tokens, table), scale, {}, 1e-5, dtype);
      const at::Tensor loss = linear_cross_entropy(x, head, to_dtype(head.detach(), dtype), targets).mul(0.25);
      backward(loss);
      return loss.detach();
    };
    const auto gradients = [&] {
      std::vector<at::Tensor> all;
      for (const at::Tensor& parameter : {table, scale, head}) {
        all.push_back(parameter.grad().to(at::kCPU).clone());
        parameter.mutable_grad().reset();
      }
      return all;
    };
    TransferRecord record({tokens, targets});
    record.note([&] { pass(); });
    gradients();
    at::Tensor loss;
    GpuGraph graph(gpu, nullptr, [&] { record.give([&] { loss = pass(); }); });
    std::vector<at::Tensor> held{table.grad(), scale.grad(), head.grad()};
    gradients();
    for (int batch = 0; batch < 3; ++batch) {
      tokens.copy_(at::randint(0, 11, {6}, at::kLong));
      targets.copy_(at::randint(0, 11, {6}, at::kLong));
      record.refresh();
      graph.replay();
      const float wanted = pass().item<float>();
      EXPECT_EQ(loss.item<float>(), wanted);
      const std::vector<at::Tensor> ran = gradients();
      for (size_t i = 0; i < ran.size(); ++i) {
        EXPECT_TRUE(ran[i].equal(held[i].to(at::kCPU))) << i;
      }
    }
  }
}

TEST_F(DeviceGraph, ARecordGivesWhatWasNotedAndRefreshesWhatChanges) {
  const at::Tensor batch = at::full({4}, 1.0f);
  TransferRecord record({batch});
  at::Tensor sum;
  const auto pass = [&] {
    const at::Tensor once = device::transfer(batch.view({2, 2}), gpu);
    const at::Tensor constant = device::transfer(at::full({2, 2}, 100.0f), gpu);
    sum = once.add(constant).add(device::transfer(batch.view({2, 2}), gpu));
  };
  record.note(pass);
  EXPECT_EQ(first_of(sum), 102);
  batch.fill_(2);
  record.give(pass);
  EXPECT_EQ(first_of(sum), 102) << "nothing was copied";
  record.refresh();
  record.give(pass);
  EXPECT_EQ(first_of(sum), 104);
}

TEST_F(DeviceGraph, ARecordRefusesAnotherPass) {
  const auto refused = [&](const std::function<void()>& noted, const std::function<void()>& pass) {
    TransferRecord record({});
    record.note(noted);
    try {
      record.give(pass);
      return false;
    } catch (const Error& error) {
      return error.kind() == ErrorKind::kInternal;
    }
  };
  const auto moves = [&](double value, int64_t size) {
    return [this, value, size] { device::transfer(at::full({size}, value, at::kFloat), gpu); };
  };
  EXPECT_FALSE(refused(moves(1, 3), moves(1, 3)));
  EXPECT_TRUE(refused(moves(1, 3), moves(2, 3))) << "a value that differs";
  EXPECT_TRUE(refused(moves(1, 3), moves(1, 4))) << "a shape";
  EXPECT_TRUE(refused(moves(1, 3), [] {})) << "fewer";
  EXPECT_TRUE(refused([] {}, moves(1, 3))) << "more";
  EXPECT_TRUE(refused(moves(1, 3), [&] { device::transfer(at::full({3}, 1, at::kLong), gpu); })) << "a type";
}

TEST_F(DeviceGraph, ADeviceThatCannotCaptureSaysSo) {
  if (gpu.is_cuda()) {
    GTEST_SKIP() << "a real GPU can";
  }
  fake_gpu::refuse_captures = true;
  try {
    const GpuGraph graph(gpu, nullptr, [] { FAIL() << "the work must not begin"; });
    ADD_FAILURE();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
  }
  fake_gpu::refuse_captures = false;
}

}  // namespace
}  // namespace athanor
