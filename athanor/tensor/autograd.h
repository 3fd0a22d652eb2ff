// A differentiable operation with a hand-written gradient, type-erased: the one place that sees PyTorch's
// custom-function header (autograd.cc), so that every file with a fused kernel compiles in the light form.
//
//   at::Tensor y = custom_op({x}, [&](std::vector<at::Tensor>& saved) { saved = {x}; return square(x); },
//                            [](const std::vector<at::Tensor>& saved, const at::Tensor& grad) {
//                              return std::vector<at::Tensor>{2 * saved[0] * grad}; });
#pragma once

#include <ATen/core/Tensor.h>
#include <ATen/core/grad_mode.h>

#include <functional>
#include <vector>

namespace athanor {

using ForwardFunction = std::function<at::Tensor(std::vector<at::Tensor>& saved)>;
using BackwardFunction =
    std::function<std::vector<at::Tensor>(const std::vector<at::Tensor>& saved, const at::Tensor& grad_out)>;

// y = forward(saved), computed without recording. backward gets what forward saved and dL/dy (contiguous; images may have their
// channels last), and returns one gradient per input, in the inputs' order; an undefined tensor means none. Undefined inputs are
// allowed and get none. Saved tensors are checked: changing one in place before backward is an error. When no
// input needs a gradient (or recording is off) forward runs alone and what it saved is dropped.
at::Tensor custom_op(std::vector<at::Tensor> inputs, const ForwardFunction& forward, BackwardFunction backward);

// y = function(x), keeping only x: the gradient runs function again (Chen et al. 2016). function must give the same bits
// each time (masks are functions of keys) and must be made of custom_op: the parameters that get a gradient through it
// are those its operations were given. Gradients are the same bits as without.
at::Tensor recomputed(const at::Tensor& x, std::function<at::Tensor(const at::Tensor& x)> function);

// True when custom_op with these inputs would record: lets a forward skip what only the gradient needs.
bool needs_grad(const std::vector<at::Tensor>& inputs);

// Adds dloss/dp into p.grad() of every leaf p that requires a gradient. loss is a scalar.
void backward(const at::Tensor& loss);

// No operation inside its scope is recorded.
struct NoGrad {
  at::NoGradGuard guard;
};

}  // namespace athanor
