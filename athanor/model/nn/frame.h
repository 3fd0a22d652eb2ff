// What stands around the products of a block: the norm of its input, the norm and dropout of what it adds, the
// residual sum, the norm of the sum. Used by blocks.cc only. N tokens, C features.
//   pre-norm (GPT-2, Llama):  x + dropout(f(norm(x)))
//   both ends (Gemma 3):      x + dropout(out_norm(f(norm(x))))
//   post-norm (BERT):         sum_norm(x + dropout(f(x)))
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "athanor/model/nn/blocks.h"

namespace athanor {

// The slots of the saved tensors that belong to the frame; a block's own begin at kFrameSlots.
enum FrameSlot : size_t { kInput, kInWeight, kInBias, kInRstd, kInMean, kHidden, kDelta, kOutWeight, kOutRstd, kSum,
                          kSumWeight, kSumRstd, kSumMean, kFrameSlots };

class Frame {
 public:
  Frame(const BlockContext& context, const BlockNorms& norms) : context_(context), norms_(norms) {}

  // The inputs that the frame differentiates: x, then weight and bias of each norm that there is.
  void append_inputs(const at::Tensor& x_NC, std::vector<at::Tensor>& inputs) const;

  // What the products read, in compute precision; fills the first slots of saved.
  at::Tensor enter(const at::Tensor& x_NC, std::vector<at::Tensor>& saved) const;
  // The block's value; fills the others.
  at::Tensor leave(const at::Tensor& x_NC, const at::Tensor& delta_NC, std::vector<at::Tensor>& saved) const;

 private:
  const BlockContext& context_;
  const BlockNorms& norms_;
};

// The same the other way. Copied into the gradient, so it holds no references.
class FrameGradient {
 public:
  FrameGradient(const BlockContext& context, const BlockNorms& norms);

  // What the products read: made again from the input, which costs less than keeping it.
  at::Tensor hidden(const std::vector<at::Tensor>& saved) const;
  // dL/dy -> dL/d(what the products gave), in compute precision.
  at::Tensor enter(const std::vector<at::Tensor>& saved, const at::Tensor& dy);
  // dL/d(what the products read) -> the gradients of append_inputs' inputs.
  std::vector<at::Tensor> leave(const std::vector<at::Tensor>& saved, const at::Tensor& dhidden);

 private:
  bool in_;
  bool out_;
  bool sum_;
  Norm kind_;
  double in_eps_;
  at::ScalarType dtype_;  // of compute
  double dropout_;
  uint64_t dropout_key_;
  at::Tensor dresidual_NC_;
  std::vector<at::Tensor> norm_gradients_;  // of out_norm and sum_norm
};

}  // namespace athanor
