#include "athanor/model/language_model.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/matmul.h>

#include <string>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/model/decoder.h"
#include "athanor/model/init.h"
#include "athanor/model/recurrent.h"
#include "athanor/tensor/activation.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/cross_entropy.h"
#include "athanor/tensor/gemm.h"

namespace athanor {
namespace {

struct Maker {
  const char* family;
  std::unique_ptr<LanguageModel> (*make)(const ModelConfig&);
};

constexpr Maker kMakers[] = {{"llama", &make_llama},   {"qwen2", &make_llama}, {"qwen3", &make_llama},
                             {"gemma3", &make_gemma3}, {"gpt2", &make_gpt2}};

}  // namespace

at::Tensor LanguageModel::logits(const at::Tensor& x_BTD) {
  const at::Tensor weight = head_weight();
  const at::Tensor x_NC = x_BTD.contiguous().view({-1, x_BTD.size(-1)});
  const at::Tensor compute = weights_.get(weight);
  const at::Tensor y_NV = custom_op(
      {x_NC, weight},
      [&](std::vector<at::Tensor>& saved) {
        saved = {x_NC, compute};
        return to_dtype(linear(x_NC, compute), at::kFloat);
      },
      [weight_grad = weight.requires_grad()](const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
        const at::Tensor grad = to_dtype(dy, saved[0].scalar_type());
        return std::vector<at::Tensor>{
            linear_grad_input(grad, saved[1]),
            weight_grad ? to_dtype(linear_grad_weight(grad, saved[0]), at::kFloat) : at::Tensor()};
      });
  std::vector<int64_t> sizes = x_BTD.sizes().vec();
  sizes.back() = weight.size(0);
  return y_NV.view(sizes);
}

at::Tensor LanguageModel::last_logits(const at::Tensor& x_BD) {
  return to_dtype(linear(x_BD, weights_.get(head_weight())), at::kFloat);
}

at::Tensor LanguageModel::loss_sum(const Batch& batch, uint64_t dropout_seed, double label_smoothing) {
  const at::Tensor x_NC = hidden(batch, dropout_seed).view({-1, config_.hidden_size});
  const at::Tensor weight = head_weight();
  return linear_cross_entropy(x_NC, weight, weights_.get(weight), batch.targets_BT.contiguous().view({-1}),
                              label_smoothing, {}, std::exchange(tied_gradient_, nullptr));
}

at::Tensor LanguageModel::token_losses(const Batch& batch) {
  NoGrad no_grad;
  const bool was_training = training();
  set_training(false);
  const at::Tensor x_NC = hidden(batch, 0).view({-1, config_.hidden_size});
  set_training(was_training);
  return linear_cross_entropy_each(x_NC, weights_.get(head_weight()), batch.targets_BT.contiguous().view({-1}))
      .to(at::kCPU)
      .view(batch.targets_BT.sizes());
}

KvCache LanguageModel::make_cache(int64_t batch, int64_t capacity) const {
  if (batch < 1 || capacity < 1 || capacity > config_.max_positions) {
    throw Error(ErrorKind::kInput, "a cache of " + std::to_string(capacity) + " positions for a model of " +
                                       std::to_string(config_.max_positions));
  }
  KvCache cache;
  cache.batch = batch;
  cache.capacity = capacity;
  for (int64_t i = 0; i < config_.num_layers; ++i) {
    const auto make = [&] {
      return at::empty({batch, capacity, config_.num_kv_heads, config_.head_width()},
                       at::TensorOptions().dtype(scalar_type(precision())));
    };
    cache.layers.push_back({make(), make(), 0});
  }
  return cache;
}

std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, uint64_t seed) {
  validate(config);
  if (family_of(config.family).recurrent) {
    return make_recurrent(config, seed);
  }
  for (const Maker& maker : kMakers) {
    if (config.family == maker.family) {
      std::unique_ptr<LanguageModel> model = maker.make(config);
      initialise(*model, config, seed);
      return model;
    }
  }
  throw Error(ErrorKind::kInput, "family '" + config.family + "' is not a language model: it is an encoder", "",
              "take llama, qwen2, qwen3, gemma3, gpt2, rnn, lstm or gru");
}

}  // namespace athanor
