#include "athanor/classic/trees/decision_tree.h"

#include <numeric>

#include "athanor/base/error.h"
#include "athanor/classic/trees/prune.h"
#include "athanor/classic/trees/tree_kinds.h"
#include "athanor/classic/trees/tree_text.h"

namespace athanor {

namespace {

constexpr int kShownDepth = 5;

}  // namespace

void DecisionTreeOptions::fields(Fields<DecisionTreeOptions>& f) {
  f.add("criterion", &DecisionTreeOptions::criterion,
        "what a split lowers; auto: gini, or squared error of values")
      .choices({"auto", "gini", "entropy", "squared", "absolute"});
  f.add("max_depth", &DecisionTreeOptions::max_depth,
        "splits on a path at most; 0: no limit but 512")
      .range(0, kMaxTreeDepth);
  f.add("max_leaves", &DecisionTreeOptions::max_leaves,
        "leaves at most, the best splits first; 0: no limit")
      .range(0, 1e9);
  f.add("min_samples_split", &DecisionTreeOptions::min_samples_split,
        "rows that a node must have to be split")
      .range(2, 1e9);
  f.add("min_samples_leaf", &DecisionTreeOptions::min_samples_leaf, "rows of a leaf at least")
      .range(1, 1e9);
  f.add("min_gain", &DecisionTreeOptions::min_gain,
        "impurity that a split must win, weighted by its share of rows")
      .range(0, 1e300);
  f.add("prune", &DecisionTreeOptions::prune,
        "cost of a leaf: subtrees that win less are cut off (ccp_alpha)")
      .range(0, 1e300);
}

Criterion criterion_of(const std::string& name, Task task) {
  const bool values = task == Task::kRegression;
  if (name == "auto") {
    return values ? Criterion::kSquared : Criterion::kGini;
  }
  const bool of_values = name == "squared" || name == "absolute";
  if (of_values != values || (task == Task::kMultiLabel && name == "entropy")) {
    throw Error(ErrorKind::kUsage, "the criterion '" + name + "' does not fit " + name_of(task),
                "criterion", values ? "squared or absolute" : "leave it at auto");
  }
  return name == "squared"    ? Criterion::kSquared
         : name == "absolute" ? Criterion::kAbsolute
         : name == "entropy"  ? Criterion::kEntropy
                              : Criterion::kGini;
}

DecisionTree::DecisionTree(const DecisionTreeOptions& options, Task task)
    : options_(options), task_(task) {
  criterion_of(options.criterion, task);
}

void DecisionTree::fit(const Matrix& all_x, const Target& all_target, FitContext& context) {
  const FitRows given(all_x, all_target);
  const Target& target = given.target();
  labels_ = target.labels;
  const Criterion criterion = criterion_of(options_.criterion, task_);
  context.progress(0);
  const RankedMatrix ranked = RankedMatrix::of(given.x(), context.pool);
  const ExactTruth truth(target, criterion);
  const ExactGrower grower(
      ranked, truth,
      {criterion, options_.max_depth, options_.max_leaves, options_.min_samples_split,
       options_.min_samples_leaf, options_.min_gain, 0, false});
  std::vector<uint32_t> rows(ranked.rows);
  std::iota(rows.begin(), rows.end(), 0U);
  std::vector<double> weights(ranked.rows, 1.0);
  if (!target.weights.empty()) {
    weights = target.weights;
  }
  trees_ = TreeSet{};
  trees_.columns = ranked.columns;
  trees_.width = truth.width;
  trees_.gain_unit = gain_unit_of(target, criterion == Criterion::kAbsolute ? 1 : 2);
  std::vector<double> node_values;
  grower.grow(std::move(rows), weights, context.seed, &context.pool, trees_,
              options_.prune > 0 ? &node_values : nullptr);
  if (options_.prune > 0) {
    trees_ = pruned(trees_, node_values, options_.prune);
  }
}

Matrix DecisionTree::predict(const Matrix& x, ThreadPool& pool) const {
  return sum_of_trees(trees_, x, 1, {}, pool);
}

nlohmann::json DecisionTree::description(const std::vector<std::string>& names) const {
  nlohmann::json out = trees_description(names);
  out["text"] = tree_text(trees_, 0, names, labels_, kShownDepth);
  return out;
}

void DecisionTree::save(SavedWriter& out) const {
  out.put("labels", labels_);
  SavedWriter part = out.part("trees");
  trees_.save(part);
}

void DecisionTree::load(const SavedReader& in) {
  labels_ = in.strings("labels");
  trees_.load(in.part("trees"));
  const uint64_t width = task_ == Task::kRegression ? 1 : labels_.size();
  if (trees_.trees() != 1 || trees_.groups != 1 || trees_.width != width) {
    in.fail("the tree does not give what the model predicts");
  }
}

ModelKind decision_tree_kind() {
  return {"tree",
          "one decision tree, to be read",
          {Task::kClasses, Task::kMultiLabel, Task::kRegression},
          true,
          true,
          schema_of<DecisionTreeOptions>(),
          [](const nlohmann::json& options, Task task) -> std::unique_ptr<ClassicModel> {
            return std::make_unique<DecisionTree>(load_options<DecisionTreeOptions>(options), task);
          }};
}

}  // namespace athanor
