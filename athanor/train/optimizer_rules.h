// The updates that work element by element, each one function over a run of floats: weights, gradients and the rule's
// own arrays go through memory once.
//
//   adamw     Loshchilov and Hutter 2019, algorithm 2; adam is the same with weight_decay 0 (Kingma and Ba 2015)
//   sgd       v = momentum v + g; w -= lr v, or lr (g + momentum v) with nesterov (Sutskever 2013)
//   adagrad   s += g^2; w -= lr g / (sqrt(s) + eps) (Duchi 2011)
//   adadelta  Zeiler 2012; smoothing is rho
//   rmsprop   s = alpha s + (1 - alpha) g^2; g / (sqrt(s) + eps), with momentum over it (Hinton 2012)
//   lion      w -= lr sign(beta1 m + (1 - beta1) g); m = beta2 m + (1 - beta2) g (Chen 2023)
//
// In PyTorch's arithmetic (tests compare with its optimisers). In all of them weight decay is decoupled: w *= 1 - lr
// weight_decay comes first.
#pragma once

#include <c10/util/BFloat16.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "athanor/tensor/cuda/kernels.h"
#include "athanor/train/options.h"

namespace athanor {

// Constants of one update of one parameter.
struct UpdateCoefficients {
  float grad_scale = 1;
  float keep = 1;  // 1 - lr * weight decay
  float l2 = 0, l1 = 0;
  float step_size = 0;
  float eps = 0;
  float a = 0, b = 0, c = 0;  // the rule's own
  uint64_t rounding = 0;      // of bf16 state: differs with each update
};

// count elements from `begin` of a parameter's memory on; slots that the rule does not use are null.
struct UpdateRun {
  float* weight;
  const float* grad;
  void* slots[2];
  int64_t count;
  uint64_t index;  // of the first element over all parameters: places the random bits
};

struct OptimizerRule {
  std::string name;
  std::vector<std::string> slots;  // arrays beside each parameter, as checkpoints name them
  // What is the same for all parameters in update t (from 1 on).
  UpdateCoefficients (*coefficients)(const OptimizerOptions& options, double lr, double t);
  void (*update)(const UpdateRun& run, const UpdateCoefficients& c);       // slots of float
  void (*update_bf16)(const UpdateRun& run, const UpdateCoefficients& c);  // slots of bf16, stochastic rounding
  AthanorRule on_gpu;  // the same by the GPU's kernel
};

// The rule for options.name; for muon that of its other parameters (adamw). Error(kUsage) when there is none.
OptimizerRule optimizer_rule(const OptimizerOptions& options);

// to = from in bf16, rounded up or down by chance as the rules round their slots: index and rounding as in UpdateRun and
// UpdateCoefficients.
void round_by_chance(const float* from, c10::BFloat16* to, int64_t count, uint64_t index, uint64_t rounding);

// The options with every "own" default written out.
OptimizerOptions with_defaults(OptimizerOptions options);

}  // namespace athanor
