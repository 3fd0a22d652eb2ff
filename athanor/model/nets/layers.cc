#include "athanor/model/nets/layers.h"

#include <ATen/Parallel.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/conv1d.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>

#include <cmath>

#include "athanor/base/hash.h"
#include "athanor/base/rng.h"
#include "athanor/model/init.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/batch_norm.h"
#include "athanor/tensor/dropout.h"
#include "athanor/tensor/embedding.h"
#include "athanor/tensor/gemm.h"
#include "athanor/tensor/norm.h"

namespace athanor {

namespace {

constexpr double kNormEps = 1e-5;
constexpr double kBatchMomentum = 0.1;

at::Tensor made(NetInits& inits, at::IntArrayRef sizes, NetInit init) {
  at::Tensor tensor = at::zeros(sizes);
  inits.emplace_back(tensor, init);
  return tensor;
}

NetInit uniform(int64_t fan_in) {
  return {NetInit::Kind::kUniform, 1.0 / std::sqrt(static_cast<double>(std::max<int64_t>(1, fan_in)))};
}

}  // namespace

void initialise_net(Module& module, const NetInits& inits, uint64_t seed) {
  NoGrad no_grad;
  for (const NamedParameter& parameter : module.named_parameters()) {
    const uint64_t key = mix64(seed ^ xxh3_64(parameter.name));
    for (const auto& [tensor, init] : inits) {
      if (!tensor.is_same(parameter.tensor)) {
        continue;
      }
      at::Tensor into = parameter.tensor;
      if (init.kind == NetInit::Kind::kConstant) {
        into.fill_(init.value);
      } else if (init.kind == NetInit::Kind::kNormal) {
        fill_normal(into, init.value, key);
      } else {
        fill_uniform(into, init.value, key);
      }
    }
  }
}

Linear::Linear(NetInits& inits, int64_t in, int64_t out) {
  weight_ = register_parameter("weight", made(inits, {out, in}, uniform(in)), true);
  bias_ = register_parameter("bias", made(inits, {out}, uniform(in)), false);
}

at::Tensor Linear::forward(const at::Tensor& x_BC) const {
  const auto dtype = x_BC.scalar_type();
  return custom_op(
      {x_BC, weight_, bias_},
      [&](std::vector<at::Tensor>& saved) {
        saved = {x_BC, x_BC.is_cpu() ? weight_.detach() : weight_.detach().to(dtype)};  // the host's products convert it
        return linear(x_BC, saved[1], bias_.to(dtype));
      },
      [dtype, wants_x = x_BC.requires_grad()](const std::vector<at::Tensor>& saved, const at::Tensor& dy) {
        return std::vector<at::Tensor>{wants_x ? linear_grad_input(dy, saved[1]).to(dtype) : at::Tensor(),
                                       linear_grad_weight(dy, saved[0]).to(at::kFloat), column_sum(dy)};
      });
}

Embedding::Embedding(NetInits& inits, int64_t rows, int64_t width, double deviation) {
  weight_ = register_parameter("weight", made(inits, {rows, width}, {NetInit::Kind::kNormal, deviation}), false);
}

at::Tensor Embedding::forward(const at::Tensor& index) const {
  std::vector<int64_t> sizes = index.sizes().vec();
  sizes.push_back(weight_.size(1));
  return embedding(index.reshape({-1}), weight_).view(sizes);
}

Conv::Conv(NetInits& inits, int dimensions, const ConvShape& shape) : dimensions_(dimensions), shape_(shape) {
  std::vector<int64_t> sizes{shape.out, shape.in};
  int64_t area = 1;
  for (int i = 0; i < dimensions; ++i) {
    sizes.push_back(shape.kernel);
    area *= shape.kernel;
  }
  const NetInit he{NetInit::Kind::kNormal, std::sqrt(2.0 / static_cast<double>(shape.out * area))};
  weight_ = register_parameter("weight", made(inits, sizes, shape.kaiming ? he : uniform(shape.in * area)), true);
  if (shape.bias) {
    bias_ = register_parameter("bias", made(inits, {shape.out}, uniform(shape.in * area)), false);
  }
}

at::Tensor Conv::forward(const at::Tensor& x) const {
  const at::Tensor weight = weight_.to(x.scalar_type());
  const auto bias = bias_.defined() ? std::optional(bias_.to(x.scalar_type())) : std::nullopt;
  if (dimensions_ == 1) {
    return at::conv1d(x, weight, bias, {shape_.stride}, {shape_.padding}, {shape_.dilation});
  }
  return at::conv2d(x, weight, bias, {shape_.stride, shape_.stride}, {shape_.padding, shape_.padding},
                    {shape_.dilation, shape_.dilation});
}

BatchNorm::BatchNorm(NetInits& inits, int64_t channels) {
  weight_ = register_parameter("weight", made(inits, {channels}, {NetInit::Kind::kConstant, 1}), false);
  bias_ = register_parameter("bias", made(inits, {channels}, {NetInit::Kind::kConstant, 0}), false);
  mean_ = register_buffer("running_mean", at::zeros({channels}));
  variance_ = register_buffer("running_var", at::ones({channels}));
}

at::Tensor BatchNorm::forward(const at::Tensor& x, bool relu, const at::Tensor& added) const {
  // One value a channel has no deviation: such a piece is normalised by what was learnt so far.
  const bool batch = training() && x.numel() > x.size(1);
  if (batch && x.is_cpu()) {
    return batch_norm(x, added, {weight_, bias_, mean_, variance_}, kBatchMomentum, kNormEps, relu);
  }
  at::Tensor y = at::batch_norm(x, weight_, bias_, mean_, variance_, batch, kBatchMomentum, kNormEps, false);
  y = added.defined() ? y.add(added) : y;
  return relu ? at::relu(y) : y;
}

LayerNorm::LayerNorm(NetInits& inits, int64_t width) : width_(width) {
  weight_ = register_parameter("weight", made(inits, {width}, {NetInit::Kind::kConstant, 1}), false);
  bias_ = register_parameter("bias", made(inits, {width}, {NetInit::Kind::kConstant, 0}), false);
}

at::Tensor LayerNorm::forward(const at::Tensor& x) const {
  if (x.is_cpu()) {
    return at::layer_norm(x, {width_}, weight_, bias_, kNormEps);
  }
  // ATen's kernel for a GPU wants weights of x's type.
  return norm(Norm::kLayer, x.to(at::kFloat), weight_, bias_, kNormEps, x.scalar_type());
}

at::Tensor channels_last(const at::Tensor& x_BCHW) {
  return x_BCHW.is_cpu() ? x_BCHW.contiguous(at::MemoryFormat::ChannelsLast) : x_BCHW;
}

at::Tensor net_dropout(const at::Tensor& x, double p, uint64_t key, bool training) {
  if (!training || p == 0) {
    return x;
  }
  return custom_op(
      {x}, [&](std::vector<at::Tensor>&) { return dropout(x, p, key); },
      [p, key](const std::vector<at::Tensor>&, const at::Tensor& grad) {
        return std::vector<at::Tensor>{dropout(grad, p, key)};
      });
}

at::Tensor net_activation(const std::string& name, const at::Tensor& x) {
  if (name == "tanh") {
    return at::tanh(x);
  }
  return name == "gelu" ? at::gelu(x) : at::relu(x);
}

std::vector<int64_t> whole(const std::vector<double>& list) { return {list.begin(), list.end()}; }

}  // namespace athanor
