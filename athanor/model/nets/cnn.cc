// Convolutions, each with max-pooling by two, then hidden layers. As it stands by default: LeNet-5 (LeCun et al. 1998) with
// ReLU and max-pooling, as it is usually written today; images of 28 pixels are padded as LeNet's were.
#include <ATen/ops/max_pool2d.h>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

class Cnn : public Net {
 public:
  explicit Cnn(const NetConfig& config) : Net(config) {
    const NetOptions& options = config.options;
    const int64_t kernel = whole(options.kernels).front();
    int64_t size = config.shape.size;
    int64_t channels = config.shape.channels;
    for (const int64_t next : whole(options.channels)) {
      ConvShape shape;
      shape.in = channels;
      shape.out = next;
      shape.kernel = kernel;
      shape.padding = convs_.empty() ? kernel / 2 : 0;
      size = (size + 2 * shape.padding - kernel + 1) / 2;
      if (size < 1) {
        throw Error(ErrorKind::kUsage, "images of " + std::to_string(config.shape.size) + " pixels are too small for " +
                                           std::to_string(options.channels.size()) + " convolutions of width " +
                                           std::to_string(kernel),
                    "model.channels", "fewer channels, a smaller kernel, or a larger inputs.image_size");
      }
      convs_.push_back(std::make_unique<Conv>(inits_, 2, shape));
      register_child("conv" + std::to_string(convs_.size()), *convs_.back());
      if (options.norm != "none") {
        norms_.push_back(std::make_unique<BatchNorm>(inits_, next));
        register_child("bn" + std::to_string(convs_.size()), *norms_.back());
      }
      channels = next;
    }
    int64_t width = channels * size * size;
    std::vector<int64_t> widths = whole(options.hidden);
    widths.push_back(config.num_outputs());
    for (const int64_t next : widths) {
      layers_.push_back(std::make_unique<Linear>(inits_, width, next));
      register_child("fc" + std::to_string(layers_.size()), *layers_.back());
      width = next;
    }
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    const NetOptions& options = config().options;
    at::Tensor x = enter(batch.pixels_BCHW);
    for (size_t i = 0; i < convs_.size(); ++i) {
      x = convs_[i]->forward(x);
      x = norms_.empty() ? x : norms_[i]->forward(x);
      x = at::max_pool2d(net_activation(options.activation, x), {2, 2}, {2, 2});
      note_activation("convs." + std::to_string(i), x);
    }
    x = x.flatten(1);
    for (size_t i = 0; i + 1 < layers_.size(); ++i) {
      x = net_activation(options.activation, layers_[i]->forward(x));
      note_activation("layers." + std::to_string(i), x);
      x = net_dropout(x, options.dropout, random_at(dropout_seed, i), training());
    }
    return layers_.back()->forward(x).to(at::kFloat);
  }

 private:
  std::vector<std::unique_ptr<Conv>> convs_;
  std::vector<std::unique_ptr<BatchNorm>> norms_;
  std::vector<std::unique_ptr<Linear>> layers_;
};

}  // namespace

std::unique_ptr<Net> make_cnn(const NetConfig& config) { return std::make_unique<Cnn>(config); }

}  // namespace athanor
