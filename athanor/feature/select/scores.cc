#include "athanor/feature/select/scores.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/error.h"

namespace athanor {

namespace {

std::vector<double> means_of(const Matrix& x) {
  std::vector<double> mean(x.columns, 0);
  for (uint64_t row = 0; row < x.rows; ++row) {
    x.for_each_in_row(row, [&](uint32_t column, double value) { mean[column] += value; });
  }
  for (double& value : mean) {
    value /= static_cast<double>(std::max<uint64_t>(1, x.rows));
  }
  return mean;
}

// Sums over rows of (value - mean) * weight(row, k) for k weights, and of squares. What sparse rows
// do not store is 0: each missing term is put right at the end.
struct CentredSums {
  std::vector<double> squares;   // columns
  std::vector<double> products;  // columns x k
};

template <class Weight>
CentredSums centred_sums(const Matrix& x, const std::vector<double>& mean, size_t k,
                         const Weight& weight) {
  CentredSums sums{std::vector<double>(x.columns, 0), std::vector<double>(x.columns * k, 0)};
  std::vector<double> of_rows(k, 0), weights(k), stored(x.is_sparse ? x.columns * k : 0, 0);
  std::vector<double> count(x.columns, 0);
  for (uint64_t row = 0; row < x.rows; ++row) {
    for (size_t i = 0; i < k; ++i) {
      weights[i] = weight(row, i);
      of_rows[i] += weights[i];
    }
    x.for_each_in_row(row, [&](uint32_t column, double value) {
      const double d = value - mean[column];
      sums.squares[column] += d * d;
      count[column] += 1;
      for (size_t i = 0; i < k; ++i) {
        sums.products[column * k + i] += d * weights[i];
        if (x.is_sparse) {
          stored[column * k + i] += weights[i];
        }
      }
    });
  }
  for (uint64_t column = 0; column < x.columns && x.is_sparse; ++column) {
    sums.squares[column] +=
        (static_cast<double>(x.rows) - count[column]) * mean[column] * mean[column];
    for (size_t i = 0; i < k; ++i) {
      sums.products[column * k + i] -= (of_rows[i] - stored[column * k + i]) * mean[column];
    }
  }
  return sums;
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return values[a] != values[b] ? values[a] < values[b] : a < b;
  });
  std::vector<double> ranks(values.size());
  for (size_t begin = 0; begin < order.size();) {
    size_t end = begin;
    while (end < order.size() && values[order[end]] == values[order[begin]]) {
      ++end;
    }
    for (size_t i = begin; i < end; ++i) {
      ranks[order[i]] =
          static_cast<double>(begin + end - 1) / 2;  // equal ones share the mean of their ranks
    }
    begin = end;
  }
  return ranks;
}

double pearson(const std::vector<double>& a, const std::vector<double>& b) {
  const auto n = static_cast<double>(a.size());
  const double mean_a = std::accumulate(a.begin(), a.end(), 0.0) / n,
               mean_b = std::accumulate(b.begin(), b.end(), 0.0) / n;
  double ab = 0, aa = 0, bb = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    ab += (a[i] - mean_a) * (b[i] - mean_b);
    aa += (a[i] - mean_a) * (a[i] - mean_a);
    bb += (b[i] - mean_b) * (b[i] - mean_b);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : 0;
}

// The target as columns of numbers: regression one; two classes one; more one each.
std::vector<std::vector<double>> number_targets(const Target& target) {
  if (target.task == Task::kRegression) {
    return {target.values};
  }
  std::vector<std::vector<double>> out;
  const auto classes = class_targets(target);
  if (target.task == Task::kMultiLabel) {
    for (const auto& marks : classes) {
      out.emplace_back(marks.begin(), marks.end());
    }
    return out;
  }
  const size_t count = target.labels.size();
  for (size_t label = count == 2 ? 1 : 0; label < count; ++label) {
    std::vector<double> is(classes[0].size());
    std::transform(classes[0].begin(), classes[0].end(), is.begin(),
                   [&](int32_t c) { return c == static_cast<int32_t>(label) ? 1.0 : 0.0; });
    out.push_back(std::move(is));
  }
  return out;
}

void keep_best(std::vector<double>& best, const std::vector<double>& scores) {
  best.resize(scores.size(), 0);
  for (size_t i = 0; i < scores.size(); ++i) {
    best[i] = std::max(best[i], scores[i]);
  }
}

std::vector<double> anova_of_classes(const Matrix& x, const std::vector<int32_t>& classes) {
  const auto k = static_cast<size_t>(*std::max_element(classes.begin(), classes.end()) + 1);
  const std::vector<double> mean = means_of(x);
  const CentredSums sums = centred_sums(x, mean, k, [&](uint64_t row, size_t c) {
    return classes[row] == static_cast<int32_t>(c) ? 1.0 : 0.0;
  });
  std::vector<double> counts(k, 0);
  for (const int32_t c : classes) {
    counts[static_cast<size_t>(c)] += 1;
  }
  const double present = static_cast<double>(
      std::count_if(counts.begin(), counts.end(), [](double n) { return n > 0; }));
  std::vector<double> scores(x.columns, 0);
  for (uint64_t column = 0; column < x.columns; ++column) {
    double between = 0;
    for (size_t c = 0; c < k; ++c) {
      const double sum = sums.products[column * k + c];
      between += counts[c] > 0 ? sum * sum / counts[c] : 0;
    }
    const double within = std::max(0.0, sums.squares[column] - between);
    const double f =
        between / std::max(1.0, present - 1) / (within / (static_cast<double>(x.rows) - present));
    scores[column] = between == 0 ? 0 : f;  // infinite: the classes are told apart without an error
  }
  return scores;
}

}  // namespace

std::vector<std::vector<int32_t>> class_targets(const Target& target) {
  if (target.task == Task::kClasses) {
    return {target.classes};
  }
  std::vector<std::vector<int32_t>> out(target.labels.size(), std::vector<int32_t>(target.rows()));
  for (uint64_t row = 0; row < target.rows(); ++row) {
    for (size_t label = 0; label < out.size(); ++label) {
      out[label][row] = target.marks[row * out.size() + label];
    }
  }
  return out;
}

void expect_no_gaps(const Matrix& x, const char* step) {
  for (uint64_t row = 0; row < x.rows; ++row) {
    x.for_each_in_row(row, [&](uint32_t column, double value) {
      if (std::isnan(value)) {
        throw Error(ErrorKind::kInput,
                    std::string(step) + " does not take missing values, and '" + x.name_of(column) +
                        "' has some",
                    "", "impute first: then: [{impute: {by: median}}]");
      }
    });
  }
}

std::vector<double> column_of(const Matrix& x, uint64_t column) {
  std::vector<double> values(x.rows, 0);
  for (uint64_t row = 0; row < x.rows; ++row) {
    if (!x.is_sparse) {
      values[row] = x.at(row, column);
      continue;
    }
    const auto begin = x.sparse.indices.begin() + static_cast<ptrdiff_t>(x.sparse.offsets[row]);
    const auto end = x.sparse.indices.begin() + static_cast<ptrdiff_t>(x.sparse.offsets[row + 1]);
    const auto found = std::lower_bound(begin, end, static_cast<uint32_t>(column));
    if (found != end && *found == column) {
      values[row] = x.sparse.values[static_cast<size_t>(found - x.sparse.indices.begin())];
    }
  }
  return values;
}

std::vector<double> variance_scores(const Matrix& x) {
  std::vector<double> variance =
      centred_sums(x, means_of(x), 0, [](uint64_t, size_t) { return 0.0; }).squares;
  for (double& value : variance) {
    value /= static_cast<double>(std::max<uint64_t>(1, x.rows));
  }
  return variance;
}

std::vector<double> correlation_scores(const Matrix& x, const Target& target, bool by_rank,
                                       ThreadPool& pool) {
  std::vector<std::vector<double>> targets = number_targets(target);
  for (auto& one : targets) {
    one = by_rank ? ranks_of(one) : one;
  }
  std::vector<double> scores(x.columns, 0);
  pool.parallel_for(x.columns, [&](size_t column) {
    const std::vector<double> values =
        by_rank ? ranks_of(column_of(x, column)) : column_of(x, column);
    for (const auto& one : targets) {
      scores[column] = std::max(scores[column], std::fabs(pearson(values, one)));
    }
  });
  return scores;
}

std::vector<double> chi2_scores(const Matrix& x, const Target& target) {
  std::vector<double> best;
  for (const auto& classes : class_targets(target)) {
    const auto k = static_cast<size_t>(*std::max_element(classes.begin(), classes.end()) + 1);
    std::vector<double> observed(x.columns * k, 0), counts(k, 0), total(x.columns, 0);
    for (uint64_t row = 0; row < x.rows; ++row) {
      const auto c = static_cast<size_t>(classes[row]);
      counts[c] += 1;
      x.for_each_in_row(row, [&](uint32_t column, double value) {
        if (value < 0) {
          throw Error(
              ErrorKind::kInput,
              "chi2 takes features that are at least 0, and '" + x.name_of(column) + "' is not", "",
              "select by anova or mutual_information, or scale by minmax first");
        }
        observed[column * k + c] += value;
        total[column] += value;
      });
    }
    std::vector<double> scores(x.columns, 0);
    for (uint64_t column = 0; column < x.columns; ++column) {
      for (size_t c = 0; c < k; ++c) {
        const double expected = total[column] * counts[c] / static_cast<double>(x.rows);
        const double d = observed[column * k + c] - expected;
        scores[column] += expected > 0 ? d * d / expected : 0;
      }
    }
    keep_best(best, scores);
  }
  return best;
}

std::vector<double> anova_scores(const Matrix& x, const Target& target) {
  std::vector<double> best;
  if (target.task != Task::kRegression) {
    for (const auto& classes : class_targets(target)) {
      keep_best(best, anova_of_classes(x, classes));
    }
    return best;
  }
  const auto n = static_cast<double>(x.rows);
  const double y_mean = std::accumulate(target.values.begin(), target.values.end(), 0.0) / n;
  double y_squares = 0;
  for (const double y : target.values) {
    y_squares += (y - y_mean) * (y - y_mean);
  }
  const CentredSums sums = centred_sums(
      x, means_of(x), 1, [&](uint64_t row, size_t) { return target.values[row] - y_mean; });
  best.assign(x.columns, 0);
  for (uint64_t column = 0; column < x.columns; ++column) {
    const double both = sums.squares[column] * y_squares;
    const double r2 = both > 0 ? sums.products[column] * sums.products[column] / both : 0;
    best[column] = r2 / (1 - std::min(r2, 1.0)) * (n - 2);
  }
  return best;
}

}  // namespace athanor
