#include "athanor/train/muon.h"

#include <ATen/ops/linalg_vector_norm.h>

#include <algorithm>
#include <cmath>

#include "athanor/tensor/gemm.h"

namespace athanor {

namespace {

constexpr double kA = 3.4445;
constexpr double kB = -4.7750;
constexpr double kC = 2.0315;
constexpr int kSteps = 5;
constexpr double kMinNorm = 1e-7;

}  // namespace

at::Tensor orthogonalised(const at::Tensor& x_RC, bool bf16) {
  const bool tall = x_RC.size(0) > x_RC.size(1);  // products of the shorter side are the smaller ones
  at::Tensor x = (tall ? x_RC.t() : x_RC).to(bf16 ? at::kBFloat16 : at::kFloat).contiguous();
  x = x.div(std::max(at::linalg_vector_norm(x, 2, {}, false, at::kFloat).item<double>(), kMinNorm));
  for (int step = 0; step < kSteps; ++step) {
    const at::Tensor gram = linear(x, x);
    const at::Tensor update = gram.mul(kB).add_(linear(gram, gram), kC);  // gram is symmetric
    x = x.mul(kA).add_(linear_grad_input(update, x));
  }
  x = x.to(at::kFloat);
  return tall ? x.t().contiguous() : x;
}

double muon_scale(int64_t rows, int64_t columns) {
  return 0.2 * std::sqrt(static_cast<double>(std::max(rows, columns)));
}

}  // namespace athanor
