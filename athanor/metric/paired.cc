#include "athanor/metric/paired.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {

namespace {

constexpr uint64_t kExact = 1000;
constexpr double kTiny = 1e-300;

// Lentz's continued fraction of the incomplete beta function.
double beta_fraction(double a, double b, double x) {
  double c = 1;
  double d = 1 - (a + b) * x / (a + 1);
  d = 1 / (std::abs(d) < kTiny ? kTiny : d);
  double h = d;
  for (int m = 1; m <= 500; ++m) {
    for (const double numerator : {m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
                                   -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))}) {
      d = 1 + numerator * d;
      d = 1 / (std::abs(d) < kTiny ? kTiny : d);
      c = 1 + numerator / c;
      c = std::abs(c) < kTiny ? kTiny : c;
      h *= d * c;
    }
    if (std::abs(d * c - 1) < 1e-15) {
      break;
    }
  }
  return h;
}

double mean_of(const std::vector<double>& values) {
  return values.empty() ? 0 : std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

std::vector<double> differences(const std::vector<double>& a, const std::vector<double>& b) {
  std::vector<double> out;
  for (size_t i = 0; i < std::min(a.size(), b.size()); ++i) {
    out.push_back(b[i] - a[i]);
  }
  return out;
}

}  // namespace

double regularized_beta(double a, double b, double x) {
  if (x <= 0 || x >= 1) {
    return x <= 0 ? 0 : 1;
  }
  const double front = std::exp(std::lgamma(a + b) - std::lgamma(a) - std::lgamma(b) + a * std::log(x) + b * std::log1p(-x));
  return x < (a + 1) / (a + b + 2) ? front * beta_fraction(a, b, x) / a : 1 - front * beta_fraction(b, a, 1 - x) / b;
}

double regularized_gamma_q(double a, double x) {
  if (x <= 0) {
    return 1;
  }
  const double front = std::exp(a * std::log(x) - x - std::lgamma(a));
  if (x < a + 1) {  // the series of P
    double term = 1 / a;
    double sum = term;
    for (int n = 1; n < 2000 && std::abs(term) > std::abs(sum) * 1e-16; ++n) {
      term *= x / (a + n);
      sum += term;
    }
    return 1 - sum * front;
  }
  double b = x + 1 - a;
  double c = 1 / kTiny;
  double d = 1 / b;
  double h = d;
  for (int n = 1; n < 2000; ++n) {
    const double numerator = -n * (n - a);
    b += 2;
    d = 1 / std::max(kTiny, numerator * d + b);
    c = std::max(kTiny, b + numerator / c);
    h *= d * c;
    if (std::abs(d * c - 1) < 1e-15) {
      break;
    }
  }
  return front * h;
}

double chi_squared_above(double x, double degrees) { return regularized_gamma_q(degrees / 2, x / 2); }

double student_t_two_sided(double t, double degrees) {
  return regularized_beta(degrees / 2, 0.5, degrees / (degrees + t * t));
}

double student_t_quantile(double p, double degrees) {
  if (p == 0.5) {
    return 0;
  }
  double low = -1e6;
  double high = 1e6;
  for (int i = 0; i < 200; ++i) {
    const double middle = (low + high) / 2;
    const double tail = student_t_two_sided(middle, degrees) / 2;
    (((middle < 0) ? tail : 1 - tail) < p ? low : high) = middle;
  }
  return (low + high) / 2;
}

Comparison mcnemar(const std::vector<uint8_t>& right_a, const std::vector<uint8_t>& right_b, double confidence) {
  Comparison out;
  const size_t rows = std::min(right_a.size(), right_b.size());
  for (size_t i = 0; i < rows; ++i) {
    out.a_only += right_a[i] != 0 && right_b[i] == 0 ? 1 : 0;
    out.b_only += right_a[i] == 0 && right_b[i] != 0 ? 1 : 0;
  }
  const auto a = static_cast<double>(out.a_only);
  const auto b = static_cast<double>(out.b_only);
  const double n = std::max<double>(1, static_cast<double>(rows));
  out.difference = (b - a) / n;
  const double half = normal_quantile(0.5 + confidence / 2) * std::sqrt(std::max(0.0, a + b - (b - a) * (b - a) / n)) / n;
  out.low = out.difference - half;
  out.high = out.difference + half;
  if (out.a_only + out.b_only <= kExact) {
    out.test = "McNemar, exact";
    const double fewer = std::min(a, b);
    // P(X <= fewer) of a fair coin thrown a + b times.
    const double below = a + b == 0 ? 1 : regularized_beta(a + b - fewer, fewer + 1, 0.5);
    out.p_value = std::min(1.0, 2 * below);
  } else {
    out.test = "McNemar, chi-squared with continuity correction";
    const double corrected = std::max(0.0, std::abs(a - b) - 1);
    out.p_value = chi_squared_above(corrected * corrected / (a + b), 1);
  }
  return out;
}

Comparison paired_bootstrap(const std::vector<double>& a, const std::vector<double>& b, uint64_t seed, ThreadPool& pool,
                            double confidence, int64_t replicas) {
  Comparison out;
  out.test = "paired bootstrap";
  const std::vector<double> d = differences(a, b);
  out.difference = out.low = out.high = mean_of(d);
  if (d.size() < 2) {
    return out;
  }
  std::vector<double> means(static_cast<size_t>(std::max<int64_t>(1, replicas)));
  pool.parallel_for(means.size(), [&](size_t replica) {
    Rng rng(random_at(seed, 0xfa12ed, replica));
    double sum = 0;
    for (size_t i = 0; i < d.size(); ++i) {
      sum += d[rng.below(d.size())];
    }
    means[replica] = sum / static_cast<double>(d.size());
  });
  std::sort(means.begin(), means.end());
  const auto below = static_cast<double>(std::count_if(means.begin(), means.end(), [](double m) { return m <= 0; }));
  const auto above = static_cast<double>(std::count_if(means.begin(), means.end(), [](double m) { return m >= 0; }));
  const auto count = static_cast<double>(means.size());
  out.p_value = std::min(1.0, 2 * (std::min(below, above) + 1) / (count + 1));
  out.low = quantile_of_sorted(means, (1 - confidence) / 2);
  out.high = quantile_of_sorted(means, (1 + confidence) / 2);
  return out;
}

Comparison corrected_t_test(const std::vector<double>& a, const std::vector<double>& b, double test_share, double confidence) {
  Comparison out;
  out.test = "corrected resampled t-test";
  const std::vector<double> d = differences(a, b);
  out.difference = out.low = out.high = mean_of(d);
  const auto n = static_cast<double>(d.size());
  if (d.size() < 2) {
    return out;
  }
  double squares = 0;
  for (const double value : d) {
    squares += (value - out.difference) * (value - out.difference);
  }
  const double deviation = std::sqrt((1 / n + test_share) * squares / (n - 1));
  if (deviation == 0) {
    out.p_value = out.difference == 0 ? 1 : 0;
    return out;
  }
  out.p_value = student_t_two_sided(out.difference / deviation, n - 1);
  const double half = student_t_quantile(0.5 + confidence / 2, n - 1) * deviation;
  out.low = out.difference - half;
  out.high = out.difference + half;
  return out;
}

}  // namespace athanor
