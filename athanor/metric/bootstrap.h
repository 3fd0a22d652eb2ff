// Intervals of scores by drawing rows with replacement.
#pragma once

#include <functional>
#include <span>
#include <string>
#include <vector>

#include "athanor/metric/answers.h"

namespace athanor {

// The scores of weighted rows, always as many and in the same order; NaN: not defined for these rows.
using WeightedScores = std::function<std::vector<double>(const std::vector<double>& weights)>;

// How often each row was drawn in one replica, times its own weight (empty: 1).
std::vector<double> drawn_weights(uint64_t rows, const std::vector<double>& weights, uint64_t seed, uint64_t replica);

// Fills low, high and replicas of `scores` (values are there). cost: of one replica, in row visits; with more than
// about 4e8 in all, fewer replicas are drawn, at least 100.
void bootstrap(std::vector<Score>& scores, const WeightedScores& compute, uint64_t rows, const std::vector<double>& weights,
               const ScoreOptions& options, double cost, ThreadPool& pool);

// The value at share q of ascending values, between neighbours in a straight line (type 7 of Hyndman and Fan 1996, numpy's
// default). NaN where there are none.
double quantile_of_sorted(std::span<const double> sorted, double q);

// Wilson's interval of a share of n.
void wilson_interval(double share, double n, double confidence, double& low, double& high);
// The point of the standard normal distribution below which the share p lies, to full precision.
double normal_quantile(double p);

}  // namespace athanor
