// Against ATen's convolution, ReLU and maximum.
#include "athanor/tensor/window_max.h"

#include <ATen/Parallel.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tensor.h>
#include <gtest/gtest.h>

#include <limits>

#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

struct Case {
  at::Tensor x_BTE, lengths_B, dy;
  std::vector<WindowFilters> filters;
};

// Filters that fill no vector, one tile, and two.
Case random_case() {
  Case made;
  made.x_BTE = at::randn({4, 11, 6});
  made.lengths_B = at::tensor({11, 7, 3, 1}, at::kLong);
  for (int64_t b = 0; b < 4; ++b) {
    const int64_t length = made.lengths_B[b].item<int64_t>();
    made.x_BTE[b].narrow(0, length, 11 - length).zero_();
  }
  made.x_BTE.requires_grad_(true);
  for (const auto& [count, width] : {std::pair(5, 3), std::pair(64, 1), std::pair(70, 4)}) {
    made.filters.push_back({at::randn({count, 6, width}).mul(0.3).requires_grad_(true), at::randn({count}).requires_grad_(true)});
  }
  made.dy = at::randn({4, 139});
  return made;
}

at::Tensor by_aten(const Case& c) {
  std::vector<at::Tensor> parts;
  for (const WindowFilters& each : c.filters) {
    const at::Tensor y = at::relu(at::conv1d(c.x_BTE.transpose(1, 2), each.weight_FEK, each.bias_F));
    std::vector<at::Tensor> rows;
    for (int64_t b = 0; b < c.x_BTE.size(0); ++b) {
      const int64_t windows = std::max<int64_t>(1, c.lengths_B[b].item<int64_t>() - each.weight_FEK.size(2) + 1);
      rows.push_back(y[b].narrow(1, 0, windows).amax({1}).unsqueeze(0));
    }
    parts.push_back(at::cat(rows));
  }
  return at::cat(parts, 1);
}

std::vector<at::Tensor> gradients(const Case& c, const at::Tensor& y) {
  backward(y.mul(c.dy).sum());
  std::vector<at::Tensor> all;
  const auto take = [&](at::Tensor leaf) {
    all.push_back(leaf.grad());
    leaf.mutable_grad().reset();
  };
  take(c.x_BTE);
  for (const WindowFilters& each : c.filters) {
    take(each.weight_FEK);
    take(each.bias_F);
  }
  return all;
}

double apart(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

TEST(WindowMax, IsAtensConvolutionAndMaximum) {
  const Case c = random_case();
  const at::Tensor want = by_aten(c);
  const at::Tensor found = window_max(c.x_BTE, c.lengths_B, c.filters);
  EXPECT_LE(apart(found, want), 2e-6);
  const auto wanted = gradients(c, want);
  const auto given = gradients(c, found);
  for (size_t i = 0; i < wanted.size(); ++i) {
    EXPECT_LE(apart(given[i], wanted[i]), 1e-5) << i;
  }
}

TEST(WindowMax, TheSameBitsForAnyNumberOfThreads) {
  const Case c = random_case();
  const int threads = at::get_num_threads();
  std::vector<at::Tensor> first;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const at::Tensor y = window_max(c.x_BTE, c.lengths_B, c.filters);
    std::vector<at::Tensor> all = gradients(c, y);
    all.push_back(y.detach());
    first = first.empty() ? all : first;
    for (size_t i = 0; i < all.size(); ++i) {
      EXPECT_TRUE(all[i].equal(first[i])) << i;
    }
  }
  at::set_num_threads(threads);
}

TEST(WindowMax, WhatIsNoNumberStaysSeen) {
  Case c = random_case();
  NoGrad no_grad;
  at::Tensor x = c.x_BTE.clone();
  x[0][2][1].fill_(std::numeric_limits<float>::quiet_NaN());
  EXPECT_TRUE(window_max(x, c.lengths_B, c.filters)[0].isnan().all().item<bool>());
  EXPECT_FALSE(window_max(x, c.lengths_B, c.filters)[1].isnan().any().item<bool>());
}

}  // namespace
}  // namespace athanor
