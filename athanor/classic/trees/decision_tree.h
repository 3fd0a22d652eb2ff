// One tree that a person can read: exact CART (exact_tree.h), pruned where asked. Text and picture:
// tree_text.h.
#pragma once

#include "athanor/classic/trees/exact_tree.h"
#include "athanor/classic/trees/tree_model.h"
#include "athanor/run/fields.h"

namespace athanor {

struct DecisionTreeOptions {
  std::string criterion = "auto";
  int64_t max_depth = 0;
  int64_t max_leaves = 0;
  int64_t min_samples_split = 2;
  int64_t min_samples_leaf = 1;
  double min_gain = 0;
  double prune = 0;

  static void fields(Fields<DecisionTreeOptions>& f);
};

// The criterion that a name means for the task; Error(kUsage) where they do not fit.
Criterion criterion_of(const std::string& name, Task task);

class DecisionTree : public TreeModel {
 public:
  DecisionTree(const DecisionTreeOptions& options, Task task);

  void fit(const Matrix& x, const Target& target, FitContext& context) override;
  Matrix predict(const Matrix& x, ThreadPool& pool) const override;
  bool gives_probabilities() const override { return task_ != Task::kRegression; }
  double contribution_scale() const override { return 1; }
  nlohmann::json description(const std::vector<std::string>& names) const override;
  const std::vector<std::string>& labels() const { return labels_; }
  void save(SavedWriter& out) const override;
  void load(const SavedReader& in) override;

 private:
  DecisionTreeOptions options_;
  Task task_;
  std::vector<std::string> labels_;
};

}  // namespace athanor
