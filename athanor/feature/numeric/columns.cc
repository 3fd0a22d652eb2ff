#include "athanor/feature/numeric/columns.h"

#include <algorithm>
#include <cmath>
#include <limits>

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

void for_each_stretch(uint64_t rows, ThreadPool& pool, const std::function<void(uint64_t begin, uint64_t end)>& fn) {
  pool.parallel_for((rows + kStretchRows - 1) / kStretchRows, [&](size_t i) {
    fn(i * kStretchRows, std::min<uint64_t>(rows, (i + 1) * kStretchRows));
  });
}

double quantile_of_sorted(std::span<const double> sorted, double q) {
  if (sorted.empty()) {
    return std::numeric_limits<double>::quiet_NaN();
  }
  const double place = q * static_cast<double>(sorted.size() - 1);
  const auto below = static_cast<size_t>(place);
  if (below + 1 >= sorted.size()) {
    return sorted.back();
  }
  const double share = place - static_cast<double>(below);
  const double step = sorted[below + 1] - sorted[below];
  return share >= 0.5 ? sorted[below + 1] - step * (1 - share) : sorted[below] + step * share;
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
  return values.empty() ? 0 : std::max(0.0, (squares - rest * rest / n) / n);  // Chan, Golub, LeVeque 1983
}

double normal_quantile(double p) {
  if (p <= 0 || p >= 1) {
    return p <= 0 ? -std::numeric_limits<double>::infinity() : std::numeric_limits<double>::infinity();
  }
  if (p > 0.5) {
    return -normal_quantile(1 - p);
  }
  // Acklam's rational approximation (relative error 1.2e-9), then Halley's step by erfc: full precision.
  constexpr double a[] = {-3.969683028665376e+01, 2.209460984245205e+02, -2.759285104469687e+02,
                          1.383577518672690e+02,  -3.066479806614716e+01, 2.506628277459239e+00};
  constexpr double b[] = {-5.447609879822406e+01, 1.615858368580409e+02, -1.556989798598866e+02, 6.680131188771972e+01,
                          -1.328068155288572e+01};
  constexpr double c[] = {-7.784894002430293e-03, -3.223964580411365e-01, -2.400758277161838e+00,
                          -2.549732539343734e+00, 4.374664141464968e+00,  2.938163982698783e+00};
  constexpr double d[] = {7.784695709041462e-03, 3.224671290700398e-01, 2.445134137142996e+00, 3.754408661907416e+00};
  double x = 0;
  if (p < 0.02425) {
    const double q = std::sqrt(-2 * std::log(p));
    x = (((((c[0] * q + c[1]) * q + c[2]) * q + c[3]) * q + c[4]) * q + c[5]) /
        ((((d[0] * q + d[1]) * q + d[2]) * q + d[3]) * q + 1);
  } else {
    const double q = p - 0.5;
    const double r = q * q;
    x = (((((a[0] * r + a[1]) * r + a[2]) * r + a[3]) * r + a[4]) * r + a[5]) * q /
        (((((b[0] * r + b[1]) * r + b[2]) * r + b[3]) * r + b[4]) * r + 1);
  }
  for (int i = 0; i < 2; ++i) {
    const double error = 0.5 * std::erfc(-x * M_SQRT1_2) - p;
    const double step = error * std::sqrt(2 * M_PI) * std::exp(x * x / 2);
    x -= step / (1 + x * step / 2);
  }
  return x;
}

void expect_dense(const Matrix& x, const char* step, const char* hint) {
  if (x.is_sparse) {
    throw Error(ErrorKind::kUsage, std::string(step) + " cannot be done on sparse features", "", hint);
  }
}

void expect_columns(const Matrix& x, uint64_t columns, const char* step) {
  if (x.columns != columns) {
    throw Error(ErrorKind::kInput, std::string(step) + " was fitted on " + std::to_string(columns) + " features and is given " +
                                       std::to_string(x.columns));
  }
}

}  // namespace athanor
