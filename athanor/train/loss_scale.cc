#include "athanor/train/loss_scale.h"

#include <cmath>
#include <string>

#include "athanor/base/error.h"

namespace athanor {

LossScale::LossScale(const LossScaleOptions& options) : options_(options), scale_(options.initial) {
  const bool fits = std::isfinite(options.initial) && options.initial > 0 && options.growth > 1 && options.backoff > 0 &&
                    options.backoff < 1 && options.growth_interval > 0;
  if (!fits) {
    throw Error(ErrorKind::kUsage, "a loss scale needs initial > 0, growth > 1, backoff between 0 and 1, interval > 0");
  }
}

bool LossScale::update(bool found_inf) {
  if (found_inf) {
    scale_ *= options_.backoff;
    finite_steps_ = 0;
    ++num_skipped_;
    return false;
  }
  if (++finite_steps_ == options_.growth_interval) {
    const double grown = scale_ * options_.growth;
    if (std::isfinite(static_cast<float>(grown))) {
      scale_ = grown;
    }
    finite_steps_ = 0;
  }
  return true;
}

nlohmann::json LossScale::state() const {
  return {{"scale", scale_}, {"finite_steps", finite_steps_}, {"skipped", num_skipped_}};
}

void LossScale::restore(const nlohmann::json& state, const std::string& where) {
  const auto number = [&](const char* key) {
    const auto found = state.is_object() ? state.find(key) : state.end();
    if (found == state.end() || !found->is_number() || !std::isfinite(found->get<double>())) {
      throw Error(ErrorKind::kInput, std::string("the loss scale's state has no number '") + key + "'", where);
    }
    return found->get<double>();
  };
  const double scale = number("scale");
  const double finite_steps = number("finite_steps");
  const double skipped = number("skipped");
  if (scale <= 0 || finite_steps < 0 || finite_steps >= static_cast<double>(options_.growth_interval) || skipped < 0 ||
      skipped > 1e15) {
    throw Error(ErrorKind::kInput, "the loss scale's state is out of range: " + state.dump(), where);
  }
  scale_ = scale;
  finite_steps_ = static_cast<int64_t>(finite_steps);
  num_skipped_ = static_cast<int64_t>(skipped);
}

}  // namespace athanor
