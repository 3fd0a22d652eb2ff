#include "athanor/train/spike.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

// A step whose update is made, whatever is said of it.
SpikeGuard::Verdict see(SpikeGuard& guard, double loss, double grad_norm) {
  const SpikeGuard::Verdict verdict = guard.judge(loss, grad_norm);
  if (verdict.finite) {
    guard.push(loss, grad_norm);
  }
  return verdict;
}

TEST(SpikeGuard, NoticesWhatIsNotFiniteAtOnce) {
  SpikeGuard guard(10, 0);
  const auto verdict = see(guard, std::nan(""), 1);
  EXPECT_TRUE(verdict.spike);
  EXPECT_FALSE(verdict.finite);
  EXPECT_FALSE(see(guard, 1, std::numeric_limits<double>::infinity()).finite);
  EXPECT_FALSE(see(guard, 1, 1).spike);
}

TEST(SpikeGuard, NoticesAnOutlierOnceTheWindowIsFull) {
  SpikeGuard guard(6, 0);
  Rng rng(1);
  EXPECT_FALSE(see(guard, 100, 1).spike);  // too early to judge
  for (int i = 0; i < 200; ++i) {
    EXPECT_FALSE(see(guard, 3 + 0.1 * rng.uniform(), 1).spike);
  }
  const auto verdict = see(guard, 4, 1);
  EXPECT_TRUE(verdict.spike);
  EXPECT_TRUE(verdict.finite);
  EXPECT_GT(verdict.loss_zscore, 6);
  EXPECT_FALSE(see(guard, 2, 50).spike);  // downwards is good news; gradients are not judged at limit 0
}

TEST(SpikeGuard, GetsUsedToALastingChange) {
  SpikeGuard guard(6, 0);
  Rng rng(1);
  for (int i = 0; i < 128; ++i) {
    see(guard, 3 + 0.1 * rng.uniform(), 1);
  }
  int spikes = 0;
  for (int i = 0; i < 100; ++i) {
    spikes += see(guard, 5 + 0.1 * rng.uniform(), 1).spike ? 1 : 0;
  }
  EXPECT_GT(spikes, 0);
  EXPECT_LT(spikes, 10);
}

TEST(SpikeGuard, ABurstThatIsLeftOutStaysASpike) {
  SpikeGuard guard(6, 0);
  Rng rng(1);
  for (int i = 0; i < 128; ++i) {
    see(guard, 3 + 0.1 * rng.uniform(), 1);
  }
  for (int i = 0; i < 50; ++i) {
    EXPECT_TRUE(guard.judge(7 - 0.05 * i, 1).spike) << i;
  }
  EXPECT_FALSE(guard.judge(3.05, 1).spike);
}

TEST(SpikeGuard, WhatIsKnownByHeartHasNoSpikesOfATenth) {
  SpikeGuard guard(10, 0);
  Rng rng(1);
  for (int i = 0; i < 128; ++i) {
    see(guard, 1e-4 * rng.uniform(), 1);
  }
  EXPECT_FALSE(guard.judge(0.12, 1).spike);
  EXPECT_TRUE(guard.judge(0.6, 1).spike);
}

TEST(SpikeGuard, GoesOnExactlyAfterJson) {
  Rng rng(3);
  SpikeGuard guard(5, 5);
  for (int i = 0; i < 300; ++i) {
    see(guard, 3 + rng.uniform(), 1 + rng.uniform());
  }
  SpikeGuard other(5, 5);
  other.restore(nlohmann::json::parse(guard.to_json().dump()));
  for (int i = 0; i < 300; ++i) {
    const double loss = 3 + rng.uniform();
    const double norm = 1 + rng.uniform();
    const auto a = see(guard, loss, norm);
    const auto b = see(other, loss, norm);
    ASSERT_EQ(a.loss_zscore, b.loss_zscore);
    ASSERT_EQ(a.grad_zscore, b.grad_zscore);
  }
}

TEST(SpikeGuard, RefusesBrokenState) {
  SpikeGuard guard(5, 5);
  EXPECT_THROW(guard.restore(nlohmann::json::object()), Error);
  EXPECT_THROW(guard.restore({{"losses", {{"values", "x"}, {"next", 0}}}}), Error);
  EXPECT_THROW(guard.restore({{"losses", {{"values", std::vector<double>(500)}, {"next", 0}}}}), Error);
}

}  // namespace
}  // namespace athanor
