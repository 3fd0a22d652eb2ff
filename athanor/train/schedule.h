// The learning rate as a pure function of the step: nothing to save, nothing to restore.
//
//   const Schedule schedule(options.optimizer.lr, options.schedule, options.steps);
//   schedule.lr(0);  // the rate of the first update
//
// All but one_cycle begin with warm-up, lr * (step + 1) / (warmup_steps + 1). Then, with s steps since and t = s / (all
// steps left) from 0 to 1:
//   cosine        min + (lr - min) * (1 + cos(pi t)) / 2 (nanoGPT's get_lr)
//   linear        lr + (min - lr) * t
//   polynomial    min + (lr - min) * (1 - t)^power
//   wsd           lr, then over the last decay_fraction of all steps min + (lr - min) * (1 - t) or (1 - sqrt(t))
//                 (Hu et al. 2024, MiniCPM; Haegele et al. 2024 for 1 - sqrt)
//   constant      lr
//   step          lr * gamma^floor(s / step_size), not below min
//   exponential   lr * gamma^s, not below min
//   inverse_sqrt  lr * sqrt(w / (w + s)), w = max(1, warmup_steps) (Vaswani 2017), not below min
//   one_cycle     over all steps: a cosine from lr / 25 up to lr in the first 30 %, then one down to lr / 250,000
//                 (Smith 2018, as PyTorch's OneCycleLR)
//   plateau       lr; class Plateau multiplies it
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>

#include "athanor/train/options.h"

namespace athanor {

class Schedule {
 public:
  // Throws Error(kUsage) for an unknown name or a value out of range.
  Schedule(double lr, const ScheduleOptions& options, int64_t steps);

  // step counts updates from 0.
  double lr(int64_t step) const;

 private:
  double decayed(int64_t step) const;
  double one_cycle(int64_t step) const;

  ScheduleOptions options_;
  double lr_;
  double min_lr_;
  int64_t steps_;
  int64_t decay_begin_;  // first step of the decay
};

// Lowers the rate when validation no longer improves: PyTorch's ReduceLROnPlateau with a relative threshold.
class Plateau {
 public:
  explicit Plateau(const ScheduleOptions& options);

  // A validation loss; true when the factor fell. Does nothing unless the schedule is `plateau`.
  bool see(double loss);
  // What the schedule's rate is multiplied by; never below min_lr_fraction.
  double factor() const { return factor_; }

  nlohmann::json to_json() const;
  void restore(const nlohmann::json& saved);

 private:
  ScheduleOptions options_;
  double factor_ = 1;
  double best_ = 0;
  bool any_ = false;
  int64_t bad_ = 0;
};

}  // namespace athanor
