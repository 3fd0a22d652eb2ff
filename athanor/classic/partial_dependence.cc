#include "athanor/classic/partial_dependence.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/interrupt.h"
#include "athanor/classic/permutation_importance.h"
#include "athanor/classic/trees/sort_values.h"

namespace athanor {

namespace {

std::vector<double> points_of_numbers(std::vector<double> values, const PartialDependenceOptions& options) {
  const DistinctValues distinct = distinct_values(values);
  if (distinct.values.size() <= options.points) {
    return distinct.values;
  }
  sort_values(values);
  const auto quantile = [&](double share) {
    return values[static_cast<size_t>(share * static_cast<double>(values.size() - 1))];
  };
  const double low = quantile(options.low);
  const double high = quantile(options.high);
  std::vector<double> points;
  for (uint64_t i = 0; i < options.points && (i == 0 || low < high); ++i) {
    points.push_back(low + (high - low) * static_cast<double>(i) /
                               static_cast<double>(std::max<uint64_t>(1, options.points - 1)));
  }
  return points;
}

// Levels that occur: the most frequent ones, in the order of their names.
std::vector<double> points_of_levels(const TableColumn& column, uint64_t most) {
  std::vector<uint64_t> counts(column.levels.size(), 0);
  for (const int32_t code : column.codes) {
    if (code >= 0) {
      ++counts[static_cast<size_t>(code)];
    }
  }
  std::vector<double> levels;
  for (size_t level = 0; level < counts.size(); ++level) {
    if (counts[level] > 0) {
      levels.push_back(static_cast<double>(level));
    }
  }
  std::stable_sort(levels.begin(), levels.end(),
                   [&](double a, double b) { return counts[static_cast<size_t>(a)] > counts[static_cast<size_t>(b)]; });
  levels.resize(std::min<size_t>(levels.size(), most));
  std::sort(levels.begin(), levels.end());
  return levels;
}

std::vector<double> points_of(const Table& table, const ExplainedColumn& column, const PartialDependenceOptions& options) {
  const TableColumn& from = table.columns.at(column.place);
  std::vector<double> points;
  if (from.kind == ColumnKind::kCategory) {
    points = points_of_levels(from, options.points);
  } else if (from.kind == ColumnKind::kSparse) {
    std::vector<double> values;
    for (size_t i = 0; i < from.sparse.indices.size(); ++i) {
      if (from.sparse.indices[i] == column.feature) {
        values.push_back(from.sparse.values[i]);
      }
    }
    values.resize(values.empty() ? 0 : table.rows, 0.0);  // rows without it hold 0
    points = points_of_numbers(std::move(values), options);
  } else if (from.kind == ColumnKind::kNumber || from.kind == ColumnKind::kDate) {
    std::vector<double> values;
    std::copy_if(from.numbers.begin(), from.numbers.end(), std::back_inserter(values), [](double value) { return std::isfinite(value); });
    points = points_of_numbers(std::move(values), options);
  } else {
    throw Error(ErrorKind::kUsage, "the column '" + column.name + "' of kind " + name_of(from.kind) + " has no values to vary over");
  }
  if (points.empty()) {
    throw Error(ErrorKind::kInput, "the column '" + column.name + "' has no values to vary over");
  }
  return points;
}

}  // namespace

PartialDependence partial_dependence(const TableEstimator& estimator, const Table& all,
                                     const std::vector<ExplainedColumn>& columns, const PartialDependenceOptions& options,
                                     ThreadPool& pool) {
  if (columns.empty() || columns.size() > 2) {
    throw Error(ErrorKind::kUsage, "partial dependence is of one or two columns, not " + std::to_string(columns.size()));
  }
  PartialDependence out;
  for (const ExplainedColumn& column : columns) {
    out.grid.push_back(points_of(all, column, options));
    out.names.emplace_back();
    const auto& levels = all.columns[column.place].levels;
    for (size_t i = 0; !levels.empty() && i < out.grid.back().size(); ++i) {
      out.names.back().push_back(levels[static_cast<size_t>(out.grid.back()[i])]);
    }
  }
  Table table = take_rows(all, sampled_rows(all.rows, options.max_rows, options.seed));
  std::vector<Matrix> groups;
  estimator.pipeline().apply_groups(table, pool, groups);
  const uint64_t second = columns.size() == 2 ? out.grid[1].size() : 1;
  const uint64_t points = out.grid[0].size() * second;
  for (uint64_t point = 0; point < points; ++point) {
    check_interrupt();
    set_column(table, columns[0], out.grid[0][point / second]);
    estimator.pipeline().apply_groups(table, pool, groups, table.columns[columns[0].place].name);
    if (columns.size() == 2) {
      set_column(table, columns[1], out.grid[1][point % second]);
      estimator.pipeline().apply_groups(table, pool, groups, table.columns[columns[1].place].name);
    }
    const Matrix predicted = estimator.answers_of(estimator.joined(groups, pool), pool).scores;
    if (point == 0) {
      out.mean = Matrix::dense(points, predicted.columns);
    }
    for (uint64_t r = 0; r < predicted.rows; ++r) {
      for (uint64_t k = 0; k < predicted.columns; ++k) {
        out.mean.at(point, k) += predicted.at(r, k) / static_cast<double>(predicted.rows);
      }
    }
  }
  return out;
}

}  // namespace athanor
