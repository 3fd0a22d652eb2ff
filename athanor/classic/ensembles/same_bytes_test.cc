// Every kind of model, every task it knows: the same stored bytes with 1, 2 and 8 threads, and again from a model that was
// stored and opened.
#include <gtest/gtest.h>

#include "athanor/classic/models/model.h"
#include "athanor/classic/models/saved_bytes.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

// Small where a kind is slow; rows enough that work is shared out.
nlohmann::json options_of(const std::string& kind) {
  static const nlohmann::json given = {
      {"forest", {{"trees", 6}, {"out_of_bag", true}}}, {"extra_trees", {{"trees", 6}}},
      {"boosting", {{"rounds", 6}, {"rows", 0.8}, {"columns", 0.8}}},
      {"isolation_forest", {{"trees", 10}}}, {"kmeans", {{"clusters", 5}, {"starts", 2}}},
      {"gaussian_mixture", {{"components", 3}, {"max_iterations", 10}}}, {"dbscan", {{"radius", 0.5}}},
      {"svm", {{"tolerance", 0.1}}}, {"perceptron", {{"epochs", 5}}}, {"sgd", {{"epochs", 5}}},
      {"linear_svm", {{"max_iterations", 20}}}, {"adaboost", {{"times", 4}}},
      {"bagging", {{"of", {{"kind", "tree"}}}, {"times", 3}}},
      {"voting", {{"of", {{{"kind", "tree"}}, {{"kind", "boosting"}, {"rounds", 3}}}}}},
      {"stacking", {{"of", {{{"kind", "tree"}}, {{"kind", "boosting"}, {"rounds", 3}}}}, {"folds", 3}}},
      {"calibrated", {{"of", {{"kind", "boosting"}, {"rounds", 3}}}, {"folds", 3}}}};
  return given.value(kind, nlohmann::json::object());
}

std::string bytes_of(const ClassicModel& model, const std::string& kind, const nlohmann::json& options, Task task,
                     const fs::path& dir) {
  SavedWriter out;
  save_model(model, kind, options, task, out);
  out.write(dir);
  return stored_bytes(dir);
}

TEST(SavedModels, SameBytesForAnyThreadsAndOnceMoreWhenOpened) {
  const auto dir = fs::temp_directory_path() / ("athanor_same_bytes." + std::to_string(getpid()));
  fs::create_directories(dir);
  const auto classes = tree_testing::class_rows(2200, 12, 3, 5);
  const auto values = tree_testing::smooth_rows(2200, 12, 6);
  for (const auto& kind : model_kinds()) {
    for (const Task task : kind.tasks) {
      SCOPED_TRACE(std::string(kind.name) + ", " + name_of(task));
      const auto& made = task == Task::kRegression ? values : classes;
      Target target = made.target;
      target.task = task;
      if (task == Task::kMultiLabel) {
        target.labels = {"low", "even"};
        for (const int32_t k : made.target.classes) {
          target.marks.insert(target.marks.end(), {static_cast<uint8_t>(k == 0), static_cast<uint8_t>(k != 1)});
        }
      }
      if (task != Task::kClasses) {
        target.classes.clear();
      }
      if (task == Task::kClusters || task == Task::kAnomaly) {
        target.labels.clear();
      }
      const nlohmann::json options = options_of(kind.name);
      std::string first;
      for (const int threads : {1, 2, 8}) {
        ThreadPool pool(threads);
        FitContext context{pool, 42};
        const auto model = make_model(kind.name, options, task, "model");
        model->fit(made.x, target, context);
        const std::string bytes = bytes_of(*model, kind.name, options, task, dir);
        first = first.empty() ? bytes : first;
        ASSERT_TRUE(bytes == first) << threads << " threads";
      }
      const auto opened = load_model(SavedReader::open(dir));
      ASSERT_TRUE(bytes_of(*opened, kind.name, options, task, dir) == first);
    }
  }
  fs::remove_all(dir);
}

}  // namespace
}  // namespace athanor
