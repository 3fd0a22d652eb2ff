#include "athanor/metric/mean_interval.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <string_view>

#include "athanor/metric/paired.h"

namespace athanor {

namespace {

constexpr double kEndless = std::numeric_limits<double>::infinity();
constexpr std::string_view kValue = ".value";  // a score's number, as a metric may name it

struct Known {
  const char* begins;
  Bounds bounds;
};
// Scores of metric/answers.h and clusters.h; brier is summed over labels where there are more than two.
constexpr Known kKnown[] = {
    {"precision", {0, 1}}, {"recall", {0, 1}}, {"f1", {0, 1}}, {"auc", {0, 1}}, {"average_precision", {0, 1}}, {"jaccard", {0, 1}},
    {"hamming_loss", {0, 1}}, {"calibration_error", {0, 1}}, {"brier", {0, 2}}, {"normalized_mutual_information", {0, 1}},
    {"mcc", {-1, 1}}, {"kappa", {-1, 1}}, {"silhouette", {-1, 1}}, {"adjusted_rand", {-1, 1}},
    {"log_loss", {0, kEndless}}, {"rmse", {0, kEndless}}, {"mse", {0, kEndless}}, {"mae", {0, kEndless}}, {"mape", {0, kEndless}},
    {"median_absolute_error", {0, kEndless}}, {"max_error", {0, kEndless}}, {"perplexity", {0, kEndless}}, {"r2", {-kEndless, 1}}};

MeanInterval wilson(double mean, double error, double quantile, Bounds bounds) {
  const double width = bounds.high - bounds.low;
  const double share = (mean - bounds.low) / width;
  const double rows = share * (1 - share) / ((error / width) * (error / width));
  const double square = quantile * quantile / rows;
  const double centre = (share + square / 2) / (1 + square);
  const double half = quantile / (1 + square) * std::sqrt(share * (1 - share) / rows + square / (4 * rows));
  return {bounds.low + width * std::max(0.0, centre - half), bounds.low + width * std::min(1.0, centre + half), "Wilson"};
}

}  // namespace

Bounds bounds_of_metric(const std::string& name) {
  const std::string score = name.ends_with(kValue) ? name.substr(0, name.size() - kValue.size()) : name;
  const std::string last = score.substr(score.rfind('.') + 1);
  if (last.find("accuracy") != std::string::npos) {
    return {0, 1};
  }
  const auto* known = std::find_if(std::begin(kKnown), std::end(kKnown), [&](const Known& one) {
    const std::string begins = one.begins;  // "f1" and "f1_macro", not "f10"
    return last == begins || last.starts_with(begins + "_");
  });
  return known == std::end(kKnown) ? Bounds{} : known->bounds;
}

MeanInterval mean_interval(const std::vector<double>& values, double test_share, double confidence, Bounds bounds) {
  const auto n = static_cast<double>(values.size());
  double mean = 0;
  for (const double value : values) {
    mean += value / n;
    if (value < bounds.low || value > bounds.high) {
      bounds = {};
    }
  }
  if (values.size() < 2) {
    return {mean, mean, ""};
  }
  double squares = 0;
  for (const double value : values) {
    squares += (value - mean) * (value - mean);
  }
  const double error = std::sqrt((1 / n + test_share) * squares / (n - 1));
  const double quantile = student_t_quantile(0.5 + confidence / 2, n - 1);
  const bool closed = std::isfinite(bounds.low) && std::isfinite(bounds.high);
  if (closed && error > 0 && mean > bounds.low && mean < bounds.high) {
    return wilson(mean, error, quantile, bounds);
  }
  MeanInterval out{mean - quantile * error, mean + quantile * error, closed ? "Wilson" : "t"};
  if (!closed && (out.low < bounds.low || out.high > bounds.high)) {
    out.by = std::isfinite(bounds.low) ? "t, cut at 0" : "t, cut at 1";
  }
  out.low = std::max(out.low, bounds.low);
  out.high = std::min(out.high, bounds.high);
  return out;
}

}  // namespace athanor
