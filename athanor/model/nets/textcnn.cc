// Convolutions of several widths side by side, each filter's greatest answer over the text (Kim 2014).
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/relu.h>

#include <algorithm>

#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"
#include "athanor/tensor/window_max.h"

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
    x_BTE = net_dropout(x_BTE, p, random_at(dropout_seed, 0), training());
    if (batch.lengths_B.min().item<int64_t>() < widest) {  // such a text's one window goes beyond its end: zeros there
      const at::Tensor lengths_B1 = batch.lengths_B.to(x_BTE.device()).unsqueeze(1);
      x_BTE = x_BTE.mul(at::arange(length, lengths_B1.options()).unsqueeze(0).lt(lengths_B1).unsqueeze(2));
      x_BTE = at::constant_pad_nd(x_BTE, {0, 0, 0, std::max<int64_t>(0, widest - length)}, 0);
    }
    at::Tensor greatest_BF = x_BTE.is_cpu() ? window_max(x_BTE, batch.lengths_B, filters()) : by_aten(x_BTE, batch.lengths_B);
    greatest_BF = net_dropout(greatest_BF, p, random_at(dropout_seed, 1), training());
    return classifier_.forward(greatest_BF).to(at::kFloat);
  }

 private:
  std::vector<WindowFilters> filters() const {
    std::vector<WindowFilters> filters;
    for (const auto& conv : convs_) {
      filters.push_back({conv->weight(), conv->bias()});
    }
    return filters;
  }

  // What window_max does, on another device.
  at::Tensor by_aten(const at::Tensor& x_BTE, const at::Tensor& lengths_B) const {
    const at::Tensor lengths_B1 = lengths_B.to(x_BTE.device()).unsqueeze(1);
    std::vector<at::Tensor> greatest;
    for (size_t i = 0; i < convs_.size(); ++i) {
      const at::Tensor y_BFT = at::relu(convs_[i]->forward(x_BTE.transpose(1, 2)));
      // Only windows that lie in the text; the first one always, for texts shorter than the kernel.
      const at::Tensor last_B1 = lengths_B1.sub(kernels_[i]).clamp_min(0);
      const at::Tensor counts_BT = at::arange(y_BFT.size(2), lengths_B1.options()).unsqueeze(0).le(last_B1);
      greatest.push_back(y_BFT.mul(counts_BT.unsqueeze(1)).amax({2}));  // relu: nothing is below 0
    }
    return at::cat(greatest, 1);
  }

  Embedding embedding_;
  std::vector<int64_t> kernels_;
  std::vector<std::unique_ptr<Conv>> convs_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Net> make_textcnn(const NetConfig& config) { return std::make_unique<TextCnn>(config); }

}  // namespace athanor
