#include "athanor/classic/models/linear_svm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/decision_core.h"
#include "athanor/classic/models/linear_svm_primal.h"
#include "athanor/classic/models/row_ops.h"

namespace athanor::classic {

namespace {

using Progress = std::function<void(double)>;

// What both solvers keep: w with its intercept, and each row's squared length.
struct Descent {
  const Matrix& x;
  bool with_intercept;
  std::span<double> w;
  double& intercept;
  std::vector<double> squares;
  std::vector<uint32_t> order;
  Rng rng;

  Descent(const Matrix& rows, bool constant, std::span<double> weights, double& bias, uint64_t seed)
      : x(rows), with_intercept(constant), w(weights), intercept(bias), squares(rows.rows), order(rows.rows), rng(seed) {
    for (size_t r = 0; r < x.rows; ++r) {
      squares[r] = row_square(x, r) + (with_intercept ? 1.0 : 0.0);
    }
    std::iota(order.begin(), order.end(), 0u);
  }
  double decision(size_t r) const { return row_dot(x, r, w.data()) + intercept; }
  void move(size_t r, double by) {
    add_row(x, r, by, w.data());
    intercept += with_intercept ? by : 0;
  }
  void shuffle(size_t active) {
    for (size_t i = active; i > 1; --i) {
      std::swap(order[i - 1], order[rng.below(i)]);
    }
  }
};

// Rows whose multiplier stays at a bound are left aside (shrinking) until all others are done.
bool classify(const LinearSvmOptions& given, const ClassRows& rows, std::span<const double> signs, Descent& descent,
              const Progress& progress) {
  const bool squared = given.loss == "squared_hinge";
  const size_t n = descent.x.rows;
  std::vector<double> a(n, 0.0);
  size_t active = n;
  double upper_before = INFINITY;
  double lower_before = -INFINITY;
  for (int64_t pass = 0; pass < given.max_iterations; ++pass) {
    descent.shuffle(active);
    double upper = -INFINITY;
    double lower = INFINITY;
    for (size_t s = 0; s < active; ++s) {
      const size_t r = descent.order[s];
      const double c = given.c * rows.weight(r);
      const double bound = squared ? INFINITY : c;
      const double extra = squared ? 0.5 / c : 0;
      const double slope = signs[r] * descent.decision(r) - 1 + extra * a[r];
      if ((a[r] == 0 && slope > upper_before) || (a[r] == bound && slope < lower_before)) {
        std::swap(descent.order[s--], descent.order[--active]);
        continue;
      }
      const double projected = a[r] == 0 ? std::min(0.0, slope) : (a[r] == bound ? std::max(0.0, slope) : slope);
      upper = std::max(upper, projected);
      lower = std::min(lower, projected);
      const double curve = descent.squares[r] + extra;
      if (projected != 0 && curve > 0) {
        const double old = a[r];
        a[r] = std::clamp(old - slope / curve, 0.0, bound);
        descent.move(r, (a[r] - old) * signs[r]);
      }
    }
    if (upper - lower <= given.tolerance || active == 0) {
      if (active == n) {
        return true;
      }
      active = n;
      upper_before = INFINITY;
      lower_before = -INFINITY;
      continue;
    }
    upper_before = upper > 0 ? upper : INFINITY;
    lower_before = lower < 0 ? lower : -INFINITY;
    progress(static_cast<double>(pass) / static_cast<double>(given.max_iterations));
  }
  return false;
}

bool regress(const LinearSvmOptions& given, const Target& target, Descent& descent, const Progress& progress) {
  const bool squared = given.loss == "squared_hinge";
  const size_t n = descent.x.rows;
  std::vector<double> b(n, 0.0);
  double first = 0;
  for (int64_t pass = 0; pass < given.max_iterations; ++pass) {
    descent.shuffle(n);
    double violation = 0;
    for (const uint32_t r : descent.order) {
      const double c = given.c * target.weight(r);
      if (!(c > 0)) {
        continue;
      }
      const double bound = squared ? INFINITY : c;
      const double extra = squared ? 0.5 / c : 0;
      const double curve = descent.squares[r] + extra;
      const double slope = descent.decision(r) - target.values[r] + extra * b[r];
      const double above = slope + given.epsilon;
      const double below = slope - given.epsilon;
      if (b[r] == 0) {
        violation += above < 0 ? -above : (below > 0 ? below : 0);
      } else if (b[r] >= bound) {
        violation += std::max(0.0, above);
      } else if (b[r] <= -bound) {
        violation += std::max(0.0, -below);
      } else {
        violation += std::fabs(b[r] > 0 ? above : below);
      }
      if (!(curve > 0)) {
        continue;
      }
      const double step = above < curve * b[r] ? -above / curve : (below > curve * b[r] ? -below / curve : -b[r]);
      const double old = b[r];
      b[r] = std::clamp(old + step, -bound, bound);
      if (b[r] != old) {
        descent.move(r, b[r] - old);
      }
    }
    first = pass == 0 ? violation : first;
    if (violation <= given.tolerance * first) {
      return true;
    }
    progress(static_cast<double>(pass) / static_cast<double>(given.max_iterations));
  }
  return false;
}

constexpr char kTooFew[] =
    "linear_svm: max_iterations steps did not reach the tolerance; give more, scale the features, or lower c";

// Squared losses go by the coefficients where there are no more of them than rows, else by the rows' multipliers; where that
// does not end, the other way goes on from there.
bool by_multipliers(const LinearSvmOptions& given, const Matrix& x) {
  return given.loss == "hinge" || x.rows < x.columns;
}

bool finish_primal(const LinearSvmOptions& given, PrimalProblem problem, std::span<const double> weights,
                   const Progress& progress, std::span<double> w, double& intercept) {
  std::vector<double> costs(problem.x.rows, given.c);
  for (size_t r = 0; r < weights.size(); ++r) {
    costs[r] *= weights[r];
  }
  problem.costs = costs;
  return solve_primal(problem, given.tolerance, given.max_iterations, progress, w, intercept);
}

class LinearSvmRegressor final : public ClassicModel {
 public:
  explicit LinearSvmRegressor(const LinearSvmOptions& options) : options_(options) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    weights_ = LinearWeights::zeros(1, x.columns);
    Matrix compact;
    const Matrix& rows = compacted(x, compact) ? compact : x;
    bool done = false;
    if (by_multipliers(options_, x)) {
      Descent descent(rows, options_.intercept, weights_.of(0), weights_.intercepts[0], context.seed);
      done = regress(options_, target, descent, context.progress);
    }
    if (!done && options_.loss != "hinge") {
      const PrimalProblem problem{rows, options_.intercept, {}, target.values, false, options_.epsilon};
      done = finish_primal(options_, problem, target.weights, context.progress, weights_.of(0), weights_.intercepts[0]);
    }
    if (!done) {
      context.warn(kTooFew);
    }
    weights_.check();
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, weights_.columns);
    Matrix out = weights_.scores(x, pool);
    check_result(out.values, "a prediction");
    return out;
  }
  std::vector<double> importances(std::string* what) const override { return weights_.importances(what); }
  nlohmann::json description(const std::vector<std::string>& names) const override { return weights_.description(names, {}); }
  void save(SavedWriter& out) const override {
    out.json()["columns"] = weights_.columns;
    weights_.save(out);
  }
  void load(const SavedReader& in) override {
    weights_.load(in, 1, static_cast<size_t>(read_count(in, "columns", 1, kMaxColumns)));
  }

 private:
  LinearSvmOptions options_;
  LinearWeights weights_;
};

}  // namespace

std::unique_ptr<ClassicModel> make_linear_svm(const nlohmann::json& options, Task task) {
  const auto given = load_options<LinearSvmOptions>(options);
  if (task == Task::kRegression) {
    return std::make_unique<LinearSvmRegressor>(given);
  }
  return core_classifier(decision_cores([given](const Matrix& x, std::span<const double> signs, const ClassRows& rows,
                                                uint64_t seed, const Progress& progress, std::span<double> w,
                                                double& intercept) {
                           Matrix compact;
                           const Matrix& kept = compacted(x, compact) ? compact : x;
                           bool done = false;
                           if (by_multipliers(given, x)) {
                             Descent descent(kept, given.intercept, w, intercept, seed);
                             done = classify(given, rows, signs, descent, progress);
                           }
                           if (!done && given.loss != "hinge") {
                             const PrimalProblem problem{kept, given.intercept, {}, signs, true, 0};
                             done = finish_primal(given, problem, rows.weights, progress, w, intercept);
                           }
                           return std::string(done ? "" : kTooFew);
                         }),
                         task);
}

}  // namespace athanor::classic
