#include "athanor/classic/models/line_search.h"

#include <algorithm>
#include <cmath>

namespace athanor::classic {

namespace {

constexpr double kEnough = 1e-3;  // of the first slope's promise
constexpr double kFlat = 0.9;     // of the first slope
constexpr double kNarrow = 0.1;   // an interval relative to its end
constexpr double kFarthest = 1e10;

}  // namespace

LineSearch::LineSearch(double value, double slope, double first_step)
    : best_{0, value, slope},
      other_{0, value, slope},
      start_value_(value),
      start_slope_(slope),
      step_(first_step),
      high_(5 * first_step),
      width_(kFarthest),
      width_before_(2 * kFarthest) {}

bool LineSearch::ends_at(double value, double slope) {
  const double promised = kEnough * start_slope_;
  const double wanted = start_value_ + step_ * promised;
  if (value <= wanted && std::fabs(slope) <= -kFlat * start_slope_) {
    found_ = true;
    return true;
  }
  const bool stuck = bracketed_ && (step_ <= low_ || step_ >= high_ || high_ - low_ <= kNarrow * high_);
  const bool far = step_ >= kFarthest && value <= wanted && slope <= promised;
  const bool near = step_ <= 0;
  found_ = far || (stuck && value <= wanted);
  return stuck || far || near || !std::isfinite(value) || !std::isfinite(slope);
}

void LineSearch::tell(double value, double slope) {
  const double wanted = start_value_ + step_ * kEnough * start_slope_;
  if (modified_ && value <= wanted && slope >= 0) {
    modified_ = false;
  }
  done_ = ends_at(value, slope);
  if (!done_) {
    guess(value, slope);
  }
}

void LineSearch::guess(double value, double slope) {
  const double promised = kEnough * start_slope_;
  const bool tilted = modified_ && value <= best_.value && value > start_value_ + step_ * promised;
  const auto tilt = [&](End& end, double sign) {
    end.value -= sign * end.at * promised;
    end.slope -= sign * promised;
  };
  End p{step_, value, slope};
  if (tilted) {  // the function less what is promised: its minimum is a step that lowers enough
    tilt(best_, 1);
    tilt(other_, 1);
    tilt(p, 1);
  }
  const double next = next_of(best_, other_, p);
  if (p.value > best_.value) {
    other_ = p;
  } else {
    if (p.slope * best_.slope < 0) {
      other_ = best_;
    }
    best_ = p;
  }
  if (tilted) {
    tilt(best_, -1);
    tilt(other_, -1);
  }
  step_ = next;
  keep_inside();
}

// Where the least of a cubic or a parabola through x, y and p lies.
double LineSearch::next_of(const End& x, const End& y, const End& p) {
  const auto root = [](double theta, double a, double b) {
    const double s = std::max({std::fabs(theta), std::fabs(a), std::fabs(b)});
    return s == 0 ? 0.0 : s * std::sqrt(std::max(0.0, (theta / s) * (theta / s) - (a / s) * (b / s)));
  };
  const double theta = 3 * (x.value - p.value) / (p.at - x.at) + x.slope + p.slope;
  const double gamma = root(theta, x.slope, p.slope);
  if (p.value > x.value) {  // the least lies between
    const double g = p.at < x.at ? -gamma : gamma;
    const double cubic = x.at + ((g - x.slope) + theta) / (((g - x.slope) + g) + p.slope) * (p.at - x.at);
    const double square = x.at + x.slope / ((x.value - p.value) / (p.at - x.at) + x.slope) / 2 * (p.at - x.at);
    bracketed_ = true;
    return std::fabs(cubic - x.at) < std::fabs(square - x.at) ? cubic : cubic + (square - cubic) / 2;
  }
  const double g = p.at > x.at ? -gamma : gamma;
  const double secant = p.at + p.slope / (p.slope - x.slope) * (x.at - p.at);
  if (p.slope * x.slope < 0) {  // it fell, and rises again
    const double cubic = p.at + ((g - p.slope) + theta) / (((g - p.slope) + g) + x.slope) * (x.at - p.at);
    bracketed_ = true;
    return std::fabs(cubic - p.at) > std::fabs(secant - p.at) ? cubic : secant;
  }
  if (std::fabs(p.slope) < std::fabs(x.slope)) {  // it falls less steeply
    const double r = ((g - p.slope) + theta) / ((g + (x.slope - p.slope)) + g);
    const double cubic = r < 0 && g != 0 ? p.at + r * (x.at - p.at) : (p.at > x.at ? high_ : low_);
    const bool cubic_nearer = std::fabs(cubic - p.at) < std::fabs(secant - p.at);
    if (!bracketed_) {
      return std::clamp(cubic_nearer ? secant : cubic, low_, high_);
    }
    const double most = p.at + 0.66 * (y.at - p.at);
    const double next = cubic_nearer ? cubic : secant;
    return p.at > x.at ? std::min(most, next) : std::max(most, next);
  }
  if (!bracketed_) {
    return p.at > x.at ? high_ : low_;
  }
  const double other_theta = 3 * (p.value - y.value) / (y.at - p.at) + y.slope + p.slope;
  const double other = root(other_theta, y.slope, p.slope) * (p.at > y.at ? -1 : 1);
  return p.at + ((other - p.slope) + other_theta) / (((other - p.slope) + other) + y.slope) * (y.at - p.at);
}

void LineSearch::keep_inside() {
  if (bracketed_) {
    const double width = std::fabs(other_.at - best_.at);
    if (width >= 0.66 * width_before_) {
      step_ = best_.at + 0.5 * (other_.at - best_.at);
    }
    width_before_ = width_;
    width_ = width;
    low_ = std::min(best_.at, other_.at);
    high_ = std::max(best_.at, other_.at);
  } else {
    low_ = step_ + 1.1 * (step_ - best_.at);
    high_ = step_ + 4 * (step_ - best_.at);
  }
  step_ = std::clamp(step_, 0.0, kFarthest);
  if (bracketed_ && (step_ <= low_ || step_ >= high_ || high_ - low_ <= kNarrow * high_)) {
    step_ = best_.at;
  }
}

}  // namespace athanor::classic
