#include "athanor/metric/bootstrap.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr double kVisits = 4e8;
constexpr int64_t kFewest = 100;

}  // namespace

std::vector<double> drawn_weights(uint64_t rows, const std::vector<double>& weights, uint64_t seed, uint64_t replica) {
  std::vector<double> drawn(rows, 0.0);
  Rng rng(random_at(seed, 0xb007, replica));
  for (uint64_t i = 0; i < rows; ++i) {
    ++drawn[rng.below(rows)];
  }
  for (uint64_t i = 0; i < weights.size(); ++i) {
    drawn[i] *= weights[i];
  }
  return drawn;
}

void bootstrap(std::vector<Score>& scores, const WeightedScores& compute, uint64_t rows, const std::vector<double>& weights,
               const ScoreOptions& options, double cost, ThreadPool& pool) {
  if (rows < 2 || options.replicas <= 0) {
    for (Score& score : scores) {
      score.replicas = 0;
    }
    return;
  }
  const auto affordable = static_cast<int64_t>(kVisits / std::max(1.0, cost));
  const int64_t replicas = std::min(options.replicas, std::max(kFewest, affordable));
  std::vector<std::vector<double>> found(static_cast<size_t>(replicas));
  pool.parallel_for(found.size(), [&](size_t replica) {
    found[replica] = compute(drawn_weights(rows, weights, options.seed, replica));
  });
  const double tail = (1 - options.confidence) / 2;
  for (size_t s = 0; s < scores.size(); ++s) {
    if (scores[s].replicas < 0) {  // a formula gave it
      scores[s].replicas = 0;
      continue;
    }
    std::vector<double> values;
    for (const auto& replica : found) {
      if (std::isfinite(replica[s])) {
        values.push_back(replica[s]);
      }
    }
    if (values.size() * 2 < found.size()) {
      continue;
    }
    std::sort(values.begin(), values.end());
    scores[s].low = quantile_of_sorted(values, tail);
    scores[s].high = quantile_of_sorted(values, 1 - tail);
    scores[s].replicas = replicas;
  }
}

double quantile_of_sorted(std::span<const double> sorted, double q) {
  if (sorted.empty()) {
    return std::nan("");
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

void wilson_interval(double share, double n, double confidence, double& low, double& high) {
  const double z = normal_quantile(0.5 + confidence / 2);
  const double centre = (share + z * z / (2 * n)) / (1 + z * z / n);
  const double half = z / (1 + z * z / n) * std::sqrt(share * (1 - share) / n + z * z / (4 * n * n));
  low = std::max(0.0, centre - half);
  high = std::min(1.0, centre + half);
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

std::string why_undefined(std::string_view name) {
  return name == "r2"                                   ? "the true values are all equal"
         : name == "mape"                               ? "a true value is 0"
         : name == "auc" || name == "average_precision" ? "the rows are of one class, or there are no probabilities"
         : name == "kappa"                              ? "the rows and the answers are of one class"
         : name == "log_loss" || name == "brier" || name == "calibration_error" ? "there are no probabilities"
                                                                                : "";
}

nlohmann::json to_json(const std::vector<Score>& scores) {
  auto out = nlohmann::json::object();
  for (const auto& score : scores) {
    out[score.name] = {{"value", score.value}};
    if (std::isfinite(score.low)) {
      out[score.name]["low"] = score.low;
      out[score.name]["high"] = score.high;
    }
  }
  return out;
}

const Score* find_score(const std::vector<Score>& scores, const std::string& name) {
  for (const auto& score : scores) {
    if (score.name == name) {
      return &score;
    }
  }
  return nullptr;
}

}  // namespace athanor
