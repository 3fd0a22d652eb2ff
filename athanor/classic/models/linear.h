// Linear models of numbers.
//   linear       least squares: the solution of least norm where columns depend on each other or outnumber the rows
//   ridge        ... + alpha |w|^2
//   lasso        1/(2n) |y - Xw|^2 + alpha |w|_1                                     (Tibshirani 1996)
//   elastic_net  1/(2n) |y - Xw|^2 + alpha (l1 |w|_1 + (1 - l1)/2 |w|^2)             (Zou and Hastie 2005)
// The intercept is never punished. Weights multiply a row's square; for lasso and elastic_net they are scaled to sum to n.
// All as scikit-learn defines them.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/run/fields.h"

namespace athanor::classic {

struct LinearOptions {
  bool intercept = true;
  static void fields(Fields<LinearOptions>& f) {
    f.add("intercept", &LinearOptions::intercept, "learn a constant too");
  }
};
struct RidgeOptions {
  double alpha = 1;
  bool intercept = true;
  static void fields(Fields<RidgeOptions>& f) {
    f.add("alpha", &RidgeOptions::alpha, "weight of the squared coefficients; 0: least squares").range(0, 1e15);
    f.add("intercept", &RidgeOptions::intercept, "learn a constant too");
  }
};
struct LassoOptions {
  double alpha = 1;
  bool intercept = true;
  int64_t max_iterations = 1000;
  double tolerance = 1e-6;
  static void fields(Fields<LassoOptions>& f) {
    f.add("alpha", &LassoOptions::alpha, "weight of the absolute coefficients").range(1e-15, 1e15);
    f.add("intercept", &LassoOptions::intercept, "learn a constant too");
    f.add("max_iterations", &LassoOptions::max_iterations, "passes over all columns").range(1, 1e7);
    f.add("tolerance", &LassoOptions::tolerance, "stop when the duality gap is this share of |y|^2").range(1e-16, 1);
  }
};
struct ElasticNetOptions : LassoOptions {
  double l1 = 0.5;
  static void fields(Fields<ElasticNetOptions>& f) {
    f.add("alpha", &ElasticNetOptions::alpha, "weight of the punishment").range(1e-15, 1e15);
    f.add("l1", &ElasticNetOptions::l1, "share of absolute coefficients in it; the rest squares").range(0, 1);
    f.add("intercept", &ElasticNetOptions::intercept, "learn a constant too");
    f.add("max_iterations", &ElasticNetOptions::max_iterations, "passes over all columns").range(1, 1e7);
    f.add("tolerance", &ElasticNetOptions::tolerance, "stop when the duality gap is this share of |y|^2").range(1e-16, 1);
  }
};

std::unique_ptr<ClassicModel> make_linear(const nlohmann::json& options, Task task);
std::unique_ptr<ClassicModel> make_ridge(const nlohmann::json& options, Task task);
std::unique_ptr<ClassicModel> make_lasso(const nlohmann::json& options, Task task);
std::unique_ptr<ClassicModel> make_elastic_net(const nlohmann::json& options, Task task);

}  // namespace athanor::classic
