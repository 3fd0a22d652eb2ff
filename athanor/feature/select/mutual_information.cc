#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "athanor/base/rng.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/select/scores.h"

namespace athanor {

namespace {

constexpr size_t kDiscreteValues = 32;
constexpr uint64_t kTies = 0x6d695f74696573;  // keeps these draws apart from others of the same seed
constexpr double kTieNoise = 1e-10;           // of the mean size of values of deviation 1

// digamma(n) for whole n >= 1, by its recurrence.
std::vector<double> digamma_table(size_t n) {
  std::vector<double> table(n + 2, 0);
  table[1] = -0.57721566490153286;
  for (size_t i = 2; i < table.size(); ++i) {
    table[i] = table[i - 1] + 1 / static_cast<double>(i - 1);
  }
  return table;
}

double just_below(double value) {
  return std::nextafter(value, 0.0);
}

// Values within radius of `at`, itself too. sorted ascending.
size_t count_within(const std::vector<double>& sorted, double at, double radius) {
  // Differences are compared, not at - radius and at + radius, whose rounding would let the k-th
  // neighbour in.
  const auto low = std::partition_point(sorted.begin(), sorted.end(),
                                        [&](double value) { return at - value > radius; });
  const auto high =
      std::partition_point(low, sorted.end(), [&](double value) { return value - at <= radius; });
  return static_cast<size_t>(high - low);
}

// Distance to the k-th nearest other value, each value of an ascending list.
std::vector<double> kth_distances(const std::vector<double>& sorted, size_t k) {
  std::vector<double> out(sorted.size());
  for (size_t i = 0; i < sorted.size(); ++i) {
    size_t low = i, high = i;
    for (size_t taken = 0; taken < k; ++taken) {
      const bool below = low > 0 && (high + 1 >= sorted.size() ||
                                     sorted[i] - sorted[low - 1] <= sorted[high + 1] - sorted[i]);
      low -= below ? 1 : 0;
      high += below ? 0 : 1;
    }
    out[i] = std::max(sorted[i] - sorted[low], sorted[high] - sorted[i]);
  }
  return out;
}

// Two lists of numbers (Kraskov et al., estimator 1): distances are the larger of both differences.
double continuous_both(const std::vector<double>& x, const std::vector<double>& y, size_t k,
                       const std::vector<double>& digamma) {
  const size_t n = x.size();
  k = std::min(k, n - 1);
  std::vector<size_t> order(n);
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(),
            [&](size_t a, size_t b) { return x[a] != x[b] ? x[a] < x[b] : a < b; });
  std::vector<double> xs(n), ys(n);
  for (size_t i = 0; i < n; ++i) {
    xs[i] = x[order[i]];
    ys[i] = y[order[i]];
  }
  std::vector<double> sorted_y = y;
  std::sort(sorted_y.begin(), sorted_y.end());
  double sum = 0;
  std::vector<double> near;  // the k smallest distances so far, ascending
  for (size_t i = 0; i < n; ++i) {
    near.clear();
    const auto offer = [&](size_t j) {
      const double d = std::max(std::fabs(xs[j] - xs[i]), std::fabs(ys[j] - ys[i]));
      if (near.size() < k || d < near.back()) {
        near.insert(std::upper_bound(near.begin(), near.end(), d), d);
        near.resize(std::min(near.size(), k));
      }
    };
    size_t low = i, high = i + 1;
    while (low > 0 || high < n) {
      const double left = low > 0 ? xs[i] - xs[low - 1] : HUGE_VAL;
      const double right = high < n ? xs[high] - xs[i] : HUGE_VAL;
      if (near.size() == k && std::min(left, right) >= near.back()) {
        break;
      }
      offer(left <= right ? --low : high++);
    }
    const double radius = just_below(near.back());
    sum +=
        digamma[count_within(xs, xs[i], radius)] + digamma[count_within(sorted_y, ys[i], radius)];
  }
  return std::max(0.0, digamma[n] + digamma[k] - sum / static_cast<double>(n));
}

// Numbers and classes (Ross 2014). Classes of one row teach nothing.
double continuous_and_classes(const std::vector<double>& x, const std::vector<int32_t>& classes,
                              size_t neighbors, const std::vector<double>& digamma) {
  std::map<int32_t, std::vector<double>> by_class;
  for (size_t i = 0; i < x.size(); ++i) {
    by_class[classes[i]].push_back(x[i]);
  }
  std::vector<double> all;
  for (const auto& [c, values] : by_class) {
    if (values.size() > 1) {
      all.insert(all.end(), values.begin(), values.end());
    }
  }
  std::sort(all.begin(), all.end());
  double sum = 0;
  for (auto& [c, values] : by_class) {
    if (values.size() < 2) {
      continue;
    }
    std::sort(values.begin(), values.end());
    const size_t k = std::min(neighbors, values.size() - 1);
    const std::vector<double> distances = kth_distances(values, k);
    for (size_t i = 0; i < values.size(); ++i) {
      sum += digamma[k] - digamma[values.size()] -
             digamma[count_within(all, values[i], just_below(distances[i]))];
    }
  }
  return all.empty() ? 0
                     : std::max(0.0, digamma[all.size()] + sum / static_cast<double>(all.size()));
}

double classes_both(const std::vector<int32_t>& a, const std::vector<int32_t>& b) {
  std::map<std::pair<int32_t, int32_t>, double> both;
  std::map<int32_t, double> of_a, of_b;
  for (size_t i = 0; i < a.size(); ++i) {
    both[{a[i], b[i]}] += 1;
    of_a[a[i]] += 1;
    of_b[b[i]] += 1;
  }
  const auto n = static_cast<double>(a.size());
  double sum = 0;
  for (const auto& [pair, count] : both) {
    sum += count / n * std::log(count * n / (of_a[pair.first] * of_b[pair.second]));
  }
  return std::max(0.0, sum);
}

// Numbers of the different values; empty when there are too many for a discrete feature.
std::vector<int32_t> as_classes(const std::vector<double>& values) {
  std::vector<double> different;
  for (const double value : values) {
    const auto at = std::lower_bound(different.begin(), different.end(), value);
    if (at == different.end() || *at != value) {
      if (different.size() == kDiscreteValues) {
        return {};
      }
      different.insert(at, value);
    }
  }
  std::vector<int32_t> out;
  for (const double value : values) {
    out.push_back(static_cast<int32_t>(std::lower_bound(different.begin(), different.end(), value) -
                                       different.begin()));
  }
  return out;
}

// To deviation 1: the estimators compare distances of features and target. Then noise far below any difference: equal
// numbers (whole ones, rounded ones) would make a nearest neighbour at distance 0 of a whole crowd, and the estimate too high.
void scale_and_part_ties(std::vector<double>& values, uint64_t seed, uint64_t column) {
  const double deviation = std::sqrt(variance_of(values, mean_of(values)));
  double size = 0;
  for (double& value : values) {
    value /= deviation > 0 ? deviation : 1;
    size += std::fabs(value) / static_cast<double>(values.size());
  }
  Rng rng(random_at(seed, kTies, column));
  for (double& value : values) {
    value += kTieNoise * std::max(1.0, size) * rng.normal();
  }
}

}  // namespace

std::vector<double> mutual_information_scores(const Matrix& x, const Target& target,
                                              int64_t neighbors, uint64_t seed, ThreadPool& pool) {
  const std::vector<double> digamma = digamma_table(x.rows);
  const bool regression = target.task == Task::kRegression;
  const auto k = static_cast<size_t>(neighbors);
  std::vector<double> y = target.values;
  scale_and_part_ties(y, seed, x.columns);
  const auto classes = regression ? std::vector<std::vector<int32_t>>() : class_targets(target);
  std::vector<double> scores(x.columns, 0);
  if (x.rows < 3) {
    return scores;
  }
  pool.parallel_for(x.columns, [&](size_t column) {
    std::vector<double> values = column_of(x, column);
    const std::vector<int32_t> discrete = as_classes(values);
    scale_and_part_ties(values, seed, column);
    if (regression) {
      scores[column] = discrete.empty() ? continuous_both(values, y, k, digamma)
                                        : continuous_and_classes(y, discrete, k, digamma);
    }
    for (const auto& one : classes) {
      scores[column] = std::max(scores[column],
                                discrete.empty() ? continuous_and_classes(values, one, k, digamma)
                                                 : classes_both(discrete, one));
    }
  });
  return scores;
}

}  // namespace athanor
