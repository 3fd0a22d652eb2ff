// Logistic regression, two classes or many (softmax):
//   min  C sum of weight * loss + (1 - l1)/2 |w|^2 + l1 |w|_1      the intercept is never punished
// as scikit-learn's LogisticRegression. Smooth problems by Newton's method (Cholesky where the Hessian is small, else
// conjugate gradients), l1 > 0 by proximal Newton with coordinate descent (Yuan, Ho, Lin 2012), until no part of the mean
// loss's gradient is above `tolerance`. solver: lbfgs goes the way of scikit-learn's and stops where that does: with
// tolerance 1e-4 (its usual) short of the optimum, which some take for the better answer. More than two classes: one softmax; several labels: one against the rest.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct LogisticOptions {
  double c = 1;
  double l1 = 0;
  std::string penalty = "elastic";
  bool intercept = true;
  std::string solver = "newton";
  int64_t max_iterations = 200;
  double tolerance = 1e-6;
  static void fields(Fields<LogisticOptions>& f) {
    f.add("c", &LogisticOptions::c, "the larger, the less is punished").range(1e-12, 1e12);
    f.add("l1", &LogisticOptions::l1, "share of absolute coefficients in the punishment; the rest squares").range(0, 1);
    f.add("penalty", &LogisticOptions::penalty, "none: c and l1 say nothing").choices({"elastic", "none"});
    f.add("intercept", &LogisticOptions::intercept, "learn a constant too");
    f.add("solver", &LogisticOptions::solver,
          "newton: to the optimum; lbfgs: scikit-learn's path, with tolerance 1e-4 its usual answer, short of the optimum")
        .choices({"newton", "lbfgs"});
    f.add("max_iterations", &LogisticOptions::max_iterations, "steps of the solver").range(1, 1e6);
    f.add("tolerance", &LogisticOptions::tolerance, "largest part of the gradient of the mean loss").range(1e-14, 1);
  }
};
std::unique_ptr<ClassicModel> make_logistic(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
