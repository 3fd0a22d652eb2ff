// Networks for classification and regression: one value a label, or one in all, from what an example holds.
// B examples, T tokens or steps, F values, C channels, H and W of an image.
//
//   auto net = make_net(config, /*seed=*/1);
//   at::Tensor logits_BL = net->forward(batch, dropout_seed);
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <span>

#include "athanor/base/file.h"
#include "athanor/model/nets/layers.h"
#include "athanor/model/nets/net_config.h"
#include "athanor/model/recompute.h"
#include "athanor/tensor/dtype.h"

namespace athanor {

// What belongs to the net's kind of input is defined, the rest is not.
struct NetBatch {
  at::Tensor tokens_BT;      // int64, 0 behind an example's length
  at::Tensor types_BT;       // int64, 1 from where a second text begins; pairs of texts only
  at::Tensor values_BTF;     // float, 0 behind an example's length
  at::Tensor lengths_B;      // int64, of tokens or steps, >= 1
  at::Tensor pixels_BCHW;    // float, standardised
  at::Tensor values_BF;      // float
  at::Tensor categories_BK;  // int64, an index a categorical column
};

class Net : public Module {
 public:
  explicit Net(const NetConfig& config) : config_(config) {}
  const NetConfig& config() const { return config_; }

  // [B, num_outputs] fp32, recorded by autograd. What stands behind an example's length, and the other examples of the
  // batch, do not change its row (but for batch normalisation in training). dropout_seed names this call's masks.
  virtual at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) = 0;

  // Parameters stay fp32; products, activations and what the gradient keeps are in this precision. Statistics of norms,
  // logits and losses are fp32.
  virtual void set_precision(Precision precision) { precision_ = precision; }
  // What the backward pass computes again. Encoders; the other networks keep all, whatever is said here.
  virtual void set_recompute(Recompute) {}
  // Called when parameters may have changed: drops casted copies.
  virtual void begin_step() {}
  // config.json and model.safetensors.
  virtual void save(const fs::path& folder) const;

  const NetInits& inits() const { return inits_; }
  // Where its weights lie.
  at::Device device() const { return named_parameters().front().tensor.device(); }

 protected:
  // What a network begins with, in its precision: every layer computes in the precision of what it is given.
  at::Tensor enter(const at::Tensor& x) const;

  NetInits inits_;

 private:
  NetConfig config_;
  Precision precision_ = Precision::kFp32;
};

// A new network, initialised by the seed.
std::unique_ptr<Net> make_net(const NetConfig& config, uint64_t seed);

// Examples `rows` as a batch.
NetBatch make_net_batch(const Examples& examples, std::span<const uint64_t> rows, const InputShape& shape);

// The same for a net on this device: values and pixels move there; tokens, categories and lengths stay on the host, which
// checks and reads them.
NetBatch on_device(NetBatch batch, at::Device device);

// config.json and model.safetensors (parameters, then buffers, by PyTorch's names; encoders: as transformers writes them).
// What the inputs need beside them (a tokenizer) is the caller's.
void save_net(const Net& net, const fs::path& folder);
// config: of the folder, with its shape filled in; an encoder gets the head that it asks for, new (by the seed) where the
// folder has another. Error(kInput) names the tensor that is missing, unexpected or of another shape, with both shapes.
std::unique_ptr<Net> load_net(const fs::path& folder, const NetConfig& config, uint64_t seed = 0);

// One a family, in a file each.
std::unique_ptr<Net> make_mlp(const NetConfig& config);
std::unique_ptr<Net> make_rnn(const NetConfig& config);
std::unique_ptr<Net> make_textcnn(const NetConfig& config);
std::unique_ptr<Net> make_tcn(const NetConfig& config);
std::unique_ptr<Net> make_cnn(const NetConfig& config);
std::unique_ptr<Net> make_resnet(const NetConfig& config);
std::unique_ptr<Net> make_encoder_net(const NetConfig& config, uint64_t seed);  // bert, roberta
std::unique_ptr<Net> load_encoder_net(const fs::path& folder, const NetConfig& config, uint64_t seed);

}  // namespace athanor
