// Isolation forest (Liu, Ting, Zhou 2008): rows that few random cuts set apart are odd. Scores are
// 2^(-depth / c), as in the paper; scikit-learn's score_samples is their negative.
#pragma once

#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

struct IsolationForestOptions {
  int64_t trees = 100;
  int64_t rows = 256;
  double contamination = 0;

  static void fields(Fields<IsolationForestOptions>& f);
};

// The mean depth at which a row of `rows` is found in a random tree: 2 H(rows - 1) - 2 (rows - 1) /
// rows.
double mean_search_depth(double rows);

class IsolationForest : public TreeModel {
 public:
  explicit IsolationForest(const IsolationForestOptions& options) : options_(options) {}

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  double threshold() const override { return threshold_; }
  // What explanation adds up to is the mean depth, not the score.
  double contribution_scale() const override {
    return trees_.trees() == 0 ? 1 : 1.0 / static_cast<double>(trees_.trees());
  }
  std::vector<double> importances(std::string* what) const override;
  nlohmann::json description(const std::vector<std::string>& names) const override;
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

 private:
  IsolationForestOptions options_;
  double sampled_ = 0;  // rows a tree saw
  double threshold_ = 0.5;
};

}  // namespace athanor
