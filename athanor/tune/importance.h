// Which parameters decided: PED-ANOVA (Watanabe, Bansal, Hutter, IJCAI 2023; conditional parameters after
// arXiv:2601.20800). A parameter matters as far as its density among the best tenth of the trials differs from its density
// among all. On the same history the numbers are Optuna 5's PedAnovaImportanceEvaluator's.
#pragma once

#include <vector>

#include "athanor/tune/sampler.h"

namespace athanor::tune {

// A share a parameter, in the space's order, summing to 1 (all 0 with fewer than two complete trials, or when nothing
// differs). sign -1: larger values of the objective are better. Only complete trials count.
std::vector<double> importances(const Space& space, const std::vector<Trial>& trials, size_t objective, double sign);

}  // namespace athanor::tune
