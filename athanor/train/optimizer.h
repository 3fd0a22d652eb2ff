// AdamW with global-norm clipping over all parameters of a model in two passes of memory: one that sums the
// squares of the gradients, one that clips, decays, updates both moments and the weights together.
//
//   AdamW optimizer(model.named_parameters(), options.optimizer);
//   backward(loss);
//   const double norm = optimizer.grad_norm();
//   optimizer.step(lr, clip_scale(norm, 1.0));
//   optimizer.zero_grad();
//
// Source: Loshchilov and Hutter 2019, algorithm 2, in the arithmetic of PyTorch's fused AdamW (tests compare).
// Parameters, gradients and moments are fp32. Sums of squares are reduced in a fixed order over fixed chunks, so
// that no result depends on the number of threads.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "athanor/model/nn/module.h"
#include "athanor/train/options.h"

namespace athanor {

// What gradients are multiplied by so that their norm is at most max_norm; 1 when max_norm is 0 or the norm is
// below it. PyTorch's clip_grad_norm_: max_norm / (norm + 1e-6).
double clip_scale(double norm, double max_norm);

class AdamW {
 public:
  // The parameters must be contiguous fp32 on the CPU and outlive the optimiser. Weight decay touches those whose
  // `decay` is set.
  AdamW(std::vector<NamedParameter> parameters, const OptimizerOptions& options);

  // The 2-norm of all gradients together. A parameter without a gradient counts as zero.
  double grad_norm() const;

  // One update with gradients multiplied by grad_scale. A parameter without a gradient is left alone.
  void step(double lr, double grad_scale);

  // Frees the gradients: the next backward then moves its own in, without a pass to clear or add.
  void zero_grad();

  int64_t num_updates() const { return num_updates_; }
  int64_t num_elements() const { return moment1_.numel(); }

  // The moments as views on the optimiser's own memory, named "exp_avg.<parameter>" and "exp_avg_sq.<parameter>".
  std::vector<std::pair<std::string, at::Tensor>> state() const;
  // For a resume, after the moments were filled through state().
  void set_num_updates(int64_t count) { num_updates_ = count; }

 private:
  // A fixed piece of one parameter: the unit of parallel work and of the reduction's order.
  struct Chunk {
    size_t parameter;
    int64_t begin;
    int64_t count;
  };

  std::vector<const float*> gradients() const;

  std::vector<NamedParameter> parameters_;
  OptimizerOptions options_;
  std::vector<int64_t> offsets_;  // of each parameter in the moments
  std::vector<Chunk> chunks_;
  at::Tensor moment1_;
  at::Tensor moment2_;
  int64_t num_updates_ = 0;
};

}  // namespace athanor
