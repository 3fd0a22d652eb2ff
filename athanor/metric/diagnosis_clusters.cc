#include "athanor/metric/diagnosis_clusters.h"

#include <cstdio>

namespace athanor {

namespace {

constexpr double kNoStructure = 0.25;  // silhouette: no substantial structure (Kaufman, Rousseeuw 1990)
constexpr double kMostNoise = 0.5;     // of the rows

std::string text(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.4g", value);
  return buffer;
}

}  // namespace

std::vector<Finding> diagnose_clusters(const RunFacts& facts) {
  if (!std::isfinite(facts.clusters)) {
    return {};
  }
  const auto rows = static_cast<double>(facts.train_rows);
  const std::string noise = std::isfinite(facts.noise_rows) && facts.noise_rows > 0
                                ? ", and " + text(facts.noise_rows) + " of " + text(rows) + " rows are noise"
                                : "";
  if (facts.clusters < 2) {
    return {{"one cluster", "the rows fall into " + text(facts.clusters) + " clusters" + noise,
             "dbscan: a smaller radius parts them, a larger one takes noise in; scale the columns first", "", true}};
  }
  if (facts.noise_rows > kMostNoise * rows) {
    return {{"mostly noise", text(facts.clusters) + " clusters" + noise + ": scores are of the rest only",
             "a larger radius, fewer neighbours (least), or scaled columns", "", true}};
  }
  if (facts.silhouette < kNoStructure) {
    return {{"no clear clusters", "the silhouette is " + text(facts.silhouette) + " (below 0.25: no substantial structure), with " +
                                      text(facts.clusters) + " clusters" + noise,
             "another number of clusters, scaled or fewer columns; there may be none", "", true}};
  }
  return {};
}

}  // namespace athanor
