#include <gtest/gtest.h>

#include <ATen/ops/cat.h>
#include <ATen/ops/randn.h>
#include <ATen/ops/rms_norm.h>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/head_norm.h"

namespace athanor {
namespace {

double relative(const at::Tensor& got, const at::Tensor& want) {
  EXPECT_EQ(got.sizes(), want.sizes());
  return got.to(at::kDouble).sub(want).abs().max().item<double>() / std::max(1e-6, want.abs().max().item<double>());
}

// Against at::rms_norm in fp64; head widths that are not whole vectors among them.
TEST(HeadNorm, ValueAndGradient) {
  for (const int64_t dim : {6, 16, 40, 64}) {
    const at::Tensor x = at::randn({37, 5 * dim}).mul(3);
    const at::Tensor w = at::randn({dim});
    const at::Tensor dy = at::randn({37, 5 * dim});
    const HeadNorm norm{1, 3, dim, w, 1e-5};
    const at::Tensor x64 = x.to(at::kDouble).set_requires_grad(true);
    const at::Tensor w64 = w.to(at::kDouble).set_requires_grad(true);
    const at::Tensor middle = at::rms_norm(x64.narrow(1, dim, 3 * dim).reshape({37 * 3, dim}), {dim}, w64, 1e-5);
    const at::Tensor want =
        at::cat({x64.narrow(1, 0, dim), middle.view({37, 3 * dim}), x64.narrow(1, 4 * dim, dim)}, 1);
    backward(want.mul(dy).sum());
    for (const at::ScalarType dtype : {at::kFloat, at::kBFloat16, at::kHalf}) {
      const bool exact = dtype == at::kFloat;
      at::Tensor y = x.to(dtype, false, true);
      head_norm_(y, norm);
      EXPECT_LT(relative(y, want.detach()), exact ? 2e-6 : 1e-2) << dim;
      at::Tensor dx = dy.to(dtype, false, true);
      const at::Tensor dw = head_norm_backward_(dx, x.to(dtype), norm);
      EXPECT_LT(relative(dx, x64.grad()), exact ? 1e-5 : 2e-2) << dim;
      EXPECT_LT(relative(dw, w64.grad()), exact ? 1e-5 : 2e-2) << dim;
    }
  }
}

}  // namespace
}  // namespace athanor
