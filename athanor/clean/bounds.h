// The usual shape of a filter: an ordered list of measures, each with a limit below, a limit above, or both.
//
//   const Bound bounds[] = {{0, 50, kNoLimit, "too_short", ""}, {1, -kNoLimit, 0.3, "", "too_many_ellipses"}};
//   return check_bounds(measures, bounds);
#pragma once

#include <span>

#include "athanor/clean/step.h"

namespace athanor {

inline constexpr double kNoLimit = std::numeric_limits<double>::infinity();

struct Bound {
  size_t metric;  // index in Measures::numbers
  double min;     // less: fails with reason_below
  double max;     // more: fails with reason_above
  const char* reason_below;
  const char* reason_above;
};

// The first bound that fails, in the order given. NaN (does not apply) never fails.
Verdict check_bounds(const Measures& measures, std::span<const Bound> bounds);

}  // namespace athanor
