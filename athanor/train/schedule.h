// The learning rate as a pure function of the step: nothing to save, nothing to restore.
//
//   const Schedule schedule(options.optimizer.lr, options.schedule, options.steps);
//   schedule.lr(0);  // the rate of the first update
//
// All begin with warm-up, lr * (step + 1) / (warmup_steps + 1). Then, with t from 0 to 1 over the decay:
//   cosine    min + (lr - min) * (1 + cos(pi t)) / 2 over all the steps left (nanoGPT's get_lr)
//   linear    lr + (min - lr) * t over all the steps left
//   wsd       lr, then over the last decay_fraction of all steps min + (lr - min) * (1 - t) or (1 - sqrt(t))
//             (Hu et al. 2024, MiniCPM; Haegele et al. 2024 for 1 - sqrt)
//   constant  lr
#pragma once

#include <cstdint>

#include "athanor/train/options.h"

namespace athanor {

class Schedule {
 public:
  // Throws Error(kUsage) for an unknown name or a value out of range.
  Schedule(double lr, const ScheduleOptions& options, int64_t steps);

  // step counts updates from 0.
  double lr(int64_t step) const;

 private:
  enum class Kind { kCosine, kWsd, kLinear, kConstant };
  Kind kind_;
  bool sqrt_shape_;
  double lr_;
  double min_lr_;
  int64_t steps_;
  int64_t warmup_steps_;
  int64_t decay_begin_;  // first step of the decay
};

}  // namespace athanor
