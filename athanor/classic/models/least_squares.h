// The solvers behind linear, ridge, lasso and elastic_net.
#pragma once

#include "athanor/classic/models/linear_weights.h"
#include "athanor/feature/target.h"

namespace athanor::classic {

// min sum of weight (y - xw - b)^2 + alpha |w|^2. Dense: QR by pieces (alpha 0), Cholesky of X'X or XX'; sparse and wide:
// conjugate gradients to 1e-12.
LinearWeights solve_ridge(const Matrix& x, const Target& target, double alpha, bool intercept, FitContext& context);

struct ElasticNetProblem {
  double alpha = 1;
  double l1 = 1;
  bool intercept = true;
  int64_t max_iterations = 1000;
  double tolerance = 1e-6;
};
// Coordinate descent, columns in order; stops by the duality gap. Warns when it did not get there.
LinearWeights solve_elastic_net(const Matrix& x, const Target& target, const ElasticNetProblem& problem, FitContext& context);

}  // namespace athanor::classic
