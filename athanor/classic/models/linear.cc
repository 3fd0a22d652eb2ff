#include "athanor/classic/models/linear.h"

#include "athanor/classic/models/checks.h"
#include "athanor/classic/models/least_squares.h"

namespace athanor::classic {

namespace {

using Solve = std::function<LinearWeights(const Matrix&, const Target&, FitContext&)>;

class LinearRegressor final : public ClassicModel {
 public:
  explicit LinearRegressor(Solve solve) : solve_(std::move(solve)) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override {
    check_training(x, target);
    weights_ = solve_(x, target, context);
    weights_.check();
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    check_rows(x, weights_.columns);
    Matrix out = weights_.scores(x, pool);
    check_result(out.values, "a prediction");
    return out;
  }
  std::vector<double> importances(std::string* what) const override { return weights_.importances(what); }
  nlohmann::json description(const std::vector<std::string>& names) const override {
    return weights_.description(names, {});
  }
  void save(SavedWriter& out) const override {
    out.json()["columns"] = weights_.columns;
    weights_.save(out);
  }
  void load(const SavedReader& in) override {
    weights_.load(in, 1, static_cast<size_t>(read_count(in, "columns", 1, kMaxColumns)));
  }

 private:
  Solve solve_;
  LinearWeights weights_;
};

std::unique_ptr<ClassicModel> ridge(double alpha, bool intercept) {
  return std::make_unique<LinearRegressor>([=](const Matrix& x, const Target& target, FitContext& context) {
    return solve_ridge(x, target, alpha, intercept, context);
  });
}

std::unique_ptr<ClassicModel> elastic_net(const LassoOptions& options, double l1) {
  const ElasticNetProblem problem{options.alpha, l1, options.intercept, options.max_iterations, options.tolerance};
  return std::make_unique<LinearRegressor>([=](const Matrix& x, const Target& target, FitContext& context) {
    return solve_elastic_net(x, target, problem, context);
  });
}

}  // namespace

std::unique_ptr<ClassicModel> make_linear(const nlohmann::json& options, Task) {
  return ridge(0, load_options<LinearOptions>(options).intercept);
}
std::unique_ptr<ClassicModel> make_ridge(const nlohmann::json& options, Task) {
  const auto given = load_options<RidgeOptions>(options);
  return ridge(given.alpha, given.intercept);
}
std::unique_ptr<ClassicModel> make_lasso(const nlohmann::json& options, Task) {
  return elastic_net(load_options<LassoOptions>(options), 1);
}
std::unique_ptr<ClassicModel> make_elastic_net(const nlohmann::json& options, Task) {
  const auto given = load_options<ElasticNetOptions>(options);
  return elastic_net(given, given.l1);
}

}  // namespace athanor::classic
