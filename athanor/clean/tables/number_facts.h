// What is said of a list of numbers, as pandas and SciPy say it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace athanor {

// NaN out, ascending.
std::vector<double> sorted_numbers(const std::vector<double>& values);
// Between the two nearest, as numpy.quantile does by default (Hyndman and Fan's type 7). values: sorted, not empty.
double quantile_of(const std::vector<double>& values, double q);
double mean_of_numbers(const std::vector<double>& values);
// Population deviation (n below the line), as scipy.stats.zscore takes.
double deviation_of_numbers(const std::vector<double>& values);
// The median distance from the median.
double median_deviation(const std::vector<double>& sorted);

struct NumberBounds {
  double low = 0;
  double high = 0;
};
// iqr: quartiles -/+ factor x their distance (Tukey). zscore: mean -/+ factor x deviation. mad: median -/+ factor x 1.4826 x
// median deviation (Iglewicz and Hoaglin). None where the spread is 0: then half of the values are equal, and every other
// one would be an outlier. sorted: not empty.
std::optional<NumberBounds> outlier_bounds(const std::vector<double>& sorted, const std::string& by, double factor);

}  // namespace athanor
