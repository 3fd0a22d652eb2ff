// Residual networks of basic blocks (He et al. 2016) with torchvision's parameter names: [2, 2, 2, 2] blocks of [64, 128, 256, 512]
// channels are its resnet18, [3, 4, 6, 3] its resnet34. stem small: a 3x3 convolution without pooling, for images below 64
// pixels.
#include <ATen/ops/max_pool2d.h>

#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"

namespace athanor {

namespace {

constexpr int64_t kSmallImage = 64;

ConvShape conv_shape(int64_t in, int64_t out, int64_t kernel, int64_t stride) {
  return {in, out, kernel, stride, kernel / 2, 1, false, true};
}

// torchvision's nn.Sequential(conv, bn): names 0 and 1.
class Downsample : public Module {
 public:
  Downsample(NetInits& inits, int64_t in, int64_t out, int64_t stride)
      : conv_(inits, 2, conv_shape(in, out, 1, stride)), norm_(inits, out) {
    register_child("0", conv_);
    register_child("1", norm_);
  }
  at::Tensor forward(const at::Tensor& x) const { return norm_.forward(conv_.forward(x)); }

 private:
  Conv conv_;
  BatchNorm norm_;
};

class BasicBlock : public Module {
 public:
  BasicBlock(NetInits& inits, int64_t in, int64_t out, int64_t stride)
      : conv1_(inits, 2, conv_shape(in, out, 3, stride)),
        norm1_(inits, out),
        conv2_(inits, 2, conv_shape(out, out, 3, 1)),
        norm2_(inits, out) {
    register_child("conv1", conv1_);
    register_child("bn1", norm1_);
    register_child("conv2", conv2_);
    register_child("bn2", norm2_);
    if (stride != 1 || in != out) {
      downsample_ = std::make_unique<Downsample>(inits, in, out, stride);
      register_child("downsample", *downsample_);
    }
  }

  at::Tensor forward(const at::Tensor& x) const {
    const at::Tensor y = norm1_.forward(conv1_.forward(x), true);
    return norm2_.forward(conv2_.forward(y), true, downsample_ ? downsample_->forward(x) : x);
  }

 private:
  Conv conv1_;
  BatchNorm norm1_;
  Conv conv2_;
  BatchNorm norm2_;
  std::unique_ptr<Downsample> downsample_;
};

class ResNet : public Net {
 public:
  explicit ResNet(const NetConfig& config)
      : Net(config),
        channels_(whole(config.options.channels)),
        large_(config.options.stem.empty() ? config.shape.size >= kSmallImage : config.options.stem == "imagenet"),
        conv1_(inits_, 2, conv_shape(config.shape.channels, channels_.front(), large_ ? 7 : 3, large_ ? 2 : 1)),
        norm1_(inits_, channels_.front()),
        fc_(inits_, channels_.back(), config.num_outputs()) {
    register_child("conv1", conv1_);
    register_child("bn1", norm1_);
    const std::vector<int64_t> blocks = whole(config.options.blocks);
    int64_t in = channels_.front();
    for (size_t stage = 0; stage < blocks.size(); ++stage) {
      for (int64_t block = 0; block < blocks[stage]; ++block) {
        const int64_t stride = stage > 0 && block == 0 ? 2 : 1;
        blocks_.push_back(std::make_unique<BasicBlock>(inits_, in, channels_[stage], stride));
        register_child("layer" + std::to_string(stage + 1) + "." + std::to_string(block), *blocks_.back());
        in = channels_[stage];
      }
    }
    register_child("fc", fc_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    at::Tensor x = norm1_.forward(conv1_.forward(channels_last(enter(batch.pixels_BCHW))), true);
    x = large_ ? at::max_pool2d(x, {3, 3}, {2, 2}, {1, 1}) : x;
    for (const auto& block : blocks_) {
      x = block->forward(x);
    }
    x = x.mean(at::IntArrayRef{2, 3});
    return fc_.forward(net_dropout(x, config().options.dropout, random_at(dropout_seed, 0), training())).to(at::kFloat);
  }

 private:
  std::vector<int64_t> channels_;
  bool large_;
  Conv conv1_;
  BatchNorm norm1_;
  std::vector<std::unique_ptr<BasicBlock>> blocks_;
  Linear fc_;
};

}  // namespace

std::unique_ptr<Net> make_resnet(const NetConfig& config) { return std::make_unique<ResNet>(config); }

}  // namespace athanor
