// Matrix products through LibTorch (cuBLAS), and the norm of heads by its operators.
#include <ATen/ops/add.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/mm.h>

#include "athanor/tensor/device/ops.h"

namespace athanor::device {
namespace {

// a b in fp32, from operands of 16 bits without rounding in between.
at::Tensor product_fp32(const at::Tensor& a, const at::Tensor& b) {
  if (a.scalar_type() == at::kFloat) {
    return at::mm(a, b);
  }
  return a.is_cuda() ? at::mm(a, b, at::kFloat) : at::mm(a.to(at::kFloat), b.to(at::kFloat));
}

// The heads that norm names, [N, heads, D], as a view.
at::Tensor heads_of(const at::Tensor& x_NF, const HeadNorm& norm) {
  return x_NF.narrow(1, norm.first * norm.head_dim, norm.count * norm.head_dim)
      .unflatten(1, {norm.count, norm.head_dim});
}

at::Tensor rstd_of(const at::Tensor& x_NHD, double eps) { return x_NHD.square().mean(-1, true).add_(eps).rsqrt_(); }

}  // namespace

at::Tensor linear(const at::Tensor& x_NK, const at::Tensor& w_MK, const at::Tensor& bias_M) {
  return bias_M.defined() ? at::addmm(bias_M, x_NK, w_MK.t()) : at::mm(x_NK, w_MK.t());
}

at::Tensor linear_grad_input(const at::Tensor& dy_NM, const at::Tensor& w_MK) { return at::mm(dy_NM, w_MK); }

at::Tensor linear_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK) { return product_fp32(dy_NM.t(), x_NK); }

void add_grad_weight(const at::Tensor& dy_NM, const at::Tensor& x_NK, at::Tensor& dw_MK, bool first) {
  const at::Tensor dw = linear_grad_weight(dy_NM, x_NK);
  first ? dw_MK.copy_(dw) : dw_MK.add_(dw);
}

at::Tensor column_sum(const at::Tensor& dy_NM) { return dy_NM.sum(0, false, at::kFloat); }

void head_norm_(at::Tensor& x_NF, const HeadNorm& norm) {
  at::Tensor heads = heads_of(x_NF, norm);
  const at::Tensor x = heads.to(at::kFloat);
  heads.copy_(x.mul(rstd_of(x, norm.eps)).mul_(norm.weight_D));
}

at::Tensor head_norm_backward_(at::Tensor& dy_NF, const at::Tensor& x_NF, const HeadNorm& norm) {
  at::Tensor heads = heads_of(dy_NF, norm);
  const at::Tensor dy = heads.to(at::kFloat);
  const at::Tensor x = heads_of(x_NF, norm).to(at::kFloat);
  const at::Tensor rstd = rstd_of(x, norm.eps);
  const at::Tensor scaled = x.mul(rstd);
  const at::Tensor g = dy.mul(norm.weight_D);
  const at::Tensor dweight = dy.mul(scaled).sum({0, 1});  // before heads, which in fp32 is dy, is written
  heads.copy_(g.sub(scaled.mul(g.mul(scaled).mean(-1, true))).mul_(rstd));
  return dweight;
}

}  // namespace athanor::device
