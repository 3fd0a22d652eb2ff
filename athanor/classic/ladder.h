// `task: auto`: models from a constant to boosting, each judged by cross-validation, until the time is spent; the simplest
// one that is not clearly worse than the best is taken, and never one that a simpler one beats. No rung gets more than half
// of the time that is left while others wait, and forest, the slowest, is tried last; one that is cut off keeps the folds it
// finished, but is not taken. Trees, forest and boosting are no rungs where all columns are texts or sparse.
//
//   const Ladder ladder = climb(table, target, {.seconds = 60}, context);
//   ladder.rungs[ladder.chosen].kind, ladder.why
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/classic/table_estimator.h"

namespace athanor {

struct LadderOptions {
  double seconds = 60;      // of all rungs; the first two are always finished
  int32_t folds = 5;        // fewer, with a warning, where the rarer of two classes has fewer rows
  uint64_t seed = 0;
  uint64_t most_rows = 200'000;  // more: that many, drawn by a hash of (seed, row), are what rungs are judged on
  PipelineSpec pipeline;
  std::function<double()> clock;  // seconds since any moment; empty: the steady clock
};

struct Rung {
  std::string kind;
  nlohmann::json model = nlohmann::json::object();
  std::string note;                 // "stopped after 12 s, 3 of 5 folds"; empty when it was judged
  std::vector<double> fold_scores;  // one a finished fold
  double score = 0;                 // their mean
  double seconds = 0;               // judged or not
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

// Warns (context.warn) of a rung that was cut off while it led clearly, and of a constant answer with the reasons.
// Tasks kClasses and kRegression. Error(kUsage) for others.
Ladder climb(const Table& table, const Target& target, const LadderOptions& options, FitContext& context);

// Sets chosen and why from the folds' scores: the simplest rung that is within one standard error of the best over the same
// folds, and better than all simpler ones (a difference that varies much would let in one that is both worse and more complex).
void choose_rung(Ladder& ladder, int32_t folds, FitContext& context);

}  // namespace athanor
