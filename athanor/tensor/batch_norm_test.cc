// Against ATen's batch normalisation, sum and ReLU.
#include "athanor/tensor/batch_norm.h"

#include <ATen/Parallel.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

constexpr double kMomentum = 0.1;
constexpr double kEps = 1e-5;

struct Case {
  at::Tensor x, added, dy;
  BatchNormWeights w;
};

Case random_case(at::IntArrayRef sizes, double offset) {
  const int64_t channels = sizes[1];
  Case c;
  c.x = at::randn(sizes).add(offset).requires_grad_(true);
  c.added = at::randn(sizes).requires_grad_(true);
  c.dy = at::randn(sizes);
  c.w = {at::randn({channels}).requires_grad_(true), at::randn({channels}).requires_grad_(true), at::zeros({channels}),
         at::ones({channels})};
  return c;
}

std::vector<at::Tensor> gradients(const Case& c, const at::Tensor& y) {
  backward(y.mul(c.dy).sum());
  std::vector<at::Tensor> all;
  for (at::Tensor leaf : {c.x, c.added, c.w.weight, c.w.bias}) {
    all.push_back(leaf.grad());
    leaf.mutable_grad().reset();
  }
  return all;
}

double apart(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

void compare(at::IntArrayRef sizes, bool relu, bool sum, double offset, double tolerance) {
  const Case c = random_case(sizes, offset);
  const at::Tensor mean = c.w.running_mean.clone();
  const at::Tensor variance = c.w.running_variance.clone();
  at::Tensor want = at::batch_norm(c.x, c.w.weight, c.w.bias, mean, variance, true, kMomentum, kEps, false);
  want = sum ? want.add(c.added) : want;
  want = relu ? at::relu(want) : want;
  const at::Tensor found = batch_norm(c.x, sum ? c.added : at::Tensor(), c.w, kMomentum, kEps, relu);
  EXPECT_LE(apart(found, want), tolerance);
  EXPECT_LE(apart(c.w.running_mean, mean), tolerance);
  EXPECT_LE(apart(c.w.running_variance, variance), tolerance);
  const auto wanted = gradients(c, want);
  const auto given = gradients(c, found);
  for (size_t i = 0; i < wanted.size(); ++i) {
    if (wanted[i].defined()) {
      EXPECT_LE(apart(given[i], wanted[i]), 20 * tolerance) << i;
    }
  }
}

TEST(BatchNorm, IsAtens) {
  for (const bool relu : {false, true}) {
    for (const bool sum : {false, true}) {
      compare({130, 5}, relu, sum, 0, 2e-6);
      compare({3, 16, 7, 5}, relu, sum, 0, 2e-6);
      compare({4, 40, 6, 6}, relu, sum, 0, 2e-6);
    }
  }
}

// Values of 1000 with a deviation of 1: squares of a million would have no digits left for the variance.
TEST(BatchNorm, AMeanFarFromZeroCostsNoDigits) { compare({4, 6, 16, 16}, false, false, 1000, 5e-4); }

TEST(BatchNorm, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> first;
  const Case c = random_case({8, 24, 20, 20}, 0.5);
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const at::Tensor y = batch_norm(c.x, c.added, c.w, kMomentum, kEps, true);
    std::vector<at::Tensor> all = gradients(c, y);
    all.push_back(y.detach());
    first = first.empty() ? all : first;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(all[i].equal(first[i])) << i;
    }
  }
  at::set_num_threads(threads);
}

TEST(BatchNorm, ANumberThatIsNoneIsSeenInTheRunningStatistics) {
  const Case c = random_case({4, 20, 8, 8}, 0);
  NoGrad no_grad;
  c.x[1][3][2][2].fill_(NAN);
  batch_norm(c.x, {}, c.w, kMomentum, kEps, false);
  for (int64_t channel = 0; channel < 20; ++channel) {
    EXPECT_EQ(std::isnan(c.w.running_mean[channel].item<float>()), channel == 3) << channel;
    EXPECT_EQ(std::isnan(c.w.running_variance[channel].item<float>()), channel == 3) << channel;
  }
}

TEST(BatchNorm, HalfPrecisionStaysNear) {
  const Case c = random_case({4, 20, 8, 8}, 0);
  NoGrad no_grad;
  const at::Tensor want = batch_norm(c.x, c.added, c.w, kMomentum, kEps, true);
  for (const auto dtype : {at::kBFloat16, at::kHalf}) {
    const at::Tensor y = batch_norm(c.x.to(dtype), c.added.to(dtype), c.w, kMomentum, kEps, true);
    EXPECT_EQ(y.scalar_type(), dtype);
    EXPECT_LE(apart(y.to(at::kFloat), want), 0.05);
  }
}

}  // namespace
}  // namespace athanor
