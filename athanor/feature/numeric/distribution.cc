#include "athanor/feature/numeric/distribution.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/feature/numeric/columns.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

constexpr double kBound = 1e-7;  // what counts as the end of a distribution that becomes normal
constexpr double kGolden = 0.3819660112501051;
constexpr double kFar = 50;  // powers beyond this make numbers that no double holds

// numpy.interp over ascending places: the value at x of the line through (places[i], at(i)).
template <class At>
double interpolate(double x, const double* places, size_t n, const At& at) {
  if (x <= places[0]) {
    return x < places[0]
               ? at(0)
               : at(static_cast<size_t>(std::upper_bound(places, places + n, x) - places) - 1);
  }
  if (x >= places[n - 1]) {
    return at(n - 1);
  }
  const size_t above = static_cast<size_t>(std::upper_bound(places, places + n, x) - places);
  const size_t below = above - 1;
  return at(below) +
         (at(above) - at(below)) * (x - places[below]) / (places[above] - places[below]);
}

// The share that the i-th of n quantiles stands for, rounded as numpy.linspace rounds it: which of
// two equal values a quantile falls on hangs on the last bit.
double reference(size_t i, size_t n) {
  return n == 1 ? 0 : i + 1 == n ? 1 : static_cast<double>(i) * (1 / static_cast<double>(n - 1));
}

double log_likelihood(const std::vector<double>& values, double lambda, double log_sum,
                      bool is_box_cox) {
  std::vector<double> shaped(values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    shaped[i] = is_box_cox ? box_cox(values[i], lambda) : yeo_johnson(values[i], lambda);
  }
  const double variance = variance_of(shaped, mean_of(shaped));
  if (!std::isfinite(variance) || variance <= 0) {
    return -std::numeric_limits<double>::infinity();
  }
  return (lambda - 1) * log_sum - 0.5 * static_cast<double>(values.size()) * std::log(variance);
}

// Brent's minimum without derivatives (1973, chapter 5) of -likelihood in [low, high].
template <class Fn>
double maximum_between(double low, double high, const Fn& fn) {
  double x = low + kGolden * (high - low), w = x, v = x, step = 0, last = 0;
  double fx = -fn(x), fw = fx, fv = fx;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    const double tolerance = 1e-10 * std::fabs(x) + 1e-11;
    if (std::fabs(x - middle) <= 2 * tolerance - (high - low) / 2) {
      break;
    }
    double p = 0, q = 0, r = 0;
    if (std::fabs(last) > tolerance) {
      r = (x - w) * (fx - fv);
      q = (x - v) * (fx - fw);
      p = (x - v) * q - (x - w) * r;
      q = 2 * (q - r);
      p = q > 0 ? -p : p;
      q = std::fabs(q);
      r = last;
      last = step;
    }
    if (std::fabs(p) < std::fabs(q * r / 2) && p > q * (low - x) && p < q * (high - x)) {
      step = p / q;
    } else {
      last = x < middle ? high - x : low - x;
      step = kGolden * last;
    }
    const double u = x + (std::fabs(step) >= tolerance ? step : std::copysign(tolerance, step));
    const double fu = -fn(u);
    if (fu <= fx) {
      (u < x ? high : low) = x;
      v = w, fv = fw, w = x, fw = fx, x = u, fx = fu;
    } else {
      (u < x ? low : high) = u;
      if (fu <= fw || w == x) {
        v = w, fv = fw, w = u, fw = fu;
      } else if (fu <= fv || v == x || v == w) {
        v = u, fv = fu;
      }
    }
  }
  return x;
}

}  // namespace

double yeo_johnson(double value, double lambda) {
  if (value >= 0) {
    return std::fabs(lambda) < 2.2e-16 ? std::log1p(value)
                                       : std::expm1(lambda * std::log1p(value)) / lambda;
  }
  return std::fabs(lambda - 2) < 2.2e-16
             ? -std::log1p(-value)
             : -std::expm1((2 - lambda) * std::log1p(-value)) / (2 - lambda);
}

double box_cox(double value, double lambda) {
  return std::fabs(lambda) < 1e-19 ? std::log(value)
                                   : std::expm1(lambda * std::log(value)) / lambda;
}

double best_power(const std::vector<double>& values, bool is_box_cox) {
  double log_sum = 0;
  for (const double value : values) {
    log_sum += is_box_cox ? std::log(value) : std::copysign(std::log1p(std::fabs(value)), value);
  }
  const auto likelihood = [&](double lambda) {
    return log_likelihood(values, lambda, log_sum, is_box_cox);
  };
  double best = 1, best_value = likelihood(1);
  for (double lambda = -4; lambda <= 6;
       lambda += 0.5) {  // one maximum: the likelihood is concave where it matters
    const double value = likelihood(lambda);
    if (value > best_value) {
      best = lambda, best_value = value;
    }
  }
  const double reach = std::fabs(best) >= 4 ? kFar : 0.5;
  return maximum_between(best - reach, best + reach, likelihood);
}

void DistributionScale::fit(const Matrix& x, FitContext& context) {
  const bool quantile = options_.by == "quantile";
  const bool is_box_cox = options_.by == "boxcox";
  num_quantiles_ =
      quantile ? std::max<uint64_t>(1, std::min(static_cast<uint64_t>(options_.quantiles), x.rows))
               : 0;
  quantiles_.assign(x.columns * num_quantiles_, 0);
  lambda_.assign(quantile ? 0 : x.columns, 1);
  mean_.assign(lambda_.size(), 0);
  width_.assign(lambda_.size(), 1);
  std::vector<uint8_t> flat(x.columns, 0);
  for_each_column(x, context.pool, [&](uint64_t column, std::vector<double>& values) {
    if (quantile) {
      std::sort(values.begin(), values.end());
      for (uint64_t i = 0; i < num_quantiles_; ++i) {
        const double percent = reference(i, num_quantiles_) * 100;
        quantiles_[column * num_quantiles_ + i] =
            values.empty() ? 0 : quantile_of_sorted(values, percent / 100);
      }
      return;
    }
    const auto [low, high] = std::minmax_element(values.begin(), values.end());
    if (is_box_cox && !values.empty() && *low <= 0) {
      throw Error(ErrorKind::kInput,
                  "the column '" + x.name_of(column) + "' has values that are not above 0", "scale",
                  "take {scale: {by: power}}, which takes any number");
    }
    if (values.empty() || *low == *high) {
      mean_[column] = values.empty() ? 0 : is_box_cox ? box_cox(*low, 1) : yeo_johnson(*low, 1);
      return;
    }
    lambda_[column] = best_power(values, is_box_cox);
    for (double& value : values) {
      value = is_box_cox ? box_cox(value, lambda_[column]) : yeo_johnson(value, lambda_[column]);
    }
    mean_[column] = mean_of(values);
    const double variance = variance_of(values, mean_[column]);
    // What rounding leaves of equal values is no deviation: far powers make all values one (the bound of scale.cc).
    const auto n = static_cast<double>(values.size());
    const double rounding = n * mean_[column] * std::numeric_limits<double>::epsilon();
    flat[column] = variance <= rounding * rounding ? 1 : 0;
    width_[column] = flat[column] != 0 ? 1 : std::sqrt(variance);
  });
  for (uint64_t column = 0; column < x.columns; ++column) {
    if (flat[column] != 0) {
      char power[32];
      std::snprintf(power, sizeof power, "%.3g", lambda_[column]);
      context.warn("column '" + x.name_of(column) + "': its best power is " + power +
                   ", which makes all its values the same, so it says nothing now; {scale: {by: zscore}} or quantile keeps it");
    }
  }
}

// Between equal quantiles the middle of their places: the mean of what both directions of reading
// give.
double DistributionScale::by_quantiles(const double* quantiles, double value) const {
  const size_t n = num_quantiles_;
  const bool normal = options_.distribution == "normal";
  double out = 0;
  if (normal ? value - kBound < quantiles[0] : value == quantiles[0]) {
    out = 0;
  } else if (normal ? value + kBound > quantiles[n - 1] : value == quantiles[n - 1]) {
    out = 1;
  } else if (value < quantiles[0] || value > quantiles[n - 1]) {
    out = value < quantiles[0] ? 0 : 1;
  } else {
    const auto up = [&](size_t i) { return reference(i, n); };
    const double forward = interpolate(value, quantiles, n, up);
    // Read backwards: the first of equal quantiles instead of the last.
    const size_t first =
        static_cast<size_t>(std::lower_bound(quantiles, quantiles + n, value) - quantiles);
    const double backward = quantiles[first] == value ? up(first) : forward;
    out = 0.5 * (forward + backward);
  }
  if (!normal) {
    return out;
  }
  static const double end = -normal_quantile(kBound - 2.220446049250313e-16);
  return std::clamp(normal_quantile(out), -end, end);
}

void DistributionScale::apply(Matrix& x, ThreadPool& pool) const {
  const bool is_box_cox = options_.by == "boxcox";
  for_each_stretch(x.rows, pool, [&](uint64_t begin, uint64_t end) {
    for (uint64_t row = begin; row < end; ++row) {
      for (uint64_t column = 0; column < x.columns; ++column) {
        double& value = x.at(row, column);
        if (std::isnan(value)) {
          continue;
        }
        if (num_quantiles_ > 0) {
          value = by_quantiles(quantiles_.data() + column * num_quantiles_, value);
        } else {
          // Box and Cox know no values up to 0: one that comes later is held just above.
          const double shaped = is_box_cox ? box_cox(std::max(value, 1e-12), lambda_[column])
                                           : yeo_johnson(value, lambda_[column]);
          value = (shaped - mean_[column]) / width_[column];
        }
      }
    }
  });
}

void DistributionScale::save(SavedWriter& out) const {
  out.json()["quantiles"] = num_quantiles_;
  out.put("quantiles", quantiles_);
  out.put("lambda", lambda_);
  out.put("mean", mean_);
  out.put("deviation", width_);
}

void DistributionScale::load(const SavedReader& in, uint64_t columns) {
  const bool quantile = options_.by == "quantile";
  num_quantiles_ = in.get<uint64_t>("quantiles");
  if (num_quantiles_ > (uint64_t{1} << 32) || (num_quantiles_ > 0) != quantile) {
    in.fail("the number of quantiles is out of range");
  }
  const auto take = [&](const char* name, size_t size) {
    const auto values = in.doubles(name, size);
    return std::vector<double>(values.begin(), values.end());
  };
  quantiles_ = take("quantiles", columns * num_quantiles_);
  lambda_ = take("lambda", quantile ? 0 : columns);
  mean_ = take("mean", lambda_.size());
  width_ = take("deviation", lambda_.size());
}

}  // namespace athanor
