// What each feature added to a prediction: Shapley values of trees, path-dependent TreeSHAP
// (Lundberg et al. 2020): exact, in the time of nodes x depth / 2 a row (shap_block.h).
//
//   const Contributions why = tree_contributions(model, x, pool);
//   why.of_output[0].at(row, column)                    // in the model's raw units (log odds,
//   value, share of a class) why.of_output[0].at(row, x.columns)                 // the last
//   column: what a prediction is without any feature
//
// A row sums to base_scores()[output] + contribution_scale() * the sum of the trees, to rounding.
#pragma once

#include <vector>

#include "athanor/classic/trees/tree_model.h"

namespace athanor {

struct Contributions {
  std::vector<Matrix> of_output;  // an output: rows x (columns + 1)
};

// Error(kResource) where rows x columns x outputs would not fit.
Contributions tree_contributions(const TreeModel& model, const Matrix& x, ThreadPool& pool);

}  // namespace athanor
