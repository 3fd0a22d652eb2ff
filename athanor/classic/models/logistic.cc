#include "athanor/classic/models/logistic.h"

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/linear_weights.h"
#include "athanor/classic/models/logistic_problem.h"

namespace athanor::classic {

namespace {

// Rows of scores into rows of probabilities; one column makes two.
Matrix softmax(const Matrix& scores) {
  const size_t width = std::max<size_t>(2, scores.columns);
  Matrix out = Matrix::dense(scores.rows, width);
  for (size_t r = 0; r < scores.rows; ++r) {
    const double* from = scores.row(r);
    double* to = out.row(r);
    if (scores.columns == 1) {
      const double e = std::exp(-std::fabs(from[0]));
      to[from[0] >= 0 ? 1 : 0] = 1 / (1 + e);
      to[from[0] >= 0 ? 0 : 1] = e / (1 + e);
      continue;
    }
    double top = from[0];
    for (size_t k = 1; k < width; ++k) {
      top = std::max(top, from[k]);
    }
    double all = 0;
    for (size_t k = 0; k < width; ++k) {
      all += to[k] = std::exp(from[k] - top);
    }
    for (size_t k = 0; k < width; ++k) {
      to[k] /= all;
    }
  }
  return out;
}

class LogisticCore final : public ClassCore {
 public:
  explicit LogisticCore(const LogisticOptions& options) : options_(options) {}

  void fit(const Matrix& x, const ClassRows& rows, FitContext& context) override {
    Matrix packed;
    const Design design(compacted(x, packed) ? packed : x);
    const bool punished = options_.penalty != "none";
    const double l1 = punished ? options_.l1 / options_.c : 0;
    const double l2 = punished ? (1 - options_.l1) / options_.c : 0;
    const LogisticProblem problem(design, rows, options_.intercept, l1, l2, context.pool);
    const auto solve = l1 > 0 ? solve_sparse : (options_.solver == "lbfgs" ? solve_lbfgs : solve_smooth);
    const auto theta = solve(problem, options_.tolerance, options_.max_iterations, context);
    weights_ = LinearWeights::zeros(problem.outputs(), x.columns);
    const auto split = static_cast<ptrdiff_t>(weights_.coefficients.size());
    weights_.coefficients.assign(theta.begin(), theta.begin() + split);
    weights_.intercepts.assign(theta.begin() + split, theta.end());
    double mean = 0;
    for (const double value : weights_.intercepts) {
      mean += value / static_cast<double>(problem.outputs());
    }
    for (double& value : weights_.intercepts) {
      value -= problem.outputs() > 1 ? mean : 0;  // they may move together; scikit-learn's sum to 0
    }
    weights_.check();
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    const Matrix scores = weights_.scores(x, pool);
    check_result(scores.values, "a decision value");
    return softmax(scores);
  }
  bool gives_probabilities() const override { return true; }
  std::vector<double> importances(std::string* what) const override { return weights_.importances(what); }
  nlohmann::json description(const std::vector<std::string>& names, const std::vector<std::string>& labels) const override {
    return weights_.description(names, weights_.outputs == 1 ? std::vector<std::string>{labels.back()} : labels);
  }
  void save(SavedWriter& out) const override { weights_.save(out); }
  void load(const SavedReader& in, size_t columns, size_t num_classes) override {
    weights_.load(in, num_classes == 2 ? 1 : num_classes, columns);
  }

 private:
  LogisticOptions options_;
  LinearWeights weights_;
};

}  // namespace

std::unique_ptr<ClassicModel> make_logistic(const nlohmann::json& options, Task task) {
  const auto given = load_options<LogisticOptions>(options);
  if (given.solver == "lbfgs" && given.l1 > 0 && given.penalty != "none") {
    throw Error(ErrorKind::kUsage, "lbfgs cannot punish absolute coefficients", "solver", "take solver: newton, or l1: 0");
  }
  return core_classifier([given] { return std::make_unique<LogisticCore>(given); }, task);
}

}  // namespace athanor::classic
