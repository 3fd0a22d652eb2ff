// Gradient boosting over histograms, own: numbers in at most 255 bins a feature, trees grown leaf
// by leaf, missing values to the side that wins more. The same bytes for any number of threads and
// (up to 200,000 rows, without `rows`) for any order of the rows.
//
//   auto model = make_model("boosting", {{"rounds", 200}}, Task::kRegression, "fit.model");
//
// `categories` names features whose numbers stand for categories: splits then ask for sets of them. What a set does not
// hold, a missing value, a category never seen, goes the other way. auto: TableEstimator names them, where it encodes the
// table's categories by itself.
//
// With early_stopping, rows that a caller already has decide when to stop:
//   model->watch(&valid_x, &valid_target);     // before fit()
// else the share valid_share of the training rows, of classes evenly of each.
#pragma once

#include "athanor/classic/models/model.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

struct BoostingOptions {
  std::string loss = "auto";
  int64_t rounds = 100;
  double learning_rate = 0.1;
  int64_t max_leaves = 31;
  int64_t max_depth = 0;
  int64_t bins = 255;
  int64_t min_samples_leaf = 20;
  double min_child_weight = 1;
  double min_gain = 0;
  double l1 = 0;
  double l2 = 1;
  double rows = 1;
  double columns = 1;
  int64_t early_stopping = 0;
  double valid_share = 0.1;
  double huber_delta = 0;
  nlohmann::json monotone = nlohmann::json::object();
  nlohmann::json categories = "auto";

  static void fields(Fields<BoostingOptions>& f);
};

class Boosting : public TreeModel {
 public:
  Boosting(const BoostingOptions& options, Task task);

  bool stops_early() const override { return options_.early_stopping > 0; }
  void watch(const Matrix* x, const Target* target) override;

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  // Before the link: log odds, log shares, log rates; the value itself in regression.
  Matrix raw_scores(const Matrix& x, ThreadPool& pool) const;
  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  std::vector<double> base_scores() const override { return base_; }
  double contribution_scale() const override { return 1; }
  // "early_stopping": {"trained_rows", "judged_rows", "judged_by": "valid" or "held out"} where it has stopped by some.
  nlohmann::json description(const std::vector<std::string>& names) const override;
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

  // Mean loss of the watched rows after each round; empty without early stopping.
  const std::vector<double>& valid_losses() const { return valid_losses_; }

 private:
  std::vector<int8_t> monotone_columns(const Matrix& x) const;
  std::vector<uint8_t> category_columns(const Matrix& x, const std::vector<std::string>& known) const;

  BoostingOptions options_;
  Task task_;
  std::string loss_;
  uint64_t labels_ = 0;
  std::vector<double> base_;
  std::vector<double> valid_losses_;
  nlohmann::json stopping_;  // as description() tells it; null: no rows were watched
  const Matrix* watched_x_ = nullptr;
  const Target* watched_target_ = nullptr;
};

}  // namespace athanor
