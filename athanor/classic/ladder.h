// `task: auto`: models from a constant to boosting, each judged by cross-validation, until the time is spent; the simplest
// one that is not clearly worse than the best is taken.
//
//   const Ladder ladder = climb(table, target, {.seconds = 60}, context);
//   ladder.rungs[ladder.chosen].kind, ladder.why
#pragma once

#include <string>
#include <vector>

#include "athanor/classic/table_estimator.h"

namespace athanor {

struct LadderOptions {
  double seconds = 60;      // a rung that would go on beyond is cut off; the first two are always finished
  int32_t folds = 5;
  uint64_t seed = 0;
  uint64_t most_rows = 200'000;  // more: that many, drawn by a hash of (seed, row), are what rungs are judged on
  PipelineSpec pipeline;
};

struct Rung {
  std::string kind;
  nlohmann::json model = nlohmann::json::object();
  std::string note;                 // "not tried: the time was spent"; empty when it was judged
  std::vector<double> fold_scores;  // one a fold
  double score = 0;                 // their mean
  double seconds = 0;
  bool judged = false;
};

struct Ladder {
  std::string metric;  // classes: auc (two) or f1_macro; regression: rmse
  bool higher_is_better = true;
  std::vector<Rung> rungs;  // the simplest first
  size_t chosen = 0;
  std::string why;
  uint64_t rows = 0;  // that were judged on
};

// Tasks kClasses and kRegression. Error(kUsage) for others.
Ladder climb(const Table& table, const Target& target, const LadderOptions& options, FitContext& context);

}  // namespace athanor
