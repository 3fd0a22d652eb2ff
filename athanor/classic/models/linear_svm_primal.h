// The squared losses of a linear support vector machine, solved for the coefficients themselves:
//   min |w|^2/2 + sum of cost * slack(row, x w)^2
// Newton's method on the rows that have a slack, with an exact search along each step (Keerthi and DeCoste 2005): the rows'
// part of the Hessian is written out where that is cheap, else conjugate gradients (Galli and Lin 2022). It ends when the
// gradient is `tolerance` of what it was at w = 0 (classes: times the share of the smaller one), as liblinear's -s 2 and 11.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "athanor/feature/matrix.h"

namespace athanor::classic {

struct PrimalProblem {
  const Matrix& x;
  bool intercept = true;             // a column of ones, punished like the others
  std::span<const double> costs;     // of a row
  std::span<const double> targets;   // classes: +1 or -1; else numbers
  bool classes = true;
  double epsilon = 0;                // numbers: errors up to this have no slack

  // What would have to be added to the decision value for the row to cost nothing.
  double slack(size_t row, double decision) const {
    const double lack = targets[row] - decision;
    if (classes) {
      return targets[row] * lack > 0 ? lack : 0;
    }
    return lack > epsilon ? lack - epsilon : (lack < -epsilon ? lack + epsilon : 0);
  }
};

// w starts where it stands. False where max_iterations steps did not reach the tolerance.
bool solve_primal(const PrimalProblem& problem, double tolerance, int64_t max_iterations,
                  const std::function<void(double)>& progress, std::span<double> w, double& intercept);

// A dense matrix of mostly zeros as a sparse one: rows then cost what they hold. False (and nothing written) where it is not
// worth it.
bool compacted(const Matrix& x, Matrix& out);

}  // namespace athanor::classic
