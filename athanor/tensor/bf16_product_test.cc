#include "athanor/tensor/bf16_product.h"

#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/zeros.h>

#include "athanor/base/error.h"
#include "athanor/tensor/gemm.h"

namespace athanor {
namespace {

struct Sizes {
  int64_t m, n, k;
};

Bf16Matrix lines_of(const at::Tensor& x, bool k_in_lines) {
  return {x.const_data_ptr<c10::BFloat16>(), x.stride(0), k_in_lines};
}

// a_MK b_KN, each laid out as asked, inside a wider matrix whose other elements are NaN.
at::Tensor product(const at::Tensor& a_MK, bool a_lines, const at::Tensor& b_KN, bool b_lines) {
  const auto laid_out = [](const at::Tensor& x) {
    at::Tensor wide = at::zeros({x.size(0) + 1, x.size(1) + 6}, x.options()).fill_(NAN);
    wide.narrow(0, 0, x.size(0)).narrow(1, 0, x.size(1)).copy_(x);
    return wide;
  };
  const at::Tensor a = laid_out(a_lines ? a_MK : a_MK.t());
  const at::Tensor b = laid_out(b_lines ? b_KN.t() : b_KN);
  at::Tensor y = at::zeros({a_MK.size(0), b_KN.size(1)}, at::kFloat);
  auto* const out = y.mutable_data_ptr<float>();
  bf16_product(lines_of(a, a_lines), lines_of(b, b_lines), y.size(0), y.size(1), a_MK.size(1),
               [&](const ProductBlock& block) {
                 for (int64_t r = 0; r < block.rows; ++r) {
                   for (int64_t c = 0; c < block.columns; ++c) {
                     out[(block.row + r) * y.size(1) + block.column + c] += block.values[r * block.stride + c];
                   }
                 }
               });
  return y;
}

TEST(Bf16Product, EveryLayoutAndEdge) {
  if (!has_bf16_product()) {
    GTEST_SKIP() << "no bf16 dot products here";
  }
  // Tiles cut by each edge; several depths; the right operand in parts of N, and of K.
  for (const Sizes s : {Sizes{1, 1, 2}, {7, 47, 30}, {8, 48, 32}, {9, 49, 34}, {130, 100, 1030}, {300, 17, 514},
                        {3, 5000, 900}, {20, 600, 9000}}) {
    const at::Tensor a = at::randn({s.m, s.k}).to(at::kBFloat16);
    const at::Tensor b = at::randn({s.k, s.n}).to(at::kBFloat16);
    const at::Tensor want = a.to(at::kDouble).mm(b.to(at::kDouble));
    for (const bool a_lines : {false, true}) {
      for (const bool b_lines : {false, true}) {
        const double error = product(a, a_lines, b, b_lines).sub(want).abs().max().item<double>();
        EXPECT_LT(error, 2e-5 * static_cast<double>(s.k)) << s.m << " x " << s.n << " x " << s.k << a_lines << b_lines;
      }
    }
  }
}

TEST(Bf16Product, BitsDoNotDependOnThreads) {
  if (!has_bf16_product()) {
    GTEST_SKIP() << "no bf16 dot products here";
  }
  const at::Tensor a = at::randn({333, 1200}).to(at::kBFloat16);
  const at::Tensor b = at::randn({1200, 200}).to(at::kBFloat16);
  const int threads = at::get_num_threads();
  at::set_num_threads(1);
  const at::Tensor one = product(a, true, b, false);
  at::set_num_threads(2);
  const at::Tensor two = product(a, true, b, false);
  at::set_num_threads(threads);
  EXPECT_TRUE(at::equal(one, two));
}

TEST(Bf16Product, Fp32WeightsGiveTheBitsOfRoundedOnes) {
  if (!has_bf16_product()) {
    GTEST_SKIP() << "no bf16 dot products here";
  }
  for (const Sizes s : {Sizes{70, 50, 34}, {65, 130, 1030}}) {
    const at::Tensor x = at::randn({s.m, s.k}).to(at::kBFloat16);
    const at::Tensor dy = at::randn({s.m, s.n}).to(at::kBFloat16);
    const at::Tensor w = at::randn({s.n, s.k});
    ASSERT_TRUE(rounds_fp32_weights(s.m, w));
    EXPECT_TRUE(at::equal(linear(x, w), linear(x, w.to(at::kBFloat16))));
    EXPECT_TRUE(at::equal(linear_grad_input(dy, w), linear_grad_input(dy, w.to(at::kBFloat16))));
  }
  const at::Tensor odd = at::randn({51, 34});
  EXPECT_FALSE(rounds_fp32_weights(70, odd));
  const at::Tensor x = at::randn({70, 34}).to(at::kBFloat16);
  EXPECT_TRUE(at::equal(linear(x, odd), linear(x, odd.to(at::kBFloat16))));  // all the same: a copy, made on the spot
  EXPECT_FALSE(rounds_fp32_weights(8, at::randn({50, 34})));
}

TEST(Bf16Product, RefusesWhatItDoesNotTake) {
  EXPECT_FALSE(fits_bf16_product(1, 1, 3));
  EXPECT_FALSE(fits_bf16_product(0, 1, 2));
  const Bf16Matrix none{nullptr, 0, true};
  EXPECT_THROW(bf16_product(none, none, 1, 1, 3, [](const ProductBlock&) {}), Error);
}

}  // namespace
}  // namespace athanor
