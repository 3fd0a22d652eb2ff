// Activations and conversions against ATen's own operators and autograd in fp64.
#include "athanor/tensor/activation.h"

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/full.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/silu.h>

#include <cmath>

#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

constexpr Activation kAll[] = {Activation::kSwiGlu, Activation::kGeluTanh, Activation::kGelu, Activation::kGeGlu,
                               Activation::kGeGluTanh};

at::Tensor leaf64(const at::Tensor& x) { return x.to(at::kDouble).detach().clone().set_requires_grad(true); }

double relative(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  const double scale = std::max(1e-6, want.abs().max().item<double>());
  return got.to(at::kDouble).sub(want).abs().max().item<double>() / scale;
}

at::Tensor reference(Activation kind, const at::Tensor& z) {
  const int64_t width = z.size(1) / 2;
  const auto gelu = [](const at::Tensor& u, bool tanh) { return at::gelu(u, tanh ? "tanh" : "none"); };
  switch (kind) {
    case Activation::kSwiGlu:
      return at::silu(z.narrow(1, 0, width)).mul(z.narrow(1, width, width));
    case Activation::kGeluTanh:
      return gelu(z, true);
    case Activation::kGelu:
      return gelu(z, false);
    case Activation::kGeGlu:
      return gelu(z.narrow(1, 0, width), false).mul(z.narrow(1, width, width));
    case Activation::kGeGluTanh:
      return gelu(z.narrow(1, 0, width), true).mul(z.narrow(1, width, width));
  }
  return z;
}

// Widths that are not whole vectors among them, with a bias and without.
TEST(Activation, ValuesAndGradientsInFp32) {
  for (const Activation kind : kAll) {
    for (const int64_t width : {1, 15, 16, 100}) {
      const int64_t columns = is_gated(kind) ? 2 * width : width;
      const at::Tensor dy = at::randn({39, width});
      const at::Tensor u = at::randn({39, columns}).mul(4);
      for (const at::Tensor& bias : {at::Tensor(), at::randn({columns})}) {
        const at::Tensor u64 = leaf64(u);
        const at::Tensor bias64 = bias.defined() ? leaf64(bias) : at::Tensor();
        const at::Tensor want = reference(kind, bias.defined() ? u64.add(bias64) : u64);
        backward(want.mul(dy).sum());
        EXPECT_LT(relative(activation_forward(kind, u, bias), want), 1e-6);
        const ActivationGradients got = activation_backward(kind, dy, u, bias);
        EXPECT_LT(relative(got.du, u64.grad()), 5e-6);
        EXPECT_LT(relative(got.y_NI, want), 1e-6);
        ASSERT_EQ(got.dbias.defined(), bias.defined());
        if (bias.defined()) {
          EXPECT_LT(relative(got.dbias, bias64.grad()), 1e-5);
        }
      }
    }
  }
}

TEST(Activation, HalfPrecisionsRoundOnce) {
  for (const Activation kind : kAll) {
    for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
      if (dtype == at::kBFloat16 && (kind == Activation::kGelu || kind == Activation::kGeGlu)) {
        continue;  // computed to bf16's own precision: GeluInBf16IsWithinAnUlpEverywhere
      }
      const int64_t columns = is_gated(kind) ? 66 : 33;
      const at::Tensor u = at::randn({9, columns}).mul(2).to(dtype);
      const at::Tensor dy = at::randn({9, 33}).to(dtype);
      EXPECT_TRUE(activation_forward(kind, u).equal(activation_forward(kind, u.to(at::kFloat)).to(dtype)));
      const ActivationGradients got = activation_backward(kind, dy, u);
      const ActivationGradients want = activation_backward(kind, dy.to(at::kFloat), u.to(at::kFloat));
      EXPECT_TRUE(got.du.equal(want.du.to(dtype)));
      EXPECT_TRUE(got.y_NI.equal(want.y_NI.to(dtype)));
    }
  }
}

// Central differences of the forward: a check that does not lean on anybody's gradient.
// Behind a product, fused where that is our own and one after the other elsewhere.
TEST(Activation, GradientsBehindAProduct) {
  for (const Activation kind : kAll) {
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16}) {
      for (const int64_t width : {100, 64}) {
        const int64_t columns = is_gated(kind) ? 2 * width : width;
        const at::Tensor u = at::randn({139, columns}).mul(2).to(dtype);
        const at::Tensor dy = at::randn({139, 40}).to(dtype);
        const at::Tensor w = at::randn({40, width}).to(dtype);
        const at::Tensor bias = at::randn({columns});
        const ActivationGradients want =
            activation_backward(kind, dy.to(at::kFloat).mm(w.to(at::kFloat)), u.to(at::kFloat), bias);
        at::Tensor used = u.clone();
        const ActivationGradients got = activation_backward_(kind, dy, w, used, bias);
        const double bound = dtype == at::kFloat ? 1e-5 : 1e-2;
        EXPECT_LT(relative(got.du, want.du.to(at::kDouble)), bound);
        EXPECT_LT(relative(got.y_NI, want.y_NI.to(at::kDouble)), bound);
        EXPECT_LT(relative(got.dbias, want.dbias.to(at::kDouble)), bound);
        EXPECT_EQ(got.du.scalar_type(), dtype);
      }
    }
  }
}

TEST(Activation, GradientsAreTheSlopesOfTheForward) {
  const double h = 1.0 / 64;
  for (const Activation kind : kAll) {
    const at::Tensor u = at::randn({8, 32});
    const int64_t width = is_gated(kind) ? 16 : 32;
    const at::Tensor dy = at::full({8, width}, 1.0f);
    const at::Tensor du = activation_backward(kind, dy, u).du;
    const at::Tensor rise = activation_forward(kind, u.add(h)).sub(activation_forward(kind, u.sub(h))).div(2 * h);
    const at::Tensor along = is_gated(kind) ? du.narrow(1, 0, 16).add(du.narrow(1, 16, 16)) : du;
    EXPECT_LT(along.sub(rise).abs().max().item<float>(), 2e-3f);
  }
}

TEST(Activation, GeluFollowsTheErrorFunction) {
  const at::Tensor u = at::arange(-1200, 1201).to(at::kFloat).div(100);
  const at::Tensor want = at::gelu(u.to(at::kDouble));
  const at::Tensor got = activation_forward(Activation::kGelu, u.view({1, -1})).view({-1});
  EXPECT_LT(got.to(at::kDouble).sub(want).abs().max().item<double>(), 6e-7);
}

// Every bf16 number, against the exact value in double, rounded.
TEST(Activation, GeluInBf16IsWithinAnUlpEverywhere) {
  constexpr double kRootHalf = 0.70710678118654752;
  const at::Tensor u = at::empty({256, 256}, at::kBFloat16);
  auto* inputs = u.mutable_data_ptr<c10::BFloat16>();
  for (int64_t i = 0; i < 65536; ++i) {
    inputs[i] = c10::BFloat16(static_cast<uint16_t>(i), c10::BFloat16::from_bits());
  }
  const at::Tensor y = activation_forward(Activation::kGelu, u);
  const ActivationGradients back = activation_backward(Activation::kGelu, at::ones_like(u), u);
  int64_t others = 0;
  for (int64_t i = 0; i < 65536; ++i) {
    const auto x = static_cast<double>(static_cast<float>(inputs[i]));
    const auto got = static_cast<double>(static_cast<float>(y.const_data_ptr<c10::BFloat16>()[i]));
    const auto slope = static_cast<double>(static_cast<float>(back.du.const_data_ptr<c10::BFloat16>()[i]));
    if (std::isnan(x)) {
      EXPECT_TRUE(std::isnan(got)) << i;
    }
    if (!std::isfinite(x)) {
      continue;
    }
    const double below = 0.5 * std::erfc(-x * kRootHalf);
    const auto want = static_cast<double>(static_cast<float>(c10::BFloat16(static_cast<float>(x * below))));
    const double ulp = std::ldexp(1.0, std::ilogb(std::max(std::abs(want), 0x1p-122)) - 7);
    EXPECT_LE(std::abs(got - want), std::abs(want) < 0x1p-122 ? 0x1p-122 : ulp) << x;
    others += got != want ? 1 : 0;
    const double exact_slope = below + x * std::exp(-0.5 * x * x) * 0.39894228040143268;
    EXPECT_LE(std::abs(slope - exact_slope), 0.005 * (std::abs(exact_slope) + below) + 0x1p-119) << x;
  }
  EXPECT_LT(others, 600) << "so many are not the nearest";
}

TEST(Activation, ExtremesStayFiniteAndNanIsNeverHidden) {
  for (const Activation kind : kAll) {
    const at::Tensor extreme = at::full({1, 2}, -200.0f);
    EXPECT_LT(activation_forward(kind, extreme).abs().max().item<float>(), 1e-30f);
    const at::Tensor nan = at::full({2, 16}, NAN);
    EXPECT_TRUE(std::isnan(activation_forward(kind, nan).sum().item<float>()));
  }
}

TEST(Activation, BiasGradientDoesNotDependOnThreads) {
  const at::Tensor u = at::randn({333, 64});
  const at::Tensor dy = at::randn({333, 64});
  const at::Tensor bias = at::randn({64});
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = activation_backward(Activation::kGelu, dy, u, bias).dbias;
  at::set_num_threads(2);
  EXPECT_TRUE(one.equal(activation_backward(Activation::kGelu, dy, u, bias).dbias));
  at::set_num_threads(threads);
}

TEST(Conversion, RoundsToNearestEven) {
  for (const at::ScalarType dtype : {at::kBFloat16, at::kHalf}) {
    const at::Tensor x = at::cat({at::randn({1003}), at::full({3}, 1e38f), at::full({2}, INFINITY),
                                  at::randn({333}).mul(1e-6), at::randn({100}).mul(30000)});
    EXPECT_TRUE(to_dtype(x, dtype).equal(x.to(dtype)));
    EXPECT_TRUE(to_dtype(x.to(dtype), at::kFloat).equal(x.to(dtype).to(at::kFloat)));
  }
}

// Every fp16 number, and every midpoint between two of them.
TEST(Conversion, Fp16IsExactEverywhere) {
  const at::Tensor bits = at::arange(0, 65536).to(at::kInt).to(at::kShort);
  const at::Tensor half = bits.view(at::kHalf);
  const at::Tensor got = to_dtype(half, at::kFloat);
  const at::Tensor want = half.to(at::kFloat);
  EXPECT_TRUE(got.isnan().equal(want.isnan()));
  EXPECT_TRUE(got.nan_to_num(0).equal(want.nan_to_num(0)));
  const at::Tensor finite = want.masked_select(want.isfinite());
  const at::Tensor above = finite.narrow(0, 1, finite.numel() - 1);
  const at::Tensor middle = finite.narrow(0, 0, finite.numel() - 1).add(above).div(2).contiguous();
  EXPECT_TRUE(to_dtype(middle, at::kHalf).equal(middle.to(at::kHalf)));
  EXPECT_TRUE(to_dtype(want.nan_to_num(0), at::kHalf).equal(want.nan_to_num(0).to(at::kHalf)));
}

}  // namespace
}  // namespace athanor
