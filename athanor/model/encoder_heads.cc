// What stands on an encoder's features.
#include <ATen/ops/index_select.h>
#include <ATen/ops/nonzero.h>
#include <ATen/ops/tanh.h>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/encoder.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"

namespace athanor {
namespace {

constexpr uint64_t kClassifierSite = uint64_t{1} << 32;  // beyond the layers' sites of the same seed

// gelu(W x + b) in fp32, for the norm that follows.
at::Tensor dense_gelu(WeightCache& weights, const LinearGroup& group, const at::Tensor& x_NC) {
  const at::Tensor u = linear_layer(weights, group, x_NC);
  return custom_op(
      {u},
      [&](std::vector<at::Tensor>& saved) {
        saved = {u};
        return to_dtype(activation_forward(Activation::kGelu, u), at::kFloat);
      },
      [](const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
        const at::Tensor grad = to_dtype(dy, saved[0].scalar_type());
        return std::vector<at::Tensor>{activation_backward(Activation::kGelu, grad, saved[0]).du};
      });
}

}  // namespace

void EncoderModel::need_head(bool there, const char* what) const {
  if (!there) {
    throw Error(ErrorKind::kInternal, "a model with head '" + config_.head + "' has no " + what);
  }
}

at::Tensor EncoderModel::transform(const at::Tensor& x_NC) {
  return apply(head_norm_, dense_gelu(weights_, head_dense_, x_NC), scalar_type(precision()));
}

at::Tensor EncoderModel::token_logits(const at::Tensor& hidden_BTC) {
  need_head(head_bias_V_.defined(), "scores of tokens");
  LinearGroup head;
  head.weights = {head_table_VC_};
  head.biases = {head_bias_V_};
  const at::Tensor x_NC = transform(hidden_BTC.contiguous().view({-1, config_.hidden_size}));
  return linear_layer(weights_, head, x_NC)
      .to(at::kFloat)
      .view({hidden_BTC.size(0), hidden_BTC.size(1), config_.vocab_size});
}

at::Tensor EncoderModel::masked_loss_sum(const at::Tensor& hidden_BTC, const at::Tensor& target_BT,
                                    double label_smoothing) {
  need_head(head_bias_V_.defined(), "scores of tokens");
  const at::Tensor target_N = target_BT.contiguous().view({-1});
  const at::Tensor asked = target_N.ge(0).nonzero().view({-1});
  const at::Tensor x_MC = hidden_BTC.contiguous().view({-1, config_.hidden_size}).index_select(0, asked.to(hidden_BTC.device()));
  return linear_cross_entropy(transform(x_MC), head_table_VC_, weights_.get(head_table_VC_),
                              target_N.index_select(0, asked), label_smoothing, head_bias_V_);
}

at::Tensor EncoderModel::pair_logits(const EncoderOutput& output) {
  need_head(!pair_.weights.empty(), "scores of pairs of texts");
  return linear_layer(weights_, pair_, output.pooled_BC).to(at::kFloat);
}

at::Tensor EncoderModel::class_logits(const EncoderOutput& output, uint64_t dropout_seed) {
  need_head(!classifier_.weights.empty(), "classes");
  const double p = !training() ? 0.0 : config_.head_dropout < 0 ? config_.dropout : config_.head_dropout;
  at::Tensor x_BC = output.pooled_BC;
  if (!classifier_dense_.weights.empty()) {
    const at::Tensor first_BC = dropout_layer(output.hidden_BTC.select(1, 0).contiguous(), p,
                                              random_at(dropout_seed, kClassifierSite));
    x_BC = linear_layer(weights_, classifier_dense_, first_BC).to(at::kFloat).tanh();
  }
  x_BC = dropout_layer(x_BC, p, random_at(dropout_seed, kClassifierSite + 1));
  return linear_layer(weights_, classifier_, x_BC).to(at::kFloat);
}

void EncoderModel::scale_answers(double scale, double shift) {
  need_head(!classifier_.weights.empty(), "classes");
  NoGrad no_grad;
  at::Tensor weight = classifier_.weights[0];
  at::Tensor bias = classifier_.biases[0];
  weight.mul_(scale);
  bias.mul_(scale).add_(shift);
  begin_step();
}

}  // namespace athanor
