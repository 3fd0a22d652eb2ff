// Convolutions of several widths side by side, each filter's greatest answer over the text (Kim 2014).
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/relu.h>

#include <algorithm>

#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

constexpr double kEmbeddingDeviation = 0.1;

class TextCnn : public Net {
 public:
  explicit TextCnn(const NetConfig& config)
      : Net(config),
        embedding_(inits_, config.shape.vocab_size, config.options.embedding, kEmbeddingDeviation),
        kernels_(whole(config.options.kernels)),
        classifier_(inits_, config.options.width * static_cast<int64_t>(kernels_.size()), config.num_outputs()) {
    register_child("embedding", embedding_);
    for (size_t i = 0; i < kernels_.size(); ++i) {
      ConvShape shape;
      shape.in = config.options.embedding;
      shape.out = config.options.width;
      shape.kernel = kernels_[i];
      convs_.push_back(std::make_unique<Conv>(inits_, 1, shape));
      register_child("convs." + std::to_string(i), *convs_.back());
    }
    register_child("classifier", classifier_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    const double p = config().options.dropout;
    const int64_t length = batch.tokens_BT.size(1);
    const int64_t widest = *std::max_element(kernels_.begin(), kernels_.end());
    at::Tensor x_BTE = enter(embedding_.forward(batch.tokens_BT));
    const at::Tensor lengths_B1 = batch.lengths_B.to(x_BTE.device()).unsqueeze(1);
    const at::Tensor place_T = at::arange(std::max(length, widest), lengths_B1.options());
    x_BTE = net_dropout(x_BTE, p, random_at(dropout_seed, 0), training());
    const at::Tensor inside_BT = place_T.narrow(0, 0, length).unsqueeze(0).lt(lengths_B1);
    at::Tensor x_BET = x_BTE.mul(inside_BT.unsqueeze(2)).transpose(1, 2);
    if (length < widest) {
      x_BET = at::constant_pad_nd(x_BET, {0, widest - length}, 0);
    }
    std::vector<at::Tensor> greatest;
    for (size_t i = 0; i < convs_.size(); ++i) {
      const at::Tensor y_BFT = at::relu(convs_[i]->forward(x_BET));
      // Only windows that lie in the text; the first one always, for texts shorter than the kernel.
      const at::Tensor last_B1 = lengths_B1.sub(kernels_[i]).clamp_min(0);
      const at::Tensor counts_BT = place_T.narrow(0, 0, y_BFT.size(2)).unsqueeze(0).le(last_B1);
      greatest.push_back(y_BFT.mul(counts_BT.unsqueeze(1)).amax({2}));  // relu: nothing is below 0
    }
    return classifier_.forward(net_dropout(at::cat(greatest, 1), p, random_at(dropout_seed, 1), training()))
        .to(at::kFloat);
  }

 private:
  Embedding embedding_;
  std::vector<int64_t> kernels_;
  std::vector<std::unique_ptr<Conv>> convs_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Net> make_textcnn(const NetConfig& config) { return std::make_unique<TextCnn>(config); }

}  // namespace athanor
