// Against PyTorch's own optimisers (tests/parity/make_optimizer_fixtures.py), and what no fixture can show.
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>

#include "athanor/base/file.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/gemm.h"
#include "athanor/train/muon.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/weight_average.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

at::Tensor tensor_of(const Json& values, const Json& shape) {
  auto flat = values.get<std::vector<float>>();
  return at::from_blob(flat.data(), shape.get<std::vector<int64_t>>(), at::kFloat).clone();
}

OptimizerOptions options_of(const Json& given) {
  OptimizerOptions o;
  Json all = dump_options(o, true);
  all.update(given);
  return load_options<OptimizerOptions>(all);
}

class OptimizerParity : public testing::TestWithParam<int> {};

TEST_P(OptimizerParity, GivesPyTorchsWeights) {
  const Json fixture = Json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/train/optimizers.json"));
  if (static_cast<size_t>(GetParam()) >= fixture["cases"].size()) {
    GTEST_SKIP() << "the fixture has fewer cases";
  }
  const Json& expected = fixture["cases"][GetParam()];
  const NoGrad no_grad;
  std::vector<NamedParameter> parameters;
  for (const auto& [name, shape] : fixture["shapes"].items()) {
    // PyTorch's weight decay and L2 touch vectors too.
    parameters.push_back({name, tensor_of(fixture["begin"][name], shape).requires_grad_(true), true});
  }
  Optimizer optimizer(parameters, options_of(expected["options"]));
  for (const auto& step : fixture["grads"]) {
    for (const NamedParameter& parameter : parameters) {
      parameter.tensor.mutable_grad() = tensor_of(step[parameter.name], fixture["shapes"][parameter.name]);
    }
    optimizer.step(fixture["lr"].get<double>(), 1.0);
  }
  // Muon's reference works in bf16: its direction differs in the third digit.
  const double bound = expected["options"]["name"] == "muon" ? 0.03 : 3e-6;
  for (const auto& [name, values] : expected["weights"].items()) {
    for (const NamedParameter& parameter : parameters) {
      if (parameter.name == name) {
        const at::Tensor wanted = tensor_of(values, fixture["shapes"][name]);
        EXPECT_LT(parameter.tensor.detach().sub(wanted).abs().max().item<double>(), bound)
            << expected["options"].dump() << " " << name;
      }
    }
  }
}
INSTANTIATE_TEST_SUITE_P(Train, OptimizerParity, testing::Range(0, 12));

TEST(Muon, SingularValuesAreNearOne) {
  for (const auto& shape : std::vector<std::vector<int64_t>>{{24, 40}, {40, 24}, {32, 32}}) {
    const at::Tensor x = orthogonalised(at::randn(shape, at::kFloat), false);
    ASSERT_EQ(x.sizes(), at::IntArrayRef(shape));
    const bool tall = shape[0] > shape[1];
    const at::Tensor rows = tall ? x.t().contiguous() : x;
    // x x^T has the squares of the singular values on its spectrum: near the identity, never above 1.3^2.
    const at::Tensor gram = linear(rows, rows);
    EXPECT_GT(gram.diagonal().min().item<double>(), 0.3);
    EXPECT_LT(gram.diagonal().max().item<double>(), 1.7);
    EXPECT_LT(gram.sub(at::eye(gram.size(0))).abs().mean().item<double>(), 0.1);
  }
  EXPECT_EQ(orthogonalised(at::zeros({3, 4}), false).abs().max().item<double>(), 0);
}

std::vector<NamedParameter> one_matrix(const char* name, bool decay = true) {
  return {{name, at::zeros({8, 8}).fill_(0.5).requires_grad_(true), decay}};
}

TEST(Optimizer, GroupsFreezeScaleAndDecay) {
  const NoGrad no_grad;
  OptimizerOptions options{.name = "sgd", .momentum = 0};
  options.groups = Json::parse(R"([{"match": "frozen*", "lr": 0}, {"match": "*.half", "lr": 0.5},
                                   {"match": "bare*", "weight_decay": 0}])");
  options.weight_decay = 0.1;
  std::vector<NamedParameter> parameters;
  for (const char* name : {"frozen.weight", "x.half", "bare.weight", "plain.weight"}) {
    parameters.push_back(one_matrix(name)[0]);
    parameters.back().tensor.mutable_grad() = at::zeros({8, 8}).fill_(1);
  }
  Optimizer optimizer(parameters, options);
  EXPECT_NEAR(optimizer.grad_norm(), std::sqrt(3 * 64), 1e-6) << "what is frozen has no part in it";
  optimizer.step(0.1, 1.0);
  const auto value = [&](size_t i) { return parameters[i].tensor.view({-1})[0].item<double>(); };
  EXPECT_EQ(value(0), 0.5);
  EXPECT_NEAR(value(1), 0.5 * (1 - 0.05 * 0.1) - 0.05, 1e-7);
  EXPECT_NEAR(value(2), 0.5 - 0.1, 1e-7);
  EXPECT_NEAR(value(3), 0.5 * (1 - 0.1 * 0.1) - 0.1, 1e-7);
}

// Steps far below the last bit of bf16: rounded to nearest the moment would never move; by chance it moves on average.
TEST(Optimizer, StochasticRoundingKeepsSmallChanges) {
  const NoGrad no_grad;
  std::vector<NamedParameter> parameters = {{"w", at::zeros({256, 64}).requires_grad_(true), true}};
  Optimizer optimizer(parameters, {.name = "adagrad", .state = "bf16"});
  const double grad = 0.01;  // the sum's last bit is 2^-8 of it soon
  for (int step = 0; step < 1000; ++step) {
    parameters[0].tensor.mutable_grad() = at::zeros({256, 64}).fill_(grad);
    optimizer.step(1e-3, 1.0);
  }
  const at::Tensor sum = optimizer.state()[0].second;
  EXPECT_EQ(sum.scalar_type(), at::kBFloat16);
  EXPECT_NEAR(sum.to(at::kFloat).mean().item<double>(), 1000 * grad * grad, 0.01 * 1000 * grad * grad);
  EXPECT_GT(sum.to(at::kFloat).std().item<double>(), 0);
}

TEST(Optimizer, NoiseHasItsSpreadAndIsAFunctionOfTheSeed) {
  const NoGrad no_grad;
  std::vector<NamedParameter> parameters = {{"w", at::zeros({200, 200}).requires_grad_(true), true}};
  Optimizer optimizer(parameters, {});
  at::Tensor first;
  for (int round = 0; round < 2; ++round) {
    parameters[0].tensor.mutable_grad() = at::zeros({200, 200});
    optimizer.add_noise(0.5, 9);
    const at::Tensor grad = parameters[0].tensor.grad();
    EXPECT_NEAR(grad.std().item<double>(), 0.5, 0.01);
    EXPECT_NEAR(grad.mean().item<double>(), 0, 0.01);
    EXPECT_TRUE(round == 0 || grad.equal(first));
    first = grad.clone();
  }
}

TEST(WeightAverage, FollowsAndSwaps) {
  const NoGrad no_grad;
  std::vector<NamedParameter> parameters = one_matrix("w");
  WeightAverage average(parameters, 0.9);
  at::Tensor weight = parameters[0].tensor;
  weight.fill_(1.5);
  average.update(1);  // decay min(0.9, 2 / 11)
  const double expected = 2.0 / 11 * 0.5 + 9.0 / 11 * 1.5;
  average.swap();
  EXPECT_NEAR(weight.view({-1})[0].item<double>(), expected, 1e-6);
  average.swap();
  EXPECT_EQ(weight.view({-1})[0].item<double>(), 1.5);
  EXPECT_FALSE(WeightAverage(parameters, 0).on());
}

}  // namespace
}  // namespace athanor
