#include "athanor/train/schedule.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr double kDefaultFall = 0.1;
constexpr double kCycleStart = 25;    // one_cycle: lr / this at the start
constexpr double kCycleEnd = 1e4;     // and a further factor at the end
constexpr double kCycleRise = 0.3;    // share of the steps that rise

void require(bool ok, const char* what, const char* where) {
  if (!ok) {
    throw Error(ErrorKind::kUsage, what, where);
  }
}

double cosine(double from, double to, double t) {
  return to + (from - to) * 0.5 * (1.0 + std::cos(std::numbers::pi * t));
}

}  // namespace

Schedule::Schedule(double lr, const ScheduleOptions& options, int64_t steps)
    : options_(options), lr_(lr), min_lr_(lr * options.min_lr_fraction), steps_(steps) {
  require(std::isfinite(lr) && lr > 0, "the learning rate must be above 0", "optimizer.lr");
  require(steps >= 1, "a run needs at least one step", "steps");
  require(options.warmup_steps >= 0, "the warm-up cannot be negative", "schedule.warmup_steps");
  require(options.min_lr_fraction >= 0 && options.min_lr_fraction <= 1, "must lie in [0, 1]",
          "schedule.min_lr_fraction");
  require(options.decay_fraction >= 0 && options.decay_fraction <= 1, "must lie in [0, 1]",
          "schedule.decay_fraction");
  require(options.decay_shape == "linear" || options.decay_shape == "sqrt", "must be linear or sqrt",
          "schedule.decay_shape");
  require(options.gamma >= 0 && options.gamma <= 1, "must lie in [0, 1]", "schedule.gamma");
  require(options.step_size >= 1, "must be at least 1", "schedule.step_size");
  require(options.power > 0, "must be above 0", "schedule.power");
  require(options.patience >= 0, "must be 0 or more", "schedule.patience");
  require(options.threshold >= 0 && options.threshold < 1, "must lie in [0, 1)", "schedule.threshold");
  decay_begin_ = std::min(options.warmup_steps, steps_);
  constexpr const char* kNames[] = {"cosine", "linear",       "constant",   "wsd",       "step",
                                    "exponential", "inverse_sqrt", "polynomial", "one_cycle", "plateau"};
  if (std::find(std::begin(kNames), std::end(kNames), options.name) == std::end(kNames)) {
    throw Error(ErrorKind::kUsage, "there is no schedule '" + options.name + "'", "schedule.name",
                "use cosine, linear, polynomial, wsd, constant, step, exponential, inverse_sqrt, one_cycle or plateau");
  }
  if (options.name == "wsd") {
    const auto decay_steps = std::llround(options.decay_fraction * static_cast<double>(steps));
    decay_begin_ = std::max(decay_begin_, steps_ - static_cast<int64_t>(decay_steps));
  }
  if (options.name == "exponential" && options.gamma == 0) {
    require(options.min_lr_fraction > 0, "must be above 0 for an exponential decay without gamma",
            "schedule.min_lr_fraction");
    const auto left = static_cast<double>(std::max<int64_t>(1, steps_ - decay_begin_));
    options_.gamma = std::pow(options.min_lr_fraction, 1 / left);
  } else if (options.gamma == 0) {
    options_.gamma = kDefaultFall;
  }
}

double Schedule::lr(int64_t step) const {
  if (options_.name == "one_cycle") {
    return one_cycle(step);
  }
  if (step < options_.warmup_steps) {
    return lr_ * static_cast<double>(step + 1) / static_cast<double>(options_.warmup_steps + 1);
  }
  if (step < decay_begin_) {
    return lr_;
  }
  return decayed(step);
}

double Schedule::decayed(int64_t step) const {
  const std::string& name = options_.name;
  const auto since = static_cast<double>(step - decay_begin_);
  if (name == "constant" || name == "plateau") {
    return lr_;
  }
  if (name == "step") {
    return std::max(min_lr_, lr_ * std::pow(options_.gamma, std::floor(since / static_cast<double>(options_.step_size))));
  }
  if (name == "exponential") {
    return std::max(min_lr_, lr_ * std::pow(options_.gamma, since));
  }
  if (name == "inverse_sqrt") {
    const auto warmup = static_cast<double>(std::max<int64_t>(1, options_.warmup_steps));
    return std::max(min_lr_, lr_ * std::sqrt(warmup / (warmup + since)));
  }
  if (step >= steps_) {
    return min_lr_;
  }
  const double t = since / static_cast<double>(steps_ - decay_begin_);
  if (name == "cosine") {
    return cosine(lr_, min_lr_, t);
  }
  if (name == "polynomial") {
    return min_lr_ + (lr_ - min_lr_) * std::pow(1.0 - t, options_.power);
  }
  const bool root = name == "wsd" && options_.decay_shape == "sqrt";
  return min_lr_ + (lr_ - min_lr_) * (1.0 - (root ? std::sqrt(t) : t));
}

double Schedule::one_cycle(int64_t step) const {
  const auto last = static_cast<double>(std::max<int64_t>(1, steps_ - 1));
  const double top = kCycleRise * static_cast<double>(steps_) - 1;
  const auto at = static_cast<double>(std::min(step, steps_ - 1));
  const double start = lr_ / kCycleStart;
  if (at <= top) {
    return cosine(start, lr_, at / top);
  }
  return cosine(lr_, start / kCycleEnd, last > top ? (at - top) / (last - top) : 1);
}

Plateau::Plateau(const ScheduleOptions& options) : options_(options) {
  options_.gamma = options.gamma > 0 ? options.gamma : kDefaultFall;
}

bool Plateau::see(double loss) {
  if (options_.name != "plateau") {
    return false;
  }
  if (std::isfinite(loss) && (!any_ || loss < best_ * (1 - options_.threshold))) {
    any_ = true;
    best_ = loss;
    bad_ = 0;
    return false;
  }
  if (++bad_ <= options_.patience) {
    return false;
  }
  bad_ = 0;
  const double before = factor_;
  factor_ = std::max(options_.min_lr_fraction, factor_ * options_.gamma);
  return factor_ < before;
}

nlohmann::json Plateau::to_json() const {
  return {{"factor", factor_}, {"best", best_}, {"any", any_}, {"bad", bad_}};
}

void Plateau::restore(const nlohmann::json& saved) {
  factor_ = saved.at("factor").get<double>();
  any_ = saved.at("any").get<bool>() && saved.at("best").is_number();
  best_ = any_ ? saved.at("best").get<double>() : 0;
  bad_ = saved.at("bad").get<int64_t>();
}

}  // namespace athanor
