// Mean and deviation of numbers one by one (Welford 1962): stable, one pass.
#pragma once

#include <cmath>
#include <cstdint>

namespace athanor {

struct RunningStatistics {
  uint64_t count = 0;
  double mean = 0;
  double squares = 0;  // sum of squared distances from the mean

  void add(double value) {
    ++count;
    const double distance = value - mean;
    mean += distance / static_cast<double>(count);
    squares += distance * (value - mean);
  }
  // Of the population; 1 where all values are equal, so that dividing by it is safe.
  double deviation() const {
    const double found = count > 0 ? std::sqrt(squares / static_cast<double>(count)) : 0;
    return found > 1e-12 ? found : 1;
  }
};

}  // namespace athanor
