// Decoder-only language models behind one interface, and their HF folders.
// B sequences, T positions, D hidden features, V vocabulary.
//
//   auto model = make_model(from_depth(6, 8192, 256), /*seed=*/1);
//   model->set_precision(Precision::kBf16);
//   model->begin_step();
//   at::Tensor loss = model->loss_sum(batch, step_seed).div(num_targets);
//   backward(loss);
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "athanor/base/file.h"
#include "athanor/model/config.h"
#include "athanor/model/kv_cache.h"
#include "athanor/model/nn/module.h"
#include "athanor/model/recompute.h"
#include "athanor/tensor/batch.h"
#include "athanor/tensor/dtype.h"
#include "athanor/tensor/tied_gradient.h"

namespace athanor {

class LanguageModel : public Module {
 public:
  explicit LanguageModel(const ModelConfig& config) : config_(config) {}
  const ModelConfig& config() const { return config_; }

  // Parameters stay fp32 masters; products, activations and the saved tensors are in this precision, the residual
  // stream, norms, softmax and losses in fp32.
  void set_precision(Precision precision) { weights_.set_precision(precision); }
  Precision precision() const { return weights_.precision(); }
  // What the backward pass computes again instead of keeping it from the forward pass. Gradients keep their bits.
  void set_recompute(Recompute recompute) { recompute_ = recompute; }
  Recompute recompute() const { return recompute_; }
  // Must be called when parameters may have changed (each optimiser step, after a load): drops the casted copies.
  void begin_step() { weights_.clear(); }

  // The final norm's output before the head, [B, T, D] in compute precision. dropout_seed names this call's masks
  // (used in training mode only): the same seed gives the same masks. Rows longer than max_positions are an Error.
  virtual at::Tensor hidden(const Batch& batch, uint64_t dropout_seed) = 0;

  at::Tensor logits(const at::Tensor& x_BTD);  // [B, T, V] fp32, recorded by autograd

  // Sum over the targets that are not -1 of the cross-entropy in nats; an fp32 scalar, recorded.
  // label_smoothing: see linear_cross_entropy.
  at::Tensor loss_sum(const Batch& batch, uint64_t dropout_seed, double label_smoothing = 0);
  // The same for each token, without gradient: [B, T] fp32, 0 where ignored. Dropout is off.
  at::Tensor token_losses(const Batch& batch);

  // The most tokens that decode_step can follow: max_positions; a recurrent model has no end.
  virtual int64_t context_limit() const { return config_.max_positions; }
  // An empty cache for `batch` sequences of up to `capacity` positions (at most max_positions).
  virtual KvCache make_cache(int64_t batch, int64_t capacity) const;
  // Without gradient: reads the tokens that follow what the cache holds, adds them to it, and gives the fp32 logits
  // after the last one, [B, V]. Prefill with a whole prompt, then decode one token at a time.
  virtual at::Tensor decode_step(const at::Tensor& tokens_BT, KvCache& cache) = 0;

 protected:
  virtual at::Tensor head_weight() const = 0;  // [V, D]
  at::Tensor last_logits(const at::Tensor& x_BD);  // [B, V] fp32, without gradient
  WeightCache& weights() { return weights_; }
  // A look-up of a table that is the head as well leaves here what loss_sum tells of the head's gradient.
  std::shared_ptr<TiedGradient>& tied_gradient() { return tied_gradient_; }

 private:
  ModelConfig config_;
  WeightCache weights_;
  Recompute recompute_ = Recompute::kNone;
  std::shared_ptr<TiedGradient> tied_gradient_;
};

// A new model, initialised as config.init says: each number is a function of (seed, parameter name, index) alone.
std::unique_ptr<LanguageModel> make_model(const ModelConfig& config, uint64_t seed);

// An HF folder: config.json and model.safetensors, or model.safetensors.index.json with its shards; fp32, bf16 or
// fp16. Error(kInput) names the file and the tensor that is missing, unexpected or of the wrong shape.
// change: what no weight depends on, such as dropout.
std::unique_ptr<LanguageModel> load_model(const fs::path& folder, const ConfigChange& change = {});

// Writes config.json, generation_config.json and model.safetensors (fp32; precision kBf16 rounds) as transformers does.
void save_model(const LanguageModel& model, const fs::path& folder, Precision precision = Precision::kFp32);

}  // namespace athanor
