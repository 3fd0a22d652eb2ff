// Against ATen's convolution.
#include "athanor/tensor/time_conv.h"

#include <ATen/Parallel.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/randn.h>
#include <gtest/gtest.h>

#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

struct Answer {
  at::Tensor y;
  std::vector<at::Tensor> gradients;
};

struct Case {
  Case(int64_t in, int64_t out, int64_t taps)
      : x(at::randn({3, 19, in}).requires_grad_(true)),
        weight(at::randn({out, in, taps}).mul(0.3).requires_grad_(true)),
        bias(at::randn({out}).requires_grad_(true)),
        dy(at::randn({3, 19, out})) {}
  at::Tensor x, weight, bias, dy;

  Answer answer(const at::Tensor& y) const {
    Answer all{y.detach(), {}};
    backward(y.mul(dy).sum());
    for (at::Tensor leaf : {x, weight, bias}) {
      all.gradients.push_back(leaf.grad());
      leaf.mutable_grad().reset();
    }
    return all;
  }
};

double apart(const at::Tensor& a, const at::Tensor& b) {
  EXPECT_EQ(a.sizes(), b.sizes());
  return a.sub(b).abs().max().item<double>();
}

// Channels that fill no vector, one, and more than a block; kernels wider than the series.
TEST(TimeConv, IsAtens) {
  for (const auto& [in, out] : {std::pair(3, 32), std::pair(32, 5), std::pair(70, 16), std::pair(16, 130)}) {
    for (const auto& [taps, dilation] : {std::pair(1, 1), std::pair(3, 1), std::pair(3, 4), std::pair(5, 16)}) {
      SCOPED_TRACE(std::to_string(in) + " to " + std::to_string(out) + ", " + std::to_string(taps) + " x " + std::to_string(dilation));
      const Case c(in, out, taps);
      const Answer want = c.answer(at::conv1d(c.x.transpose(1, 2), c.weight, c.bias, {1}, {dilation * (taps - 1) / 2}, {dilation}).transpose(1, 2));
      const Answer found = c.answer(time_conv(c.x, c.weight, c.bias, dilation));
      EXPECT_LE(apart(found.y, want.y), 1e-5);
      for (size_t i = 0; i < want.gradients.size(); ++i) {
        EXPECT_LE(apart(found.gradients[i], want.gradients[i]), 4e-5) << i;
      }
    }
  }
}

TEST(TimeConv, TheSameBitsForAnyNumberOfThreads) {
  const int threads = at::get_num_threads();
  const Case c(20, 40, 3);
  Answer first;
  for (const int count : {1, 2, 3}) {
    at::set_num_threads(count);
    const Answer found = c.answer(time_conv(c.x, c.weight, c.bias, 2));
    first = first.y.defined() ? first : found;
    EXPECT_TRUE(found.y.equal(first.y)) << count;
    for (size_t i = 0; i < first.gradients.size(); ++i) {
      EXPECT_TRUE(found.gradients[i].equal(first.gradients[i])) << count << " " << i;
    }
  }
  at::set_num_threads(threads);
}

}  // namespace
}  // namespace athanor
