// Sequential minimal optimisation: the problem behind support vector machines,
//   min  b'K b / 2 + q'b    with  sum of b as it starts,  lower <= b <= upper
// two variables at a time, chosen by what the pair wins (Fan, Chen, Lin 2005). Kernel values are rounded to floats, as
// libsvm's. Where not all of them fit into the cache, rows that stand firmly at a bound are left aside, and looked at again
// before the end.
//
// Classes: b = +-alpha, q = -+1. Numbers: two variables a row (`copies`), for errors above and below; anomaly: q = 0.
#pragma once

#include <functional>
#include <vector>

#include "athanor/classic/models/reference_rows.h"
#include "athanor/classic/models/svm.h"

namespace athanor::classic {

// Values of variable v of copy c stand at [c * points.rows + v].
struct SmoProblem {
  const Matrix& points;
  size_t copies = 1;
  std::vector<double> start, linear, lower, upper;
};

struct SmoResult {
  std::vector<double> values;  // b, of the copies together: a value a point
  double offset = 0;           // decision value = sum of b K - offset
  bool converged = true;
};

// A kernel value from a squared distance (rbf) or a product (the others).
double kernel_of(const SvmOptions& options, double gamma, double measured);
inline Metric metric_of(const SvmOptions& options) {
  return options.kernel == "rbf" ? Metric::kSquaredEuclidean : Metric::kDot;
}

// progress may throw.
SmoResult solve_smo(SmoProblem problem, const SvmOptions& options, double gamma, const std::function<void(double)>& progress);

}  // namespace athanor::classic
