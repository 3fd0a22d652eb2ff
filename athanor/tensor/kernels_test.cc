// Each kernel against the same mathematics in ATen's own operators and autograd, in fp64 where that decides.
#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/_softmax.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/full.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/embedding.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor {
namespace {

at::Tensor leaf(at::Tensor x) { return x.detach().clone().set_requires_grad(true); }
at::Tensor wide(const at::Tensor& x) { return leaf(x.to(at::kDouble)); }

// Largest difference over the largest magnitude.
double relative(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  const double scale = std::max(1e-6, want.abs().max().item<double>());
  return got.to(at::kDouble).sub(want.to(at::kDouble)).abs().max().item<double>() / scale;
}

// Widths that are not whole vectors among them.
TEST(Kernels, NormsAndTheirGradients) {
  for (const Norm kind : {Norm::kRms, Norm::kLayer}) {
    for (const int64_t width : {1, 7, 16, 48, 77, 384}) {
      const at::Tensor x = leaf(at::randn({37, width}).mul(2).add(0.3));
      const at::Tensor w = leaf(at::randn({width}));
      const at::Tensor b = kind == Norm::kLayer ? leaf(at::randn({width})) : at::Tensor();
      const at::Tensor dy = at::randn({37, width});
      backward(norm(kind, x, w, b, 1e-5, at::kFloat).mul(dy).sum());
      const at::Tensor x64 = wide(x);
      const at::Tensor w64 = wide(w);
      const at::Tensor b64 = b.defined() ? wide(b) : b;
      const at::Tensor want = kind == Norm::kLayer ? at::layer_norm(x64, {width}, w64, b64, 1e-5)
                                                   : at::rms_norm(x64, {width}, w64, 1e-5);
      EXPECT_LT(relative(norm(kind, x, w, b, 1e-5, at::kFloat), want), 2e-6) << width;
      EXPECT_LT(relative(norm(kind, x, w, b, 1e-5, at::kBFloat16), want), 5e-3) << width;
      backward(want.mul(dy).sum());
      EXPECT_LT(relative(w.grad(), w64.grad()), 5e-6) << width;
      if (width > 1) {
        EXPECT_LT(relative(x.grad(), x64.grad()), 5e-5) << width;
      }
      if (b.defined()) {
        EXPECT_LT(relative(b.grad(), b64.grad()), 5e-6);
      }
    }
  }
}

TEST(Kernels, ProductsInEveryLayout) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
    for (const int64_t rows : {3, 130}) {
      const at::Tensor x = at::randn({rows, 48}).to(dtype);
      const at::Tensor w = at::randn({33, 48}).to(dtype);
      const at::Tensor b = at::randn({33}).to(dtype);
      const at::Tensor dy = at::randn({rows, 33}).to(dtype);
      const double bound = dtype == at::kFloat ? 1e-5 : 1e-2;
      const at::Tensor x64 = x.to(at::kDouble);
      const at::Tensor w64 = w.to(at::kDouble);
      const at::Tensor dy64 = dy.to(at::kDouble);
      EXPECT_LT(relative(linear(x, w), x64.mm(w64.t())), bound);
      EXPECT_LT(relative(linear(x, w, b), x64.mm(w64.t()).add(b.to(at::kDouble))), bound);
      EXPECT_LT(relative(linear_grad_input(dy, w), dy64.mm(w64)), bound);
      EXPECT_LT(relative(linear_grad_weight(dy, x), dy64.t().mm(x64)), bound);
      EXPECT_LT(relative(column_sum(dy), dy64.sum(0)), 1e-5);
    }
  }
}

TEST(Kernels, LinearCrossEntropyAndItsGradient) {
  for (const auto& [vocab, smoothing] : std::vector<std::pair<int64_t, double>>{
           {5, 0}, {65, 0}, {8192, 0}, {5, 0.1}, {65, 0.3}, {8192, 0.1}}) {
    const at::Tensor x = leaf(at::randn({700, 24}));
    const at::Tensor w = leaf(at::randn({vocab, 24}));
    at::Tensor target = at::randint(vocab, {700}, at::kLong);
    target.narrow(0, 100, 50).fill_(-1);
    const at::Tensor loss = linear_cross_entropy(x, w, w, target, smoothing);
    backward(loss.div(650.0));
    const at::Tensor x64 = wide(x);
    const at::Tensor w64 = wide(w);
    const at::Tensor want = at::cross_entropy_loss(x64.mm(w64.t()), target, {}, 2 /* sum */, -1, smoothing);
    backward(want.div(650.0));
    EXPECT_NEAR(loss.item<double>() / want.item<double>(), 1, 1e-6);
    EXPECT_LT(relative(x.grad(), x64.grad()), 1e-5);
    EXPECT_LT(relative(w.grad(), w64.grad()), 1e-5);
    const at::Tensor each = linear_cross_entropy_each(x, w, target);
    const at::Tensor plain = at::cross_entropy_loss(x64.mm(w64.t()), target, {}, 2 /* sum */, -1);
    EXPECT_NEAR(each.sum().item<double>() / plain.item<double>(), 1, 1e-6);
    EXPECT_EQ(each[120].item<float>(), 0);
  }
  EXPECT_THROW(linear_cross_entropy_each(at::randn({1, 4}), at::randn({5, 4}), at::full({1}, 5, at::kLong)), Error);
  EXPECT_THROW(linear_cross_entropy_each(at::randn({1, 4}), at::randn({5, 4}), at::full({1}, -2, at::kLong)), Error);
}

TEST(Kernels, EmbeddingAndItsGradient) {
  const at::Tensor table = leaf(at::randn({11, 20}));
  const at::Tensor places = leaf(at::randn({6, 20}));
  const at::Tensor index = at::randint(11, {50}, at::kLong);
  const at::Tensor place = at::randint(6, {50}, at::kLong);
  const at::Tensor dy = at::randn({50, 20});
  const at::Tensor y = athanor::embedding(index, table, place, places);
  backward(y.mul(dy).sum());
  const at::Tensor table64 = wide(table);
  const at::Tensor places64 = wide(places);
  const at::Tensor want = at::embedding(table64, index).add(at::embedding(places64, place));
  backward(want.mul(dy).sum());
  EXPECT_LT(relative(y, want), 1e-6);
  EXPECT_LT(relative(table.grad(), table64.grad()), 1e-6);
  EXPECT_LT(relative(places.grad(), places64.grad()), 1e-6);
  EXPECT_THROW(athanor::embedding(at::full({1}, 11, at::kLong), table), Error);
  EXPECT_THROW(athanor::embedding(at::full({1}, -1, at::kLong), table), Error);
}

TEST(Kernels, RopeTurnsAndTurnsBack) {
  const RopeTable table = make_rope_table(50, 12, 10000);
  const at::Tensor position = at::randint(50, {20}, at::kLong);
  const at::Tensor x = at::randn({20, 5 * 12});
  at::Tensor y = x.clone();
  rope_(y, table, position, 3, 12, false);
  EXPECT_TRUE(y.narrow(1, 36, 24).equal(x.narrow(1, 36, 24)));  // heads beyond the third stay
  const double angle = position[4].item<double>() * std::pow(10000.0, -2.0 * 2 / 12);
  const double want = x[4][12 + 2].item<double>() * std::cos(angle) - x[4][12 + 8].item<double>() * std::sin(angle);
  EXPECT_NEAR(y[4][12 + 2].item<double>(), want, 1e-5);
  rope_(y, table, position, 3, 12, true);
  EXPECT_LT(relative(y, x), 1e-6);
}

TEST(Kernels, DropoutIsAFunctionOfItsKey) {
  const at::Tensor x = at::full({100000}, 1.0f);
  const at::Tensor y = dropout(x, 0.25, 42);
  EXPECT_TRUE(y.equal(dropout(x, 0.25, 42)));
  EXPECT_FALSE(y.equal(dropout(x, 0.25, 43)));
  EXPECT_NEAR(y.eq(0).sum().item<double>() / 100000, 0.25, 0.006);
  EXPECT_NEAR(y.mean().item<double>(), 1, 0.01);
  EXPECT_TRUE(dropout(x, 0, 42).is_same(x));
}

TEST(Kernels, SumsDoNotDependOnTheThreadCount) {
  const AttentionShape s{2, 40, 4, 2, 16};
  const at::Tensor qkv = at::randn({80, s.width()});
  const KeyIntervals keys = causal_keys(at::arange(40).repeat({2}), 40);
  const at::Tensor dy = at::randn({80, 64});
  const at::Tensor w = at::randn({64});
  const at::Tensor index = at::randint(9, {80}, at::kLong);
  const int before = at::get_num_threads();
  std::vector<at::Tensor> results[2];
  for (int i = 0; i < 2; ++i) {
    at::set_num_threads(i + 1);
    const AttentionOutput out = attention_forward(s, qkv, keys);
    const NormOutput n = norm_forward(Norm::kRms, dy, w, {}, 1e-5, at::kFloat);
    results[i] = {out.y_NE, attention_backward(s, dy, qkv, out, keys), column_sum(dy),
                  norm_backward(Norm::kRms, dy, dy, w, n.rstd_N, {}, {}).dweight_C, embedding_backward(dy, index, 9)};
  }
  at::set_num_threads(before);
  for (size_t i = 0; i < results[0].size(); ++i) {
    EXPECT_TRUE(results[0][i].equal(results[1][i])) << i;
  }
}

TEST(CustomOp, ChecksSavedTensorsAndSkipsWhatNeedsNoGradient) {
  const at::Tensor x = leaf(at::randn({4}));
  const auto square = [](const at::Tensor& t) {
    return custom_op({t, {}}, [&](std::vector<at::Tensor>& saved) { saved = {t}; return t.mul(t); },
                     [](const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
                       return std::vector<at::Tensor>{saved[0].mul(dy).mul(2), {}};
                     });
  };
  const at::Tensor y = square(x).sum();
  backward(y);
  EXPECT_LT(relative(x.grad(), x.detach().mul(2)), 1e-6);
  const at::Tensor z = square(x).sum();
  {
    NoGrad no_grad;
    at::Tensor changed = x;
    changed.add_(1);
    EXPECT_FALSE(square(x).requires_grad());
  }
  EXPECT_ANY_THROW(backward(z));
}

}  // namespace
}  // namespace athanor
