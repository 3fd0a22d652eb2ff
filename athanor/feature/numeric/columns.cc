#include "athanor/feature/numeric/columns.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr uint64_t kStretchRows = 1024;

}  // namespace

std::vector<double> present_values(const Matrix& x, uint64_t column) {
  std::vector<double> values;
  values.reserve(x.rows);
  for (uint64_t row = 0; row < x.rows; ++row) {
    const double value = x.at(row, column);
    if (!std::isnan(value)) {
      values.push_back(value);
    }
  }
  return values;
}

void for_each_column(const Matrix& x, ThreadPool& pool,
                     const std::function<void(uint64_t column, std::vector<double>& values)>& fn) {
  pool.parallel_for(x.columns, [&](size_t column) {
    std::vector<double> values = present_values(x, column);
    fn(column, values);
  });
}

void for_each_stretch(uint64_t rows, ThreadPool& pool,
                      const std::function<void(uint64_t begin, uint64_t end)>& fn) {
  pool.parallel_for((rows + kStretchRows - 1) / kStretchRows, [&](size_t i) {
    fn(i * kStretchRows, std::min<uint64_t>(rows, (i + 1) * kStretchRows));
  });
}

double mean_of(std::span<const double> values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return values.empty() ? 0 : sum / static_cast<double>(values.size());
}

double variance_of(std::span<const double> values, double mean) {
  double squares = 0, rest = 0;
  for (const double value : values) {
    const double d = value - mean;
    squares += d * d;
    rest += d;
  }
  const auto n = static_cast<double>(values.size());
  return values.empty()
             ? 0
             : std::max(0.0, (squares - rest * rest / n) / n);  // Chan, Golub, LeVeque 1983
}

void expect_dense(const Matrix& x, const char* step, const char* hint) {
  if (x.is_sparse) {
    throw Error(ErrorKind::kUsage, std::string(step) + " cannot be done on sparse features", "",
                hint);
  }
}

void expect_columns(const Matrix& x, uint64_t columns, const char* step) {
  if (x.columns != columns) {
    throw Error(ErrorKind::kInput, std::string(step) + " was fitted on " + std::to_string(columns) +
                                       " features and is given " + std::to_string(x.columns));
  }
}

void expect_inputs(uint64_t given, uint64_t columns, const char* step) {
  if (given != columns) {
    throw Error(ErrorKind::kInput, std::string(step) + " was fitted on " + std::to_string(columns) +
                                       " columns and is given " + std::to_string(given), "",
                "the estimator is damaged: fit it again");
  }
}

}  // namespace athanor
