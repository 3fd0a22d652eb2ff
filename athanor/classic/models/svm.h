// Support vector machines with kernels, libsvm's problems and stopping rule (Chang and Lin 2011):
//   classes   by margin: C-SVC; by nu: nu-SVC. One against one; a class's score is its votes, plus the sum of its
//             decision values squeezed into (-1/3, 1/3), which parts equal votes
//   numbers   by margin: epsilon-SVR; by nu: nu-SVR
//   anomaly   one-class: about the share nu of the training rows gets a score above 0
// Kernels: linear x'y; poly (gamma x'y + coef0)^degree; rbf exp(-gamma |x - y|^2); sigmoid tanh(gamma x'y + coef0).
// Classes are weighed, not rows: weights that differ within a class are refused. For probabilities wrap it in
// `calibrated` (sigmoid: Platt's).
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct SvmOptions {
  std::string by = "margin";
  std::string kernel = "rbf";
  double c = 1;
  double nu = 0.5;
  double epsilon = 0.1;
  double gamma = 0;
  int64_t degree = 3;
  double coef0 = 0;
  double tolerance = 1e-3;
  bool shrinking = true;
  int64_t cache_mb = 200;
  static void fields(Fields<SvmOptions>& f) {
    f.add("by", &SvmOptions::by, "margin: c says what a wrong row costs; nu: the share of support vectors").choices({"margin", "nu"});
    f.add("kernel", &SvmOptions::kernel, "how alike two rows are").choices({"linear", "poly", "rbf", "sigmoid"});
    f.add("c", &SvmOptions::c, "weight of the rows' losses").range(1e-12, 1e12);
    f.add("nu", &SvmOptions::nu, "at most this share of rows outside, at least this share of support vectors").range(1e-9, 1);
    f.add("epsilon", &SvmOptions::epsilon, "numbers: errors up to this cost nothing").range(0, 1e300);
    f.add("gamma", &SvmOptions::gamma, "of the kernel; 0: 1 / (columns * variance of all values)").range(0, 1e300);
    f.add("degree", &SvmOptions::degree, "of poly").range(1, 100);
    f.add("coef0", &SvmOptions::coef0, "of poly and sigmoid").range(-1e9, 1e9);
    f.add("tolerance", &SvmOptions::tolerance, "stop when no two rows pull apart by more").range(1e-14, 1);
    f.add("shrinking", &SvmOptions::shrinking, "leave settled rows aside while fitting");
    f.add("cache_mb", &SvmOptions::cache_mb, "memory for kernel rows").range(1, 1 << 20).speed();
  }
};
std::unique_ptr<ClassicModel> make_svm(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
