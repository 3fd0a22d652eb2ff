// Linear support vector machines by dual coordinate descent, as liblinear's (Hsieh et al. 2008; Ho and Lin 2012), or, where
// the loss is squared and there are no fewer rows than columns, by Newton's method (linear_svm_primal.h):
//   classes   min |w|^2/2 + c sum of weight * max(0, 1 - y d)^p          p = 1 hinge, 2 squared_hinge; one against the rest
//   numbers   min |w|^2/2 + c sum of weight * max(0, |y - d| - epsilon)^p
// The intercept is the coefficient of a column of ones and punished like the others, as there.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct LinearSvmOptions {
  std::string loss = "squared_hinge";
  double c = 1;
  double epsilon = 0;
  bool intercept = true;
  int64_t max_iterations = 1000;
  double tolerance = 1e-4;
  static void fields(Fields<LinearSvmOptions>& f) {
    f.add("loss", &LinearSvmOptions::loss, "what a row on the wrong side costs").choices({"hinge", "squared_hinge"});
    f.add("c", &LinearSvmOptions::c, "weight of the rows' losses").range(1e-12, 1e12);
    f.add("epsilon", &LinearSvmOptions::epsilon, "numbers: errors up to this cost nothing").range(0, 1e300);
    f.add("intercept", &LinearSvmOptions::intercept, "learn a constant too");
    f.add("max_iterations", &LinearSvmOptions::max_iterations, "passes over all rows, or steps of Newton's method").range(1, 1e9);
    f.add("tolerance", &LinearSvmOptions::tolerance,
          "stop when the violation of optimality is this small (Newton: as a share of the first)")
        .range(1e-14, 1);
  }
};
std::unique_ptr<ClassicModel> make_linear_svm(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
