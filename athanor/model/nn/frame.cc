#include "athanor/model/nn/frame.h"

#include <ATen/ops/add.h>

#include "athanor/tensor/autograd.h"
#include "athanor/tensor/dropout.h"

namespace athanor {
namespace {

using Tensors = std::vector<at::Tensor>;

void append_norm(const NormWeights& norm, Tensors& inputs) {
  if (norm.defined()) {
    inputs.push_back(norm.weight_C);
    inputs.push_back(norm.bias_C);
  }
}

}  // namespace

at::Tensor NormWeights::scale() const { return plus_one ? weight_C.detach().add(1) : weight_C.detach(); }

at::Tensor apply(const NormWeights& w, const at::Tensor& x, at::ScalarType out_dtype) {
  return norm(w.kind, x, w.plus_one ? w.weight_C.add(1) : w.weight_C, w.bias_C, w.eps, out_dtype);
}

at::Tensor dropout_layer(const at::Tensor& x, double p, uint64_t key) {
  if (p == 0) {
    return x;
  }
  return custom_op({x}, [&](Tensors&) { return dropout(x, p, key); },
                   [p, key](const Tensors&, const at::Tensor& dy) { return Tensors{dropout(dy, p, key)}; });
}

void Frame::append_inputs(const at::Tensor& x_NC, Tensors& inputs) const {
  inputs.push_back(x_NC);
  append_norm(norms_.in, inputs);
  append_norm(norms_.out, inputs);
  append_norm(norms_.sum, inputs);
}

at::Tensor Frame::enter(const at::Tensor& x_NC, Tensors& saved) const {
  saved.resize(kFrameSlots);
  const at::ScalarType dtype = scalar_type(context_.weights->precision());
  const NormWeights& norm = norms_.in;
  if (!norm.defined()) {
    saved[kHidden] = to_dtype(x_NC, dtype);
    return saved[kHidden];
  }
  const at::Tensor scale = norm.scale();
  const NormOutput h = norm_forward(norm.kind, x_NC, scale, norm.bias_C, norm.eps, dtype);
  saved[kInput] = x_NC;
  saved[kInWeight] = scale;
  saved[kInRstd] = h.rstd_N;
  saved[kInBias] = norm.bias_C;
  saved[kInMean] = h.mean_N;
  return h.y_NC;
}

at::Tensor Frame::leave(const at::Tensor& x_NC, const at::Tensor& delta_NC, Tensors& saved) const {
  at::Tensor added = delta_NC;
  if (norms_.out.defined()) {
    const at::Tensor scale = norms_.out.scale();
    const NormOutput normed =
        norm_forward(norms_.out.kind, to_dtype(delta_NC, at::kFloat), scale, {}, norms_.out.eps, at::kFloat);
    saved[kDelta] = delta_NC;
    saved[kOutWeight] = scale;
    saved[kOutRstd] = normed.rstd_N;
    added = normed.y_NC;
  }
  const at::Tensor sum = add_dropout(x_NC, added, context_.dropout, context_.dropout_key);
  if (!norms_.sum.defined()) {
    return sum;
  }
  const NormWeights& norm = norms_.sum;
  const at::Tensor scale = norm.scale();
  const NormOutput y = norm_forward(norm.kind, sum, scale, norm.bias_C, norm.eps, at::kFloat);
  saved[kSum] = sum;
  saved[kSumWeight] = scale;
  saved[kSumRstd] = y.rstd_N;
  saved[kSumMean] = y.mean_N;
  return y.y_NC;
}

FrameGradient::FrameGradient(const BlockContext& context, const BlockNorms& norms)
    : in_(norms.in.defined()),
      out_(norms.out.defined()),
      sum_(norms.sum.defined()),
      kind_(in_ ? norms.in.kind : norms.sum.kind),
      in_eps_(norms.in.eps),
      dtype_(scalar_type(context.weights->precision())),
      dropout_(context.dropout),
      dropout_key_(context.dropout_key) {}

at::Tensor FrameGradient::hidden(const Tensors& s) const {
  return in_ ? norm_forward(kind_, s[kInput], s[kInWeight], s[kInBias], in_eps_, dtype_).y_NC : s[kHidden];
}

at::Tensor FrameGradient::enter(const Tensors& s, const at::Tensor& dy) {
  norm_gradients_.clear();
  dresidual_NC_ = dy;
  Tensors sum_gradients;
  if (sum_) {
    const NormGradients d = norm_backward(kind_, dy, s[kSum], s[kSumWeight], s[kSumRstd], s[kSumMean], {});
    dresidual_NC_ = d.dx_NC;
    sum_gradients = {d.dweight_C, d.dbias_C};
  }
  at::Tensor ddelta;
  if (out_) {
    const NormGradients d =
        norm_backward(Norm::kRms, dropout(dresidual_NC_, dropout_, dropout_key_), to_dtype(s[kDelta], at::kFloat),
                      s[kOutWeight], s[kOutRstd], {}, {});
    ddelta = to_dtype(d.dx_NC, dtype_);
    norm_gradients_ = {d.dweight_C, {}};
  } else {
    ddelta = dropout(to_dtype(dresidual_NC_, dtype_), dropout_, dropout_key_);
  }
  norm_gradients_.insert(norm_gradients_.end(), sum_gradients.begin(), sum_gradients.end());
  return ddelta;
}

Tensors FrameGradient::leave(const Tensors& s, const at::Tensor& dhidden) {
  Tensors gradients;
  if (in_) {
    const NormGradients d =
        norm_backward(kind_, dhidden, s[kInput], s[kInWeight], s[kInRstd], s[kInMean], dresidual_NC_);
    gradients = {d.dx_NC, d.dweight_C, d.dbias_C};
  } else {
    gradients = {at::add(dresidual_NC_, dhidden)};
  }
  gradients.insert(gradients.end(), norm_gradients_.begin(), norm_gradients_.end());
  dresidual_NC_ = at::Tensor();
  return gradients;
}

}  // namespace athanor
