#include "athanor/classic/ensembles/partial_dependence.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/sort_values.h"

namespace athanor {

namespace {

constexpr uint64_t kSampleSalt = 0x706470;

std::vector<double> points_of(const Matrix& x, uint64_t column,
                              const PartialDependenceOptions& options) {
  std::vector<double> values;
  for (uint64_t r = 0; r < x.rows; ++r) {
    if (std::isfinite(x.at(r, column))) {
      values.push_back(x.at(r, column));
    }
  }
  if (values.empty()) {
    throw Error(ErrorKind::kInput,
                "the feature '" + x.name_of(column) + "' has no values to vary over");
  }
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

}  // namespace

PartialDependence partial_dependence(const ClassicModel& model, const Matrix& given,
                                     const std::vector<uint64_t>& columns,
                                     const PartialDependenceOptions& options, ThreadPool& pool) {
  if (columns.empty() || columns.size() > 2) {
    throw Error(ErrorKind::kUsage, "partial dependence is of one or two features, not " +
                                       std::to_string(columns.size()));
  }
  Matrix x = given.is_sparse ? to_dense(given) : given;
  PartialDependence out;
  for (const uint64_t column : columns) {
    if (column >= x.columns) {
      throw Error(ErrorKind::kUsage, "there is no feature number " + std::to_string(column));
    }
    out.grid.push_back(points_of(x, column, options));
  }
  if (x.rows > options.max_rows) {
    std::vector<uint64_t> rows(options.max_rows);
    for (uint64_t i = 0; i < rows.size(); ++i) {
      rows[i] = permute(i, x.rows, random_at(options.seed, kSampleSalt));
    }
    x = take_rows(x, rows);
  }
  const uint64_t second = columns.size() == 2 ? out.grid[1].size() : 1;
  const uint64_t points = out.grid[0].size() * second;
  for (uint64_t point = 0; point < points; ++point) {
    for (uint64_t r = 0; r < x.rows; ++r) {
      x.at(r, columns[0]) = out.grid[0][point / second];
      if (columns.size() == 2) {
        x.at(r, columns[1]) = out.grid[1][point % second];
      }
    }
    const Matrix predicted = model.predict(x, pool);
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
