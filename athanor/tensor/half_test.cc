// fp16 and the fused forms of kernels: against the same kernel in fp32, and against ATen.
#include <gtest/gtest.h>

#include <ATen/ops/arange.h>
#include <ATen/ops/cross_entropy_loss.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/randint.h>
#include <ATen/ops/randn.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/tensor/attention.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/norm.h"
#include "athanor/tensor/rope.h"

namespace athanor {
namespace {

at::Tensor half(const at::Tensor& x) { return x.to(at::kHalf); }
at::Tensor leaf(const at::Tensor& x) { return x.detach().clone().set_requires_grad(true); }

double relative(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  const at::Tensor wide = want.to(at::kDouble);
  return got.to(at::kDouble).sub(wide).abs().max().item<double>() / std::max(1e-6, wide.abs().max().item<double>());
}

TEST(Half, NormsRoundOnce) {
  for (const Norm kind : {Norm::kRms, Norm::kLayer}) {
    const at::Tensor x = at::randn({19, 77});
    const at::Tensor w = at::randn({77});
    const at::Tensor b = at::randn({77});
    const NormOutput out = norm_forward(kind, x, w, b, 1e-5, at::kHalf);
    EXPECT_TRUE(out.y_NC.equal(half(norm_forward(kind, x, w, b, 1e-5, at::kFloat).y_NC)));
    const at::Tensor dy = half(at::randn({19, 77}));
    const NormGradients got = norm_backward(kind, dy, x, w, out.rstd_N, out.mean_N, {});
    const NormGradients want = norm_backward(kind, dy.to(at::kFloat), x, w, out.rstd_N, out.mean_N, {});
    EXPECT_LT(relative(got.dx_NC, want.dx_NC), 1e-6);
    EXPECT_LT(relative(got.dweight_C, want.dweight_C), 1e-6);
  }
}

TEST(Half, RopeRoundsOnce) {
  const RopeTable table = make_rope_table(32, 24, 10000);
  const at::Tensor position = at::arange(32, at::kLong);
  at::Tensor x = half(at::randn({32, 48}));
  at::Tensor wide = x.to(at::kFloat);
  rope_(x, table, position, 2, 24, false);
  rope_(wide, table, position, 2, 24, false);
  EXPECT_TRUE(x.equal(half(wide)));
}

TEST(Half, AttentionFollowsFp32) {
  const AttentionShape shape{2, 33, 4, 2, 16};
  const KeyIntervals keys = causal_keys(at::arange(33, at::kLong).repeat({2}), 33);
  const at::Tensor qkv = half(at::randn({66, shape.width()}));
  const at::Tensor dy = half(at::randn({66, 64}));
  const AttentionOutput got = attention_forward(shape, qkv, keys);
  const AttentionOutput want = attention_forward(shape, qkv.to(at::kFloat), keys);
  EXPECT_EQ(got.y_NE.scalar_type(), at::kHalf);
  EXPECT_LT(relative(got.y_NE, want.y_NE), 1e-3);
  EXPECT_LT(relative(attention_backward(shape, dy, qkv, got, keys),
                     attention_backward(shape, dy.to(at::kFloat), qkv.to(at::kFloat), want, keys)),
            4e-3);
}

TEST(Half, ProductsAreMadeInFp32) {
  const at::Tensor x = half(at::randn({70, 48}));
  const at::Tensor w = half(at::randn({33, 48}));
  const at::Tensor bias = half(at::randn({33}));
  const at::Tensor dy = half(at::randn({70, 33}));
  const auto wide = [](const at::Tensor& t) { return t.to(at::kDouble); };
  EXPECT_LT(relative(linear(x, w, bias), wide(x).mm(wide(w).t()).add(wide(bias))), 1e-3);
  EXPECT_LT(relative(linear_grad_input(dy, w), wide(dy).mm(wide(w))), 1e-3);
  EXPECT_LT(relative(linear_grad_weight(dy, x), wide(dy).t().mm(wide(x))), 1e-5);
  EXPECT_LT(relative(column_sum(dy), wide(dy).sum(0)), 1e-5);
}

TEST(Fused, WeightGradientsInBlocksAddUp) {
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const at::Tensor x = at::randn({40, 6000}).to(dtype);  // wide enough for several blocks
    const at::Tensor dy = at::randn({40, 700}).to(dtype);
    at::Tensor dw = at::full({700, 6000}, 7.0f);
    add_grad_weight(dy, x, dw, true);
    add_grad_weight(dy, x, dw, false);
    const at::Tensor want = dy.to(at::kDouble).t().mm(x.to(at::kDouble)).mul(2);
    EXPECT_LT(relative(dw, want), dtype == at::kBFloat16 ? 1e-2 : 1e-5);
  }
}

TEST(Fused, ResidualAndDropoutInOnePass) {
  const at::Tensor base = at::randn({37, 21});
  for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
    const at::Tensor x = at::randn({37, 21}).to(dtype);
    EXPECT_TRUE(add_dropout(base, x, 0, 5).equal(base.add(x.to(at::kFloat))));
    const at::Tensor want = base.add(dropout(x.to(at::kFloat), 0.25, 5));
    EXPECT_LT(relative(add_dropout(base, x, 0.25, 5), want), 1e-6);
  }
}

TEST(Fused, SoftmaxCrossEntropyAndItsGradient) {
  for (const double smoothing : {0.0, 0.1}) {
    const at::Tensor logits = leaf(at::randn({9, 37}).mul(3));
    const at::Tensor want_logits = leaf(logits.to(at::kDouble));
    const at::Tensor target = at::randint(37, {9}, at::kLong);
    target.mutable_data_ptr<int64_t>()[4] = -1;
    const at::Tensor loss = softmax_cross_entropy(logits, target, smoothing);
    const at::Tensor want =
        at::cross_entropy_loss(want_logits, target, {}, at::Reduction::Sum, -1, smoothing);
    EXPECT_NEAR(loss.item<float>(), want.item<double>(), 1e-4);
    backward(loss.mul(0.5));
    backward(want.mul(0.5));
    EXPECT_LT(relative(logits.grad(), want_logits.grad()), 2e-6);
    EXPECT_TRUE(logits.detach().equal(want_logits.detach().to(at::kFloat)));  // the caller's logits are left alone
  }
  EXPECT_THROW(softmax_cross_entropy(at::randn({2, 3}), at::full({2}, 3, at::kLong)), Error);
}

TEST(Fused, LinearCrossEntropyInFp16KeepsSmallGradients) {
  const at::Tensor x = leaf(half(at::randn({50, 24})));
  const at::Tensor w = leaf(at::randn({3000, 24}).mul(0.02));
  const at::Tensor target = at::randint(3000, {50}, at::kLong);
  backward(linear_cross_entropy(x, w, half(w.detach()), target));
  const at::Tensor x32 = leaf(x.to(at::kFloat));
  const at::Tensor w32 = leaf(w);
  backward(linear_cross_entropy(x32, w32, w32.detach(), target));
  EXPECT_EQ(x.grad().scalar_type(), at::kHalf);
  EXPECT_TRUE(x.grad().equal(half(x32.grad())));
  EXPECT_TRUE(w.grad().equal(w32.grad()));
}

// The gradient was changed in place by the first pass: a second one is an error, not a wrong number.
TEST(Fused, ASecondBackwardPassIsRefused) {
  const at::Tensor logits = leaf(at::randn({4, 8}));
  const at::Tensor loss = softmax_cross_entropy(logits, at::randint(8, {4}, at::kLong));
  loss.backward({}, /*retain_graph=*/true);
  EXPECT_ANY_THROW(loss.backward());
}

}  // namespace
}  // namespace athanor
