#include "athanor/classic/models/decision_core.h"

#include <algorithm>
#include <thread>

namespace athanor::classic {

namespace {

class DecisionCore final : public ClassCore {
 public:
  explicit DecisionCore(LearnOutput learn) : learn_(std::move(learn)) {}

  void fit(const Matrix& x, const ClassRows& rows, FitContext& context) override {
    const size_t outputs = rows.num_classes == 2 ? 1 : rows.num_classes;
    weights_ = LinearWeights::zeros(outputs, x.columns);
    const auto caller = std::this_thread::get_id();
    const auto progress = [&](double done) {
      if (std::this_thread::get_id() == caller) {
        context.progress(done);
      }
    };
    std::vector<std::string> complaints(outputs);
    context.pool.parallel_for(outputs, [&](size_t k) {
      const auto own = static_cast<int32_t>(outputs == 1 ? 1 : k);
      std::vector<double> signs(x.rows);
      for (size_t r = 0; r < x.rows; ++r) {
        signs[r] = rows.classes[r] == own ? 1.0 : -1.0;
      }
      complaints[k] = learn_(x, signs, rows, context.seed, progress, weights_.of(k), weights_.intercepts[k]);
    });
    const auto first = std::find_if(complaints.begin(), complaints.end(), [](const auto& said) { return !said.empty(); });
    if (first != complaints.end()) {
      context.warn(*first);
    }
    weights_.check();
  }
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    Matrix scores = weights_.scores(x, pool);
    return weights_.outputs == 1 ? two_sided(scores) : scores;
  }
  bool gives_probabilities() const override { return false; }
  std::vector<double> importances(std::string* what) const override { return weights_.importances(what); }
  nlohmann::json description(const std::vector<std::string>& names, const std::vector<std::string>& labels) const override {
    return weights_.description(names, weights_.outputs == 1 ? std::vector<std::string>{labels.back()} : labels);
  }
  void save(SavedWriter& out) const override { weights_.save(out); }
  void load(const SavedReader& in, size_t columns, size_t num_classes) override {
    weights_.load(in, num_classes == 2 ? 1 : num_classes, columns);
  }

 private:
  LearnOutput learn_;
  LinearWeights weights_;
};

}  // namespace

MakeCore decision_cores(LearnOutput learn) {
  return [learn] { return std::make_unique<DecisionCore>(learn); };
}

}  // namespace athanor::classic
