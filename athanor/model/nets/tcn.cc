// Dilated convolutions over time with residual sums (after Bai et al. 2018, but looking to both sides): block i doubles the
// distance between the steps that a kernel sees.
#include <ATen/ops/arange.h>
#include <ATen/ops/zeros.h>

#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/model/nets/net.h"
#include "athanor/tensor/time_conv.h"

namespace athanor {

namespace {

class TcnBlock : public Module {
 public:
  TcnBlock(NetInits& inits, int64_t in, int64_t out, int64_t kernel, int64_t dilation)
      : dilation_(dilation), conv_(inits, 1, {in, out, kernel, 1, dilation * (kernel - 1) / 2, dilation}), norm_(inits, out) {
    register_child("conv", conv_);
    register_child("norm", norm_);
    if (in != out) {
      downsample_ = std::make_unique<Conv>(inits, 1, ConvShape{in, out});
      register_child("downsample", *downsample_);
    }
  }

  at::Tensor forward(const at::Tensor& x_BTC, const std::string& activation, double p, uint64_t key) const {
    const at::Tensor y_BTC = net_activation(activation, norm_.forward(convolve(conv_, dilation_, x_BTC)));
    return net_dropout(y_BTC, p, key, training()).add(downsample_ ? convolve(*downsample_, 1, x_BTC) : x_BTC);
  }

 private:
  static at::Tensor convolve(const Conv& conv, int64_t dilation, const at::Tensor& x_BTC) {
    if (!x_BTC.is_cpu()) {
      return conv.forward(x_BTC.transpose(1, 2)).transpose(1, 2);
    }
    return time_conv(x_BTC.to(at::kFloat), conv.weight(), conv.bias(), dilation).to(x_BTC.scalar_type());
  }

  int64_t dilation_;
  Conv conv_;
  LayerNorm norm_;
  std::unique_ptr<Conv> downsample_;
};

class Tcn : public Net {
 public:
  explicit Tcn(const NetConfig& config)
      : Net(config),
        channels_(whole(config.options.channels)),
        classifier_(inits_, channels_.back(), config.num_outputs()) {
    const int64_t kernel = whole(config.options.kernels).front();
    if (kernel % 2 == 0) {
      throw Error(ErrorKind::kUsage, "tcn wants an odd kernel width", "model.kernels");
    }
    int64_t in = config.shape.num_values;
    for (size_t i = 0; i < channels_.size(); ++i) {
      const int64_t dilation = int64_t{1} << std::min<size_t>(i, 20);
      blocks_.push_back(std::make_unique<TcnBlock>(inits_, in, channels_[i], kernel, dilation));
      register_child("blocks." + std::to_string(i), *blocks_.back());
      in = channels_[i];
    }
    register_child("classifier", classifier_);
  }

  at::Tensor forward(const NetBatch& batch, uint64_t dropout_seed) override {
    const NetOptions& options = config().options;
    const at::Tensor lengths_B = batch.lengths_B.to(batch.values_BTF.device());
    const int64_t steps = batch.values_BTF.size(1);
    const bool padded = batch.lengths_B.min().item<int64_t>() < steps;
    const at::Tensor inside_BT1 = at::arange(steps, lengths_B.options()).unsqueeze(0).lt(lengths_B.unsqueeze(1)).unsqueeze(2);
    at::Tensor x_BTC = enter(batch.values_BTF);
    for (size_t i = 0; i < blocks_.size(); ++i) {
      x_BTC = blocks_[i]->forward(x_BTC, options.activation, options.dropout, random_at(dropout_seed, i));
      x_BTC = padded ? x_BTC.mul(inside_BT1) : x_BTC;  // zeros behind the end, as convolution's own padding
    }
    return classifier_.forward(pool(x_BTC, inside_BT1, lengths_B)).to(at::kFloat);
  }

 private:
  at::Tensor pool(const at::Tensor& x_BTC, const at::Tensor& inside_BT1, const at::Tensor& lengths_B) const {
    const std::string& how = config().options.pooling;
    if (how == "max") {
      return x_BTC.masked_fill(inside_BT1.logical_not(), -std::numeric_limits<float>::infinity()).amax({1});
    }
    if (how == "last") {
      const at::Tensor last = lengths_B.sub(1).view({-1, 1, 1}).expand({-1, 1, x_BTC.size(2)});
      return x_BTC.gather(1, last).squeeze(1);
    }
    return x_BTC.sum(at::IntArrayRef{1}).div(lengths_B.to(at::kFloat).unsqueeze(1));
  }

  std::vector<int64_t> channels_;
  std::vector<std::unique_ptr<TcnBlock>> blocks_;
  Linear classifier_;
};

}  // namespace

std::unique_ptr<Net> make_tcn(const NetConfig& config) { return std::make_unique<Tcn>(config); }

}  // namespace athanor
