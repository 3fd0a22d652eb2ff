#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/ensembles/member.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

using tree_testing::Made;

const nlohmann::json kTwo = {{{"kind", "tree"}, {"max_depth", 5}},
                             {{"kind", "boosting"}, {"rounds", 10}}};

// Kind and options of each ensemble, small.
std::vector<std::pair<std::string, nlohmann::json>> ensembles() {
  return {
      {"bagging", {{"of", {{"kind", "tree"}, {"max_depth", 6}}}, {"times", 5}, {"columns", 0.75}}},
      {"voting", {{"of", kTwo}, {"weights", {1.0, 2.0}}}},
      {"voting", {{"of", kTwo}, {"vote", "hard"}}},
      {"stacking",
       {{"of", kTwo},
        {"folds", 3},
        {"passthrough", true},
        {"final", {{"kind", "forest"}, {"trees", 20}}}}},
      {"bagging",
       {{"of", {{"kind", "voting"}, {"of", kTwo}}},
        {"times", 2},
        {"bootstrap", false},
        {"rows", 0.8}}}};
}

TEST(Ensembles, LearnAndAreStored) {
  const Made classes = tree_testing::class_rows(500, 4, 3, 40);
  const Made values = tree_testing::smooth_rows(500, 4, 41);
  ThreadPool pool(2);
  for (const auto& [kind, options] : ensembles()) {
    for (const Made* made : {&classes, &values}) {
      FitContext context{pool, 3};
      const auto model = make_model(kind, options, made->target.task, "model");
      model->fit(made->x, made->target, context);
      const Matrix predicted = model->predict(made->x, pool);
      if (made == &classes) {
        EXPECT_TRUE(model->gives_probabilities());
        EXPECT_GT(tree_testing::accuracy(predicted, made->target), 0.93) << kind << options;
        for (uint64_t r = 0; r < predicted.rows; ++r) {
          EXPECT_NEAR(predicted.at(r, 0) + predicted.at(r, 1) + predicted.at(r, 2), 1, 1e-9);
        }
      } else {
        EXPECT_LT(tree_testing::rmse(predicted, made->target),
                  0.8 * tree_testing::deviation(made->target))
            << kind << options;
      }
      const auto again = tree_testing::reloaded(*model, kind, options, made->target.task);
      EXPECT_EQ(again->predict(made->x, pool).values, predicted.values) << kind;
    }
    EXPECT_EQ(tree_testing::fitted_bytes(kind, options, classes, 1),
              tree_testing::fitted_bytes(kind, options, classes, 3))
        << kind;
  }
}

TEST(Ensembles, AdaBoostOfStumpsBeatsAStump) {
  Made made = tree_testing::class_rows(600, 3, 3, 42);
  ThreadPool pool(2);
  FitContext context{pool};
  const auto stump = make_model("tree", {{"max_depth", 1}}, Task::kClasses, "m");
  stump->fit(made.x, made.target, context);
  const auto boosted = make_model("adaboost", nlohmann::json::object(), Task::kClasses, "m");
  boosted->fit(made.x, made.target, context);
  EXPECT_GT(tree_testing::accuracy(boosted->predict(made.x, pool), made.target),
            tree_testing::accuracy(stump->predict(made.x, pool), made.target) + 0.2);
  const auto again =
      tree_testing::reloaded(*boosted, "adaboost", nlohmann::json::object(), Task::kClasses);
  EXPECT_EQ(again->predict(made.x, pool).values, boosted->predict(made.x, pool).values);
  // One class: nothing to get wrong.
  std::fill(made.target.classes.begin(), made.target.classes.end(), 2);
  boosted->fit(made.x, made.target, context);
  EXPECT_GT(boosted->predict(made.x, pool).at(0, 2), 0.5);
}

TEST(Ensembles, ErrorsNameThePlace) {
  const auto place = [](const std::string& kind, const nlohmann::json& options,
                        Task task = Task::kClasses) {
    return tree_testing::message_of([&] { make_model(kind, options, task, "fit.model"); });
  };
  EXPECT_EQ(
      place("bagging", {{"of", {{"kind", "tree"}, {"max_dept", 3}}}}).find("fit.model.of.max_dept"),
      0U);
  EXPECT_EQ(place("bagging", {{"of", {{"kind", "treee"}}}}).find("fit.model.of.kind"), 0U);
  EXPECT_EQ(place("voting", {{"of", {"tree", {{"kind", "boosting"}, {"loss", "squared"}}}}})
                .find("fit.model.of[1].loss"),
            0U);
  EXPECT_EQ(place("voting", {{"of", kTwo}, {"weights", {1.0}}}).find("fit.model.weights"), 0U);
  EXPECT_EQ(place("voting", {{"of", nlohmann::json::array()}}).find("fit.model.of"), 0U);
  EXPECT_EQ(place("stacking", {{"of", kTwo}, {"final", 3}}).find("fit.model.final"), 0U);
  EXPECT_NE(place("adaboost", nlohmann::json::object(), Task::kClusters), "");
  nlohmann::json deep = {{"kind", "tree"}};
  for (int i = 0; i < 40; ++i) {
    deep = {{"kind", "bagging"}, {"of", deep}};
  }
  EXPECT_NE(place("bagging", {{"of", deep}}).find("nested"), std::string::npos);
  EXPECT_TRUE(all_members_split({{"of", kTwo}}));
  EXPECT_TRUE(all_members_split({{"of", {{"kind", "voting"}, {"of", kTwo}}}}));
  EXPECT_FALSE(all_members_split({{"of", {{"kind", "nothing"}}}}));
}

TEST(Ensembles, AdaBoostOfValuesBeatsOneOfItsTrees) {
  const Made made = tree_testing::smooth_rows(1200, 4, 60);
  const Made fresh = tree_testing::smooth_rows(600, 4, 61);
  ThreadPool pool(2);
  FitContext context{pool, 1};
  const auto tree = make_model("tree", {{"max_depth", 3}}, Task::kRegression, "m");
  tree->fit(made.x, made.target, context);
  const auto boosted = make_model("adaboost", nlohmann::json::object(), Task::kRegression, "m");
  boosted->fit(made.x, made.target, context);
  EXPECT_LT(tree_testing::rmse(boosted->predict(fresh.x, pool), fresh.target),
            0.9 * tree_testing::rmse(tree->predict(fresh.x, pool), fresh.target));
  const auto again = tree_testing::reloaded(*boosted, "adaboost", nlohmann::json::object(), Task::kRegression);
  EXPECT_EQ(again->predict(fresh.x, pool).values, boosted->predict(fresh.x, pool).values);
  EXPECT_EQ(tree_testing::fitted_bytes("adaboost", {{"times", 5}}, made, 1), tree_testing::fitted_bytes("adaboost", {{"times", 5}}, made, 3));

  Made exact = made;  // a tree that is right on all its rows ends it
  std::fill(exact.target.values.begin(), exact.target.values.end(), 2.5);
  boosted->fit(exact.x, exact.target, context);
  EXPECT_EQ(boosted->description({})["models"], 1);
  EXPECT_EQ(boosted->predict(fresh.x, pool).at(0, 0), 2.5);
}

TEST(Ensembles, AdaBoostOfLabelsIsOneOfEach) {
  const Made made = tree_testing::class_rows(500, 4, 3, 62);
  Made several = made;
  several.target.task = Task::kMultiLabel;
  several.target.labels = {"low", "never", "not high"};
  several.target.classes.clear();
  for (const int32_t c : made.target.classes) {
    several.target.marks.insert(several.target.marks.end(), {static_cast<uint8_t>(c == 0), 0, static_cast<uint8_t>(c < 2)});
  }
  ThreadPool pool(2);
  FitContext context{pool, 1};
  const nlohmann::json options = {{"times", 10}};
  const auto model = make_model("adaboost", options, Task::kMultiLabel, "m");
  model->fit(several.x, several.target, context);
  const Matrix said = model->predict(several.x, pool);
  uint64_t right = 0;
  for (uint64_t i = 0; i < said.values.size(); ++i) {
    right += (said.values[i] > 0.5) == (several.target.marks[i] == 1) ? 1 : 0;
  }
  EXPECT_GT(static_cast<double>(right), 0.97 * static_cast<double>(said.values.size()));
  const auto again = tree_testing::reloaded(*model, "adaboost", options, Task::kMultiLabel);
  EXPECT_EQ(again->predict(several.x, pool).values, said.values);
}

}  // namespace
}  // namespace athanor
