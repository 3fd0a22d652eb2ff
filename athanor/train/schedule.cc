#include "athanor/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "athanor/base/error.h"

namespace athanor {

namespace {

void require(bool ok, const char* what, const char* where) {
  if (!ok) {
    throw Error(ErrorKind::kUsage, what, where);
  }
}

}  // namespace

Schedule::Schedule(double lr, const ScheduleOptions& options, int64_t steps)
    : lr_(lr), min_lr_(lr * options.min_lr_fraction), steps_(steps), warmup_steps_(options.warmup_steps) {
  require(std::isfinite(lr) && lr > 0, "the learning rate must be above 0", "optimizer.lr");
  require(steps >= 1, "a run needs at least one step", "steps");
  require(options.warmup_steps >= 0, "the warm-up cannot be negative", "schedule.warmup_steps");
  require(options.min_lr_fraction >= 0 && options.min_lr_fraction <= 1, "must lie in [0, 1]",
          "schedule.min_lr_fraction");
  require(options.decay_fraction >= 0 && options.decay_fraction <= 1, "must lie in [0, 1]",
          "schedule.decay_fraction");
  require(options.decay_shape == "linear" || options.decay_shape == "sqrt", "must be linear or sqrt",
          "schedule.decay_shape");
  sqrt_shape_ = options.decay_shape == "sqrt";
  decay_begin_ = std::min(warmup_steps_, steps_);
  if (options.name == "cosine") {
    kind_ = Kind::kCosine;
  } else if (options.name == "linear") {
    kind_ = Kind::kLinear;
  } else if (options.name == "constant") {
    kind_ = Kind::kConstant;
  } else if (options.name == "wsd") {
    kind_ = Kind::kWsd;
    const auto decay_steps = std::llround(options.decay_fraction * static_cast<double>(steps));
    decay_begin_ = std::max(decay_begin_, steps_ - static_cast<int64_t>(decay_steps));
  } else {
    throw Error(ErrorKind::kUsage, "there is no schedule '" + options.name + "'", "schedule.name",
                "use cosine, wsd, linear or constant");
  }
}

double Schedule::lr(int64_t step) const {
  if (step < warmup_steps_) {
    return lr_ * static_cast<double>(step + 1) / static_cast<double>(warmup_steps_ + 1);
  }
  if (kind_ == Kind::kConstant || step < decay_begin_) {
    return lr_;
  }
  if (step >= steps_) {
    return min_lr_;
  }
  const double t = static_cast<double>(step - decay_begin_) / static_cast<double>(steps_ - decay_begin_);
  switch (kind_) {
    case Kind::kCosine:
      return min_lr_ + (lr_ - min_lr_) * 0.5 * (1.0 + std::cos(std::numbers::pi * t));
    case Kind::kLinear:
      return min_lr_ + (lr_ - min_lr_) * (1.0 - t);
    case Kind::kWsd:
      return min_lr_ + (lr_ - min_lr_) * (1.0 - (sqrt_shape_ ? std::sqrt(t) : t));
    case Kind::kConstant:
      break;
  }
  return lr_;
}

}  // namespace athanor
