// The rounds of boosting: slopes, trees, scores, and when to stop.
#pragma once

#include "athanor/classic/trees/boosting.h"
#include "athanor/classic/trees/boosting_tree.h"

namespace athanor {

// Rows to learn from or to judge by: bins, truth, and the scores so far (outputs x rows).
struct BoostingData {
  BinnedMatrix bins;
  const Target* target = nullptr;
  std::unique_ptr<BoostingLoss> loss;
  std::vector<double> scores;
};

// Appends the trees. valid may be null; else valid_losses gets its mean loss a round, and the trees
// behind the best round are dropped again.
void run_boosting_rounds(const BoostingOptions& options, const BinCuts& cuts, BoostingData& train,
                         BoostingData* valid, std::vector<int8_t> monotone,
                         std::span<const double> base, TreeSet& trees,
                         std::vector<double>& valid_losses, FitContext& context);

}  // namespace athanor
