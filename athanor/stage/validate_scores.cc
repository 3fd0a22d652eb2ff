#include "athanor/stage/validate_scores.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/metric/mean_interval.h"
#include "athanor/metric/paired.h"

namespace athanor {

namespace {

// Rows of a test fold over those of its training part.
double test_share_of(const ValidateOptions& options) {
  return options.by == "time" ? 2.0 / static_cast<double>(options.folds + 1) : 1.0 / static_cast<double>(options.folds - 1);
}

std::vector<double> metric_values(const std::vector<const FoldScore*>& scores, size_t metric) {
  std::vector<double> values;
  for (const FoldScore* score : scores) {
    values.push_back(score->values[metric]);
  }
  return values;
}

// Mean, spread and interval.
nlohmann::json score_json(const std::vector<double>& values, double test_share, double confidence, const Bounds& bounds) {
  const double mean = mean_of(values);
  double square = 0;
  for (const double value : values) {
    square += (value - mean) * (value - mean);
  }
  const double n = static_cast<double>(values.size());
  const double variance = n > 1 ? square / (n - 1) : 0;
  const MeanInterval interval = mean_interval(values, test_share, confidence, bounds);
  return {{"mean", mean}, {"deviation", std::sqrt(variance)}, {"low", interval.low}, {"high", interval.high},
          {"interval", interval.by}, {"folds", values}};
}

}  // namespace

double mean_of(const std::vector<double>& values) {
  double sum = 0;
  for (const double value : values) {
    sum += value;
  }
  return sum / static_cast<double>(values.size());
}

FoldGroups grouped(const std::vector<FoldScore>& scores, bool values_matter) {
  FoldGroups groups;
  for (const FoldScore& score : scores) {
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const auto& group) {
      return group.first.variant == score.run.variant && group.first.share == score.run.share &&
             (!values_matter || group.first.values == score.run.values);
    });
    if (same == groups.end()) {
      groups.push_back({score.run, {&score}});
    } else {
      same->second.push_back(&score);
    }
  }
  return groups;
}

nlohmann::json group_scores(const FoldGroups& groups, const ValidateOptions& options, bool nested) {
  const auto metrics = metric_names(options.metric);
  auto list = nlohmann::json::array();
  for (const auto& [run, members] : groups) {
    for (size_t m = 0; m < metrics.size(); ++m) {
      auto score = score_json(metric_values(members, m), test_share_of(options), options.confidence, bounds_of_metric(metrics[m]));
      score["recipe"] = run.variant;
      score["values"] = nested ? nlohmann::json::object() : run.values;
      score["share"] = run.share;
      score["metric"] = metrics[m];
      list.push_back(std::move(score));
    }
  }
  return list;
}

nlohmann::json comparisons(const FoldGroups& groups, const ValidateOptions& options) {
  const auto metrics = metric_names(options.metric);
  auto list = nlohmann::json::array();
  for (size_t b = 1; b < groups.size(); ++b) {
    const auto a = std::find_if(groups.begin(), groups.begin() + static_cast<std::ptrdiff_t>(b), [&](const auto& group) {
      return group.first.share == groups[b].first.share && group.first.variant != groups[b].first.variant &&
             group.first.values == groups[b].first.values;
    });
    if (a == groups.begin() + static_cast<std::ptrdiff_t>(b) || a->second.size() < 2) {
      continue;
    }
    for (size_t m = 0; m < metrics.size(); ++m) {
      const Comparison found = corrected_t_test(metric_values(a->second, m), metric_values(groups[b].second, m),
                                                test_share_of(options), options.confidence);
      const Bounds bounds = bounds_of_metric(metrics[m]);
      const double most = bounds.high - bounds.low;
      list.push_back({{"a", a->first.variant}, {"b", groups[b].first.variant}, {"metric", metrics[m]}, {"test", found.test},
                      {"difference", found.difference}, {"low", std::max(found.low, -most)}, {"high", std::min(found.high, most)}, {"p", found.p_value}});
    }
  }
  return list;
}

void add_more_data_gain(const FoldGroups& groups, const ValidateOptions& options, nlohmann::json& data) {
  std::vector<std::pair<double, std::vector<double>>> curve;  // by share: a score a fold
  for (const auto& [run, members] : groups) {
    if (run.variant == groups[0].first.variant && run.values == groups[0].first.values) {
      curve.emplace_back(run.share, metric_values(members, 0));
    }
  }
  std::sort(curve.begin(), curve.end());
  if (curve.size() < 2 || curve.back().second.size() < 2) {
    return;
  }
  const auto& [small_share, small] = curve[curve.size() - 2];
  const auto& [large_share, large] = curve.back();
  std::vector<bool> maximise;
  try {
    maximise = directions(options.direction, metric_names(options.metric));
  } catch (const Error&) {
    return;  // the name does not tell whether more is better
  }
  const double steps = std::log2(large_share / small_share);
  const double gain = (maximise[0] ? 1 : -1) * (mean_of(large) - mean_of(small)) / std::max(steps, 1e-9);
  const double distance = (maximise[0] ? 1 - mean_of(large) : mean_of(large)) + gain;  // before the last doubling
  if (distance > 0 && steps > 0) {
    data["more_data_gain"] = gain / distance;
    data["more_data_p"] = corrected_t_test(small, large, test_share_of(options), options.confidence).p_value;
  }
}

const nlohmann::json& headline(const nlohmann::json& scores, const ValidateOptions& options) {
  bool larger = true;
  try {
    larger = directions(options.direction, metric_names(options.metric))[0];
  } catch (const Error&) {
    return scores[0];
  }
  size_t best = 0;
  for (size_t i = 1; i < scores.size(); ++i) {
    const double one = scores[i]["mean"].get<double>(), other = scores[best]["mean"].get<double>();
    best = scores[i]["metric"] == scores[0]["metric"] && (larger ? one > other : one < other) ? i : best;
  }
  return scores[best];
}

}  // namespace athanor
