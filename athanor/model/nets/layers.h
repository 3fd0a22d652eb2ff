// Layers of the networks that are no language models, over ATen's operators, with PyTorch's parameter names and
// default initialisation (torch.nn's reset_parameters), each number a function of (seed, name, index).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "athanor/model/nn/module.h"

namespace athanor {

// How a tensor begins. normal: deviation `value`; uniform: in [-value, value]; constant: value.
struct NetInit {
  enum class Kind { kConstant, kUniform, kNormal };
  Kind kind = Kind::kConstant;
  double value = 0;
};

// The inits of a network's tensors, in the order in which they were made.
using NetInits = std::vector<std::pair<at::Tensor, NetInit>>;

// Fills every parameter of the module by its init.
void initialise_net(Module& module, const NetInits& inits, uint64_t seed);

// Every layer computes in the precision of x and gives it back; its parameters are fp32.

// y = x W^T + b, W [out, in], b [out]: U(+-1 / sqrt(in)).
class Linear : public Module {
 public:
  Linear(NetInits& inits, int64_t in, int64_t out);
  at::Tensor forward(const at::Tensor& x_BC) const;

 private:
  at::Tensor weight_, bias_;
};

// Rows of a table, N(0, deviation).
class Embedding : public Module {
 public:
  Embedding(NetInits& inits, int64_t rows, int64_t width, double deviation);
  at::Tensor forward(const at::Tensor& index) const;  // [...] int64 -> [..., width]

 private:
  at::Tensor weight_;
};

struct ConvShape {
  int64_t in = 0;
  int64_t out = 0;
  int64_t kernel = 1;
  int64_t stride = 1;
  int64_t padding = 0;
  int64_t dilation = 1;
  bool bias = true;
  bool kaiming = false;  // N(0, 2 / (out kernel^d)), He 2015 as torchvision's ResNet has it; else torch's default
};

// dimensions: 1 (x_BCT) or 2 (x_BCHW; answers have the memory format of x: channels last is the faster one on the host).
class Conv : public Module {
 public:
  Conv(NetInits& inits, int dimensions, const ConvShape& shape);
  at::Tensor forward(const at::Tensor& x) const;
  const at::Tensor& weight() const { return weight_; }
  const at::Tensor& bias() const { return bias_; }

 private:
  int dimensions_;
  ConvShape shape_;
  at::Tensor weight_, bias_;
};

// Over the rows of a batch (and places of an image): momentum 0.1, eps 1e-5; running_mean and running_var are
// buffers (num_batches_tracked is not kept: PyTorch takes it for 0 where it is missing). A batch cut into pieces is normalised piece by piece.
class BatchNorm : public Module {
 public:
  BatchNorm(NetInits& inits, int64_t channels);
  // relu: of the sum with what is added (which may be undefined).
  at::Tensor forward(const at::Tensor& x, bool relu = false, const at::Tensor& added = {}) const;

 private:
  at::Tensor weight_, bias_, mean_, variance_;
};

// Over the last dimension, eps 1e-5.
class LayerNorm : public Module {
 public:
  LayerNorm(NetInits& inits, int64_t width);
  at::Tensor forward(const at::Tensor& x) const;

 private:
  int64_t width_;
  at::Tensor weight_, bias_;
};

// x_BCHW with its channels last in memory, on the host: oneDNN's convolutions then copy nothing.
at::Tensor channels_last(const at::Tensor& x_BCHW);

// dropout() of tensor/dropout.h, recorded; x itself when not training.
at::Tensor net_dropout(const at::Tensor& x, double p, uint64_t key, bool training);

// "relu", "gelu" (erf), "tanh".
at::Tensor net_activation(const std::string& name, const at::Tensor& x);

// What a list of options holds, as whole numbers.
std::vector<int64_t> whole(const std::vector<double>& list);

}  // namespace athanor
