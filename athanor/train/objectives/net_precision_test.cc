// Each family of networks in bf16 and fp16 against fp32 on a loss curve: the same examples, masks and initial weights.
#include <gtest/gtest.h>

#include <ATen/ops/zeros.h>

#include <cmath>
#include <cstdio>

#include "athanor/tensor/autograd.h"
#include "athanor/train/loss_scale.h"
#include "athanor/train/objectives/testing_nets.h"
#include "athanor/train/optimizer.h"

namespace athanor {
namespace {

using namespace testing_train;

constexpr int kSteps = 40;
constexpr int64_t kBatch = 16;

std::vector<double> train_curve(const NetConfig& config, const LabelledExamples& set, Precision precision) {
  TrainOptions options;
  options.batch_size = kBatch;
  const auto net = make_net(config, 1);
  ClassificationObjective objective(*net, set, nullptr, options, {});
  objective.set_precision(precision);
  net->set_training(true);
  Optimizer optimizer(net->named_parameters(), OptimizerOptions());
  LossScale scale({.initial = 1024, .growth = 2, .backoff = 0.5, .growth_interval = 2000});
  // Where a rate is at the edge of what a family bears, any rounding grows from step to step.
  const double rate = config.options.family == "rnn" || net_family(config.options.family).encoder ? 4e-3 : 1e-2;
  std::vector<double> losses;
  for (int step = 0; step < kSteps; ++step) {
    objective.begin_step();
    objective.load(static_cast<uint64_t>(step) * kBatch, kBatch);
    const at::Tensor loss = objective.loss_sum(0, kBatch, static_cast<uint64_t>(step)).div(kBatch);
    const double used = precision == Precision::kFp16 ? scale.scale() : 1;
    backward(loss.mul(used));
    losses.push_back(loss.item<double>());
    const double norm = optimizer.grad_norm() / used;
    if (precision != Precision::kFp16 || scale.update(!std::isfinite(norm))) {
      optimizer.step(rate, clip_scale(norm, 1.0) / used);
    }
    optimizer.zero_grad();
  }
  return losses;
}

double mean_of_last(const std::vector<double>& losses) {
  double total = 0;
  for (size_t i = losses.size() - 10; i < losses.size(); ++i) {
    total += losses[i];
  }
  return total / 10;
}

class NetPrecision : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(All, NetPrecision,
                         testing::Values("mlp", "rnn", "lstm", "gru", "textcnn", "tcn", "cnn", "resnet", "bert", "roberta"));

TEST_P(NetPrecision, FollowsTheCurveOfFp32) {
  const NetConfig config = config_for(GetParam());
  const LabelledExamples set = examples_for(config.shape);
  const std::vector<double> want = train_curve(config, set, Precision::kFp32);
  EXPECT_LT(mean_of_last(want), want.front() - 0.2);
  for (const Precision precision : {Precision::kBf16, Precision::kFp16}) {
    const std::vector<double> got = train_curve(config, set, precision);
    double largest = 0;
    for (size_t i = 0; i < want.size(); ++i) {
      largest = std::max(largest, std::abs(want[i] - got[i]));
    }
    const double drift = mean_of_last(got) - mean_of_last(want);
    std::printf("%-8s %s largest distance %.5f, last ten %+.5f of %.4f nats\n", GetParam(),
                precision == Precision::kBf16 ? "bf16" : "fp16", largest, drift, mean_of_last(want));
    EXPECT_LT(largest, 0.08);
    EXPECT_LT(std::abs(drift), 0.03);
  }
}

}  // namespace
}  // namespace athanor
