// The interval of a mean of scores over folds, which share their training rows: the corrected resampled t-test's (Nadeau and
// Bengio 2003). A score between two bounds (accuracy, AUC: 0 and 1; MCC: -1 and 1) gets Wilson's (1927) with Student's
// quantile and as many rows as that variance speaks of, so it never passes a bound; one with a single bound (an error: 0, R2:
// 1) is cut there.
//
//   const MeanInterval i = mean_interval({0.98, 1, 0.99}, 0.5, 0.95, bounds_of_metric("fit.valid.auc"));   // i.low, i.high <= 1
#pragma once

#include <limits>
#include <string>
#include <vector>

namespace athanor {

struct Bounds {
  double low = -std::numeric_limits<double>::infinity();
  double high = std::numeric_limits<double>::infinity();
};

// By the name's last part ("valid.f1_macro", "valid.f1_macro.value"), or for "accuracy" by any: none for a name that this does not know.
Bounds bounds_of_metric(const std::string& name);

struct MeanInterval {
  double low = 0;
  double high = 0;
  std::string by;  // "t", "Wilson", "t, cut at 0"; empty: one value
};

// test_share: rows of a test fold over rows of its training part. Bounds that a value passes are not believed.
MeanInterval mean_interval(const std::vector<double>& values, double test_share, double confidence, Bounds bounds);

}  // namespace athanor
