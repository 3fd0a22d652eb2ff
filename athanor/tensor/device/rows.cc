// Operators on rows of activations, by the unit's kernels.
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/searchsorted.h>
#include <ATen/ops/sort.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <optional>
#include <tuple>

#include "athanor/tensor/cuda/rows.h"
#include "athanor/tensor/device/launch.h"
#include "athanor/tensor/device/ops.h"
#include "athanor/tensor/device/transfer.h"

namespace athanor::device {
namespace {

int gate_of(Activation kind) {
  switch (kind) {
    case Activation::kSwiGlu:
      return static_cast<int>(cuda::Gate::kSwiGlu);
    case Activation::kGeluTanh:
      return static_cast<int>(cuda::Gate::kGeluTanh);
    case Activation::kGelu:
      return static_cast<int>(cuda::Gate::kGelu);
    case Activation::kGeGlu:
      return static_cast<int>(cuda::Gate::kGeGlu);
    case Activation::kGeGluTanh:
      return static_cast<int>(cuda::Gate::kGeGluTanh);
  }
  throw Error(ErrorKind::kInternal, "an activation that no kernel knows");
}

uint32_t threshold_of(double p) { return static_cast<uint32_t>(p * 4294967296.0); }
float kept_scale(double p) { return static_cast<float>(1.0 / (1.0 - p)); }

// An embedding's gradient has one block a row, which adds its tokens one after another. A table of few rows (BERT's two kinds of
// segment) would have all of a batch's tokens added by two blocks: its rows are cut into so many pieces, each a row of a larger
// table. By the sizes alone, so that a resumed run adds in the same order.
int64_t pieces_of_rows(int64_t tokens, int64_t num_rows) {
  constexpr int64_t kMost = 128;
  constexpr int64_t kTokens = 64;  // of a piece, where all rows are read alike
  constexpr int64_t kWorthIt = 8;
  const int64_t pieces = std::min(kMost, tokens / (kTokens * num_rows));
  return pieces < kWorthIt ? 1 : pieces;
}

// first: where the tokens of each row begin, and the end of all; the same for the rows cut into even pieces.
at::Tensor cut_rows(const at::Tensor& first, int64_t pieces) {
  const int64_t rows = first.size(0) - 1;
  const at::Tensor begin = first.narrow(0, 0, rows).unsqueeze(1);
  const at::Tensor count = first.narrow(0, 1, rows).unsqueeze(1).sub(begin);
  const at::Tensor piece = at::arange(pieces, first.options()).unsqueeze(0);
  return at::cat({count.mul(piece).floor_divide_(pieces).add_(begin).flatten(), first.narrow(0, rows, 1)});
}

}  // namespace

at::Tensor beside(const at::Tensor& x, const at::Tensor& like) {
  return x.defined() ? transfer(x, like.device()) : x;
}

NormOutput norm_forward(Norm kind, const at::Tensor& x_NC, const at::Tensor& weight_C, const at::Tensor& bias_C, double eps,
                        at::ScalarType out_dtype) {
  const bool centred = kind == Norm::kLayer;
  const int64_t rows = x_NC.size(0);
  NormOutput out;
  out.y_NC = at::empty(x_NC.sizes(), x_NC.options().dtype(out_dtype));
  out.rstd_N = at::empty({rows}, x_NC.options());
  if (centred) {
    out.mean_N = at::empty({rows}, x_NC.options());
  }
  launch("a norm", gpu_unit().norm, x_NC, rows, x_NC.size(1), static_cast<float>(eps), static_cast<int>(centred), 0.0f,
         floats(x_NC), static_cast<const float*>(nullptr), static_cast<float*>(nullptr), floats(weight_C),
         centred ? floats(bias_C) : nullptr, dtype_code(out_dtype), out.y_NC.mutable_data_ptr(), floats_out(out.mean_N),
         floats_out(out.rstd_N));
  return out;
}

NormGradients norm_backward(Norm kind, const at::Tensor& dy_NC, const at::Tensor& x_NC, const at::Tensor& weight_C,
                            const at::Tensor& rstd_N, const at::Tensor& mean_N, const at::Tensor& residual_NC) {
  const bool centred = kind == Norm::kLayer;
  const int64_t rows = x_NC.size(0);
  const int64_t width = x_NC.size(1);
  NormGradients out;
  out.dx_NC = at::empty(x_NC.sizes(), x_NC.options());
  out.dweight_C = at::zeros({width}, x_NC.options());
  if (centred) {
    out.dbias_C = at::zeros({width}, x_NC.options());
  }
  const at::Tensor partial = at::empty({gpu_unit().norm_partials(rows) * 2 * width}, x_NC.options());
  launch("a norm's gradient", gpu_unit().norm_backward, x_NC, rows, width, static_cast<int>(centred), 0.0f,
         dtype_code(dy_NC.scalar_type()), dy_NC.const_data_ptr(), floats(x_NC), floats(weight_C),
         centred ? floats(mean_N) : nullptr, floats(rstd_N), floats(residual_NC), floats_out(out.dx_NC),
         floats_out(out.dweight_C), floats_out(out.dbias_C), floats_out(partial));
  return out;
}

at::Tensor activation_forward(Activation kind, const at::Tensor& u, const at::Tensor& bias) {
  const int64_t inner = is_gated(kind) ? u.size(1) / 2 : u.size(1);
  const at::Tensor y = at::empty({u.size(0), inner}, u.options());
  launch("an activation", gpu_unit().activation, u, gate_of(kind), u.size(0), inner, dtype_code(u.scalar_type()),
         u.const_data_ptr(), floats(bias), y.mutable_data_ptr());
  return y;
}

ActivationGradients activation_backward(Activation kind, const at::Tensor& dy_NI, const at::Tensor& u, const at::Tensor& bias,
                                        const at::Tensor& du) {
  ActivationGradients out;
  out.du = du;
  out.y_NI = at::empty(dy_NI.sizes(), dy_NI.options());
  launch("an activation's gradient", gpu_unit().activation_backward, u, gate_of(kind), u.size(0), dy_NI.size(1),
         dtype_code(u.scalar_type()), dy_NI.const_data_ptr(), u.const_data_ptr(), floats(bias), du.mutable_data_ptr(),
         out.y_NI.mutable_data_ptr());
  if (bias.defined()) {
    out.dbias = column_sum(du);
  }
  return out;
}

void rope_(at::Tensor& x_NF, const RopeTable& table, const at::Tensor& position_N, int64_t num_heads, int64_t head_dim,
           bool inverse) {
  const at::Tensor cosine = beside(table.cos_PH, x_NF);
  const at::Tensor sine = beside(table.sin_PH, x_NF);
  const at::Tensor position = beside(position_N, x_NF);
  launch("a rotation", gpu_unit().rope, x_NF, x_NF.size(0), x_NF.size(1), num_heads, head_dim, floats(cosine), floats(sine),
         position.const_data_ptr<int64_t>(), static_cast<int>(inverse), dtype_code(x_NF.scalar_type()),
         x_NF.mutable_data_ptr());
}

at::Tensor dropout(const at::Tensor& x, double p, uint64_t key) {
  const at::Tensor dense = x.contiguous();
  const at::Tensor y = at::empty(dense.sizes(), dense.options());
  launch("dropout", gpu_unit().dropout, dense, dense.numel(), key, threshold_of(p), kept_scale(p),
         dtype_code(dense.scalar_type()), dense.const_data_ptr(), static_cast<const float*>(nullptr),
         static_cast<float*>(nullptr), y.mutable_data_ptr());
  return y;
}

at::Tensor add_dropout(const at::Tensor& base, const at::Tensor& x, double p, uint64_t key) {
  const at::Tensor dense = x.contiguous();
  const at::Tensor under = base.contiguous();
  const at::Tensor y = at::empty(under.sizes(), under.options());
  launch("a residual sum", gpu_unit().dropout, dense, dense.numel(), key, threshold_of(p), kept_scale(p),
         dtype_code(dense.scalar_type()), dense.const_data_ptr(), floats(under), floats_out(y), static_cast<void*>(nullptr));
  return y;
}

at::Tensor look_up(const at::Tensor& index_N, const at::Tensor& table_VC, const at::Tensor& second_index_N,
                   const at::Tensor& second_PC) {
  at::Tensor y = at::index_select(table_VC, 0, beside(index_N, table_VC));
  if (second_PC.defined()) {
    y.add_(at::index_select(second_PC, 0, beside(second_index_N, second_PC)));
  }
  return y;
}

at::Tensor embedding_backward(const at::Tensor& dy_NC, const at::Tensor& index_N, int64_t num_rows) {
  const at::Tensor index = beside(index_N, dy_NC);
  const auto [sorted, order] = at::sort(index, std::optional<bool>(true), 0, false);
  const at::Tensor rows = at::arange(num_rows + 1, index.options());
  at::Tensor first = at::searchsorted(sorted, rows);  // where each row's tokens begin in the order
  const int64_t pieces = pieces_of_rows(index.numel(), num_rows);
  first = pieces > 1 ? cut_rows(first, pieces) : first;
  const at::Tensor grad = at::zeros({num_rows * pieces, dy_NC.size(1)}, dy_NC.options().dtype(at::kFloat));
  launch("an embedding's gradient", gpu_unit().embedding_backward, dy_NC, num_rows * pieces, dy_NC.size(1),
         order.const_data_ptr<int64_t>(), first.const_data_ptr<int64_t>(), dtype_code(dy_NC.scalar_type()),
         dy_NC.const_data_ptr(), floats_out(grad));
  return pieces > 1 ? grad.view({num_rows, pieces, dy_NC.size(1)}).sum(1) : grad;
}

void cross_entropy_rows(const at::Tensor& logits_NV, const int64_t* target_N, float* loss_N, bool gradient, float smoothing) {
  launch("cross-entropy", gpu_unit().cross_entropy, logits_NV, logits_NV.size(0), logits_NV.size(1), target_N, smoothing, 1.0f,
         static_cast<int>(gradient), dtype_code(logits_NV.scalar_type()), logits_NV.mutable_data_ptr(), loss_N);
}

}  // namespace athanor::device
