// Against scikit-learn and XGBoost: tests/fixtures/classic/trees.json, made by
// tests/parity/make_tree_fixtures.py.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "athanor/classic/trees/decision_tree.h"
#include "athanor/classic/trees/isolation_forest.h"
#include "athanor/classic/trees/shap.h"

namespace athanor {
namespace {

const nlohmann::json& fixture() {
  static const nlohmann::json json = [] {
    std::ifstream in(std::string(ATHANOR_SOURCE_DIR) + "/tests/fixtures/classic/trees.json");
    return nlohmann::json::parse(in);
  }();
  return json;
}

Matrix matrix_of(const nlohmann::json& values, uint64_t columns) {
  Matrix x = Matrix::dense(values.size() / columns, columns);
  for (size_t i = 0; i < values.size(); ++i) {
    x.values[i] = values[i].is_null() ? std::nan("") : values[i].get<double>();
  }
  return x;
}

Target target_of(const nlohmann::json& values, bool classes) {
  Target target;
  target.task = classes ? Task::kClasses : Task::kRegression;
  if (!classes) {
    target.values = values.get<std::vector<double>>();
    return target;
  }
  target.classes = values.get<std::vector<int32_t>>();
  for (int k = 0; k <= *std::max_element(target.classes.begin(), target.classes.end()); ++k) {
    target.labels.push_back(std::to_string(k));
  }
  return target;
}

void expect_near(const std::vector<double>& ours, const nlohmann::json& theirs, double within,
                 const std::string& what) {
  ASSERT_EQ(ours.size(), theirs.size()) << what;
  for (size_t i = 0; i < ours.size(); ++i) {
    ASSERT_NEAR(ours[i], theirs[i].get<double>(), within) << what << ", number " << i;
  }
}

TEST(TreesParity, DecisionTreesAreScikitLearns) {
  const Matrix x = matrix_of(fixture()["x"], 5);
  const Matrix test = matrix_of(fixture()["test"], 5);
  ThreadPool pool(2);
  FitContext context{pool};
  for (const auto& one : fixture()["trees"]) {
    const std::string what = one["name"].get<std::string>() + " " + one["options"].dump() +
                             (one["weighted"] ? ", weighted" : "");
    Target target = target_of(one["target"], one["task"] == "classes");
    if (one["weighted"]) {
      target.weights = fixture()["weights"].get<std::vector<double>>();
    }
    const auto model = make_model("tree", one["options"], target.task, "model");
    model->fit(x, target, context);
    const auto& tree = static_cast<const TreeModel&>(*model).trees();
    EXPECT_EQ(tree.leaves(), one["leaves"].get<uint64_t>()) << what;
    EXPECT_EQ(tree.depth_of(0), one["depth"].get<int>()) << what;
    expect_near(model->predict(test, pool).values, one["predicted"], 1e-12, what);
    expect_near(model->importances(nullptr), one["importances"], 1e-6, what);
  }
}

TEST(TreesParity, AdaBoostIsScikitLearns) {
  const Matrix x = matrix_of(fixture()["x"], 5);
  ThreadPool pool(1);
  FitContext context{pool};
  for (const auto& one : fixture()["adaboost"]) {
    const Target target = target_of(one["target"], true);
    const auto model =
        make_model("adaboost", {{"times", 12}, {"learning_rate", 0.7}}, Task::kClasses, "model");
    model->fit(x, target, context);
    expect_near(model->predict(matrix_of(fixture()["test"], 5), pool).values, one["predicted"],
                1e-9, one["name"]);
  }
}

TEST(TreesParity, AdaBoostOfValuesIsScikitLearns) {
  const Matrix x = matrix_of(fixture()["x"], 5);
  ThreadPool pool(2);
  for (const auto& one : fixture()["adaboost_of_values"]) {
    FitContext context{pool, 5};
    Target target = target_of(one["target"], false);
    if (one["weighted"]) {
      target.weights = fixture()["weights"].get<std::vector<double>>();
    }
    const nlohmann::json options{{"of", {{"kind", "tree"}, {"max_depth", 3}, {"min_samples_leaf", 8}}}, {"times", one["times"]},
                                 {"learning_rate", 0.8}, {"loss", one["loss"]}};
    const auto model = make_model("adaboost", options, Task::kRegression, "model");
    model->fit(x, target, context);
    const std::string what = options.dump() + (one["weighted"] ? ", weighted" : "");
    EXPECT_EQ(model->description({})["models"], one["models"]) << what;
    expect_near(model->predict(matrix_of(fixture()["test"], 5), pool).values, one["predicted"], 1e-9, what);
  }
}

TEST(TreesParity, IsolationScoresAreScikitLearns) {
  const auto& given = fixture()["isolation"];
  const Matrix test = matrix_of(fixture()["test"], 5);
  TreeSet trees;
  trees.columns = 5;
  for (const auto& tree : given["trees"]) {
    std::vector<std::pair<int, int32_t>> todo = {{0, trees.begin_tree()}};
    for (size_t at = 0; at < todo.size(); ++at) {
      const auto [from, to] = todo[at];
      if (tree["left"][from] < 0) {
        const double value = tree["value"][from];
        trees.make_leaf(to, {&value, 1});
        continue;
      }
      const int32_t left = trees.split(
          to, {tree["feature"][from].get<int32_t>(), tree["threshold"][from].get<double>()});
      todo.emplace_back(tree["left"][from].get<int>(), left);
      todo.emplace_back(tree["right"][from].get<int>(), left + 1);
    }
  }
  ThreadPool pool(1);
  Matrix depth = sum_of_trees(trees, test, 1.0 / static_cast<double>(trees.trees()), {}, pool);
  for (double& value : depth.values) {
    value = std::exp2(-value / mean_search_depth(given["sampled"].get<double>()));
  }
  expect_near(depth.values, given["scores"], 1e-9, "isolation");
}

// XGBoost's trees (x < t goes left, in floats) as a model of ours.
class Given : public TreeModel {
 public:
  explicit Given(const nlohmann::json& given) {
    trees_.columns = 5;
    trees_.groups = 3;
    for (const auto& tree : given["trees"]) {
      std::vector<std::pair<int, int32_t>> todo = {{0, trees_.begin_tree()}};
      for (size_t at = 0; at < todo.size(); ++at) {
        const auto [from, to] = todo[at];
        trees_.cover.own()[static_cast<size_t>(to)] = tree["cover"][from].get<float>();
        const auto threshold = tree["threshold"][from].get<float>();
        if (tree["left"][from] < 0) {
          const double value = threshold;
          trees_.make_leaf(to, {&value, 1});
          continue;
        }
        const int32_t left = trees_.split(
            to, {tree["feature"][from].get<int32_t>(), std::nextafter(threshold, -INFINITY),
                 tree["missing_left"][from].get<bool>()});
        todo.emplace_back(tree["left"][from].get<int>(), left);
        todo.emplace_back(tree["right"][from].get<int>(), left + 1);
      }
    }
  }
  void fit(const Matrix&, const Target&, FitContext&) override {}
  Matrix predict(const Matrix& x, ThreadPool& pool) const override {
    return sum_of_trees(trees_, x, 1, base_scores(), pool);
  }
  std::vector<double> base_scores() const override { return {0.5, 0.5, 0.5}; }
  double contribution_scale() const override { return 1; }
  nlohmann::json description(const std::vector<std::string>&) const override { return {}; }
  void save(SavedWriter&) const override {}
  void load(const SavedReader&) override {}
};

TEST(TreesParity, ContributionsAreXgboosts) {
  const auto& given = fixture()["shap"];
  const Given model(given);
  const Matrix test = matrix_of(given["test"], 5);
  ThreadPool pool(2);
  expect_near(model.predict(test, pool).values, given["margins"], 1e-5, "margins");
  const Contributions why = tree_contributions(model, test, pool);
  for (uint64_t r = 0; r < test.rows; ++r) {
    for (uint64_t k = 0; k < 3; ++k) {
      for (uint64_t c = 0; c < 6; ++c) {
        ASSERT_NEAR(why.of_output[k].at(r, c),
                    given["contributions"][(r * 3 + k) * 6 + c].get<double>(), 2e-5)
            << r << " " << k << " " << c;
      }
    }
  }
}

}  // namespace
}  // namespace athanor
