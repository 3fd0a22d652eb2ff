// What the folds of a validation say together: means with intervals, comparisons, the gain of more data.
#pragma once

#include <utility>
#include <vector>

#include "athanor/stage/validate_options.h"

namespace athanor {

struct FoldScore {
  FoldRun run;
  std::vector<double> values;  // a metric each
};

// The same recipe, values and share; they point into what was grouped.
using FoldGroups = std::vector<std::pair<FoldRun, std::vector<const FoldScore*>>>;
FoldGroups grouped(const std::vector<FoldScore>& scores, bool values_matter);

double mean_of(const std::vector<double>& values);

// A score a group and metric: {"recipe", "values", "share", "metric", "mean", "deviation", "low", "high", "interval", "folds"}.
nlohmann::json group_scores(const FoldGroups& groups, const ValidateOptions& options, bool nested);

// Recipes against each other over the same folds, a metric each: the corrected resampled t-test, its interval cut at what a
// difference of that score can be.
nlohmann::json comparisons(const FoldGroups& groups, const ValidateOptions& options);

// "more_data_gain" and "more_data_p": what twice the training documents would bring, by the two largest shares of the first
// recipe: the part of the distance to a perfect score (1, or a loss of 0) that a doubling took, and the p of the difference
// over the same folds.
void add_more_data_gain(const FoldGroups& groups, const ValidateOptions& options, nlohmann::json& data);

// Of group_scores() the best by the first metric; the first where its name does not tell whether more is better.
const nlohmann::json& headline(const nlohmann::json& scores, const ValidateOptions& options);

}  // namespace athanor
