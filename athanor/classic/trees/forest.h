// Random forests (Breiman 2001) and extra trees (Geurts et al. 2006): many exact trees, each of its
// own rows and of features drawn at each split; the mean of what they say. A tree depends on the
// seed and its number alone.
#pragma once

#include <limits>

#include "athanor/classic/trees/exact_tree.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

struct ForestOptions {
  int64_t trees = 100;
  std::string criterion = "auto";
  int64_t max_depth = 0;
  int64_t max_leaves = 0;
  int64_t min_samples_split = 2;
  int64_t min_samples_leaf = 1;
  double min_gain = 0;
  nlohmann::json columns = "auto";
  bool bootstrap = true;
  double rows = 1;
  bool out_of_bag = false;

  static void fields(Fields<ForestOptions>& f);
};
struct ExtraTreesOptions : ForestOptions {
  ExtraTreesOptions() { bootstrap = false; }
  static void fields(Fields<ExtraTreesOptions>& f);
};

class Forest : public TreeModel {
 public:
  Forest(const ForestOptions& options, Task task, bool random_thresholds);

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  double contribution_scale() const override {
    return trees_.trees() == 0 ? 1 : 1.0 / static_cast<double>(trees_.trees());
  }
  nlohmann::json description(const std::vector<std::string>& names) const override;
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

  // Accuracy (R2 of values) of the rows by the trees that did not see them; NaN without out_of_bag.
  double out_of_bag_score() const { return out_of_bag_; }

 private:
  struct Bag {
    std::vector<uint32_t> rows;   // each once, ascending
    std::vector<double> weights;  // of all rows: how often drawn times the row's weight
  };
  Bag draw(uint64_t tree, uint64_t seed, const Target& target, uint64_t rows) const;
  double score_out_of_bag(const Matrix& x, const Target& target, FitContext& context) const;

  ForestOptions options_;
  Task task_;
  bool random_thresholds_;
  uint64_t labels_ = 0;
  double out_of_bag_ = std::numeric_limits<double>::quiet_NaN();
};

// "auto", "sqrt", "log2", "all", a share below 1, or a number: of `columns`. Error(kUsage).
int64_t columns_to_try(const nlohmann::json& given, Task task, uint64_t columns);

}  // namespace athanor
