// The loss of logistic regression with its derivatives. Parameters lie as outputs x columns, then one intercept an output
// (0 where none is learnt); scores and probabilities a class after another. outputs is 1 for two classes.
#pragma once

#include "athanor/classic/models/class_core.h"
#include "athanor/classic/models/design.h"

namespace athanor::classic {

class LogisticProblem {
 public:
  LogisticProblem(const Design& design, const ClassRows& rows, bool intercept, double l1, double l2, ThreadPool& pool);

  const Design& design() const { return design_; }
  ThreadPool& pool() const { return pool_; }
  size_t outputs() const { return outputs_; }
  size_t size() const { return outputs_ * (design_.columns() + 1); }
  bool intercept() const { return intercept_; }
  double l1() const { return l1_; }  // of the mean loss
  double l2() const { return l2_; }
  bool is_punished(size_t parameter) const { return parameter < outputs_ * design_.columns(); }
  double share(size_t row) const { return shares_[row]; }  // weight / total

  using Vector = std::vector<double>;
  Vector scores(const Vector& theta) const;
  // Mean loss and the whole objective at these parameters, whose scores are z.
  double value(const Vector& theta, const Vector& z) const;
  Vector probabilities(const Vector& z) const;
  // Without the l1 part.
  Vector gradient(const Vector& theta, const Vector& p) const;
  // The gradient of minimal size: 0 where |w|_1 holds a parameter at 0. Its largest part says how far it is.
  double violation(const Vector& theta, const Vector& gradient) const;
  Vector curvature_times(const Vector& p, const Vector& v) const;  // the Hessian times v
  Vector curvature_diagonal(const Vector& p) const;
  Vector row_residual(const Vector& p, size_t k) const;  // share * (p_k - [the row's class is k])
  // share * p_k ([k = l] - p_l) a row.
  Vector row_curvature(const Vector& p, size_t k, size_t l) const;

 private:
  const Design& design_;
  const ClassRows& rows_;
  bool intercept_;
  double l1_;
  double l2_;
  ThreadPool& pool_;
  size_t outputs_;
  Vector shares_;
};

// Newton's method for l1 = 0, proximal Newton for the rest; theta starts at 0. Warns where it did not converge.
std::vector<double> solve_smooth(const LogisticProblem& problem, double tolerance, int64_t max_iterations, FitContext& context);
// L-BFGS for l1 = 0: less exact answers sooner, as scikit-learn's.
std::vector<double> solve_lbfgs(const LogisticProblem& problem, double tolerance, int64_t max_iterations, FitContext& context);
std::vector<double> solve_sparse(const LogisticProblem& problem, double tolerance, int64_t max_iterations, FitContext& context);

}  // namespace athanor::classic
