// How much worse a model gets when a feature's values are shuffled among the rows (Breiman 2001):
// works on any model, on rows it has not seen.
//
//   for (const auto& [mean, spread] : permutation_importance(model, x, target, score, {.times = 5},
//   pool)) ...
#pragma once

#include <functional>
#include <vector>

#include "athanor/classic/models/model.h"

namespace athanor {

// Higher is better.
using PredictionScore = std::function<double(const Matrix& predicted, const Target& target)>;
// Accuracy of classes, share of right labels, R2 of values; weighted. Error(kUsage) for the tasks
// without a truth.
double usual_score(const Matrix& predicted, const Target& target);

struct PermutationOptions {
  int times = 5;
  uint64_t seed = 0;
  uint64_t max_rows = 20'000;  // a sample of more
};
struct FeatureLoss {
  double mean = 0;    // score as it is minus score when shuffled
  double spread = 0;  // standard deviation over `times`
};

// One a column of x.
std::vector<FeatureLoss> permutation_importance(const ClassicModel& model, const Matrix& x,
                                                const Target& target, const PredictionScore& score,
                                                const PermutationOptions& options,
                                                ThreadPool& pool);

}  // namespace athanor
