#include "athanor/clean/tables/number_facts.h"

#include <algorithm>
#include <cmath>

namespace athanor {

namespace {
constexpr double kNormalMad = 1.482602218505602;  // 1 / the 75 % point of the normal distribution
}

std::vector<double> sorted_numbers(const std::vector<double>& values) {
  std::vector<double> all;
  all.reserve(values.size());
  for (const double value : values) {
    if (!std::isnan(value)) {
      all.push_back(value);
    }
  }
  std::sort(all.begin(), all.end());
  return all;
}

double quantile_of(const std::vector<double>& values, double q) {
  const double at = q * static_cast<double>(values.size() - 1);
  const auto below = static_cast<size_t>(at);
  const double part = at - static_cast<double>(below);
  if (below + 1 >= values.size() || part == 0) {
    return values[below];
  }
  // As numpy does: from the nearer end, so that 0.5 of two equal values is that value.
  const double step = values[below + 1] - values[below];
  return part < 0.5 ? values[below] + step * part : values[below + 1] - step * (1 - part);
}

double mean_of_numbers(const std::vector<double>& values) {
  long double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return values.empty() ? 0 : static_cast<double>(sum / static_cast<long double>(values.size()));
}

double deviation_of_numbers(const std::vector<double>& values) {
  const double mean = mean_of_numbers(values);
  long double sum = 0;
  for (const double value : values) {
    sum += static_cast<long double>(value - mean) * (value - mean);
  }
  return values.empty() ? 0 : std::sqrt(static_cast<double>(sum / static_cast<long double>(values.size())));
}

double median_deviation(const std::vector<double>& sorted) {
  const double middle = quantile_of(sorted, 0.5);
  std::vector<double> distances;
  distances.reserve(sorted.size());
  for (const double value : sorted) {
    distances.push_back(std::abs(value - middle));
  }
  std::sort(distances.begin(), distances.end());
  return quantile_of(distances, 0.5);
}

std::optional<NumberBounds> outlier_bounds(const std::vector<double>& sorted, const std::string& by, double factor) {
  double low = 0, high = 0, spread = 0;
  if (by == "iqr") {
    low = quantile_of(sorted, 0.25), high = quantile_of(sorted, 0.75);
    spread = high - low;
  } else if (by == "zscore") {
    low = high = mean_of_numbers(sorted);
    spread = deviation_of_numbers(sorted);
  } else {
    low = high = quantile_of(sorted, 0.5);
    spread = kNormalMad * median_deviation(sorted);
  }
  if (!(spread > 0) || !std::isfinite(low - factor * spread) || !std::isfinite(high + factor * spread)) {
    return std::nullopt;
  }
  return NumberBounds{low - factor * spread, high + factor * spread};
}

}  // namespace athanor
