#include "athanor/train/optimizer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/_fused_adamw.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

at::Tensor random_tensor(at::IntArrayRef shape, uint64_t seed) {
  const at::Tensor tensor = at::full(shape, 0.0f);
  Rng rng(seed);
  for (int64_t i = 0; i < tensor.numel(); ++i) {
    tensor.mutable_data_ptr<float>()[i] = static_cast<float>(rng.uniform() - 0.5);
  }
  return tensor;
}

// Odd sizes, one beyond a chunk, one without a gradient.
std::vector<NamedParameter> make_parameters() {
  std::vector<NamedParameter> parameters;
  const std::vector<std::vector<int64_t>> shapes = {{3, 5}, {1}, {200, 177}, {17}, {64, 64}};
  for (size_t i = 0; i < shapes.size(); ++i) {
    parameters.push_back({"p" + std::to_string(i), random_tensor(shapes[i], i).requires_grad_(true),
                          shapes[i].size() > 1});
  }
  return parameters;
}

void set_gradients(std::vector<NamedParameter>& parameters, uint64_t seed) {
  for (size_t i = 0; i + 1 < parameters.size(); ++i) {
    parameters[i].tensor.mutable_grad() = random_tensor(parameters[i].tensor.sizes(), seed * 100 + i);
  }
}

TEST(AdamW, AgreesWithTheFusedKernelOfAten) {
  const NoGrad no_grad;
  const OptimizerOptions options{.beta2 = 0.99, .weight_decay = 0.1};
  std::vector<NamedParameter> ours = make_parameters();
  std::vector<NamedParameter> theirs = make_parameters();
  Optimizer optimizer(ours, options);
  std::vector<at::Tensor> m, v, steps;
  for (const NamedParameter& parameter : theirs) {
    m.push_back(at::zeros_like(parameter.tensor));
    v.push_back(at::zeros_like(parameter.tensor));
    steps.push_back(at::full({}, 0.0f));
  }
  for (uint64_t step = 1; step <= 20; ++step) {
    const double lr = 1e-2 / static_cast<double>(step);
    set_gradients(ours, step);
    set_gradients(theirs, step);
    optimizer.step(lr, 1.0);
    for (size_t i = 0; i + 1 < theirs.size(); ++i) {
      const at::Tensor parameter = theirs[i].tensor.detach();
      steps[i].fill_(static_cast<double>(step));
      at::_fused_adamw_({parameter}, {theirs[i].tensor.grad()}, {m[i]}, {v[i]}, {}, {steps[i]}, lr, 0.9, 0.99,
                        theirs[i].decay ? 0.1 : 0.0, 1e-8, false, false);
    }
  }
  for (size_t i = 0; i < ours.size(); ++i) {
    const double worst = ours[i].tensor.detach().sub(theirs[i].tensor.detach()).abs().max().item().toDouble();
    EXPECT_LT(worst, 2e-6) << ours[i].name;
  }
  EXPECT_TRUE(at::equal(ours.back().tensor, make_parameters().back().tensor));  // no gradient: untouched
}

TEST(AdamW, NormIsThatOfAllGradientsTogetherAndClipsThem) {
  const NoGrad no_grad;
  std::vector<NamedParameter> parameters = make_parameters();
  const Optimizer optimizer(parameters, {});
  EXPECT_EQ(optimizer.grad_norm(), 0.0);
  set_gradients(parameters, 1);
  double squares = 0;
  for (const NamedParameter& parameter : parameters) {
    if (parameter.tensor.grad().defined()) {
      squares += std::pow(at::norm(parameter.tensor.grad().to(at::kDouble)).item<double>(), 2);
    }
  }
  EXPECT_NEAR(optimizer.grad_norm() / std::sqrt(squares), 1.0, 1e-6);
  EXPECT_DOUBLE_EQ(clip_scale(0.5, 1.0), 1.0);
  EXPECT_DOUBLE_EQ(clip_scale(4.0, 1.0), 1.0 / (4.0 + 1e-6));
  EXPECT_DOUBLE_EQ(clip_scale(4.0, 0.0), 1.0);
  parameters[2].tensor.mutable_grad().view({-1})[35000].fill_(NAN);
  EXPECT_TRUE(std::isnan(optimizer.grad_norm()));
}

TEST(AdamW, ScaledGradientsAreTheSameAsScalingThem) {
  const NoGrad no_grad;
  std::vector<NamedParameter> a = make_parameters();
  std::vector<NamedParameter> b = make_parameters();
  Optimizer first(a, {});
  Optimizer second(b, {});
  set_gradients(a, 1);
  set_gradients(b, 1);
  for (NamedParameter& parameter : b) {
    if (parameter.tensor.grad().defined()) {
      parameter.tensor.mutable_grad().mul_(0.25);  // exact in floating point
    }
  }
  first.step(0.1, 0.25);
  second.step(0.1, 1.0);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_TRUE(at::equal(a[i].tensor, b[i].tensor));
  }
  first.zero_grad();
  EXPECT_FALSE(a[0].tensor.grad().defined());
}

TEST(AdamW, DoesNotDependOnTheNumberOfThreads) {
  const NoGrad no_grad;
  const int before = at::get_num_threads();
  std::vector<double> norms;
  std::vector<at::Tensor> weights;
  for (const int threads : {1, 2, 3}) {
    at::set_num_threads(threads);
    std::vector<NamedParameter> parameters = make_parameters();
    Optimizer optimizer(parameters, {});
    set_gradients(parameters, 1);
    norms.push_back(optimizer.grad_norm());
    optimizer.step(0.1, 0.5);
    weights.push_back(parameters[2].tensor);
  }
  at::set_num_threads(before);
  EXPECT_EQ(norms[0], norms[1]);
  EXPECT_EQ(norms[0], norms[2]);
  EXPECT_TRUE(at::equal(weights[0], weights[1]));
  EXPECT_TRUE(at::equal(weights[0], weights[2]));
}

// Muon's momentum in bf16 takes in gradients that are too small for rounding to nearest.
TEST(Optimizer, MuonsBf16MomentumGrowsBySmallGradients) {
  at::Tensor weight = at::zeros({64, 64}).requires_grad_(true);
  OptimizerOptions options;
  options.name = "muon";
  options.state = "bf16";
  Optimizer optimizer({{"layers.0.weight", weight, true}}, options);
  const at::Tensor buffer = optimizer.state().front().second;
  ASSERT_EQ(buffer.scalar_type(), at::kBFloat16);
  buffer.fill_(1.0);
  for (int step = 0; step < 40; ++step) {  // each would bring 0.05 * 0.03 of the way: below half of bf16's step at 1
    weight.mutable_grad() = at::ones({64, 64}).mul(1.03);
    optimizer.step(1e-6, 1);
  }
  const double wanted = 1.03 - 0.03 * std::pow(0.95, 40);
  EXPECT_NEAR(buffer.to(at::kFloat).mean().item<double>(), wanted, 0.002);
}

}  // namespace
}  // namespace athanor
