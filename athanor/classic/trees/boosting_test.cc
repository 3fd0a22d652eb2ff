#include "athanor/classic/trees/boosting.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/shap.h"
#include "athanor/classic/trees/tree_testing.h"
#include "athanor/classic/trees/tree_text.h"

namespace athanor {
namespace {

using tree_testing::Made;

TEST(Boosting, LearnsStepsAndProducts) {
  const Made made = tree_testing::smooth_rows(4000, 5, 1);
  ThreadPool pool(2);
  FitContext context{pool};
  const auto model = make_model("boosting", {{"rounds", 200}}, Task::kRegression, "model");
  model->fit(made.x, made.target, context);
  const Made fresh = tree_testing::smooth_rows(1000, 5, 2);
  const Matrix predicted = model->predict(fresh.x, pool);
  EXPECT_LT(tree_testing::rmse(predicted, fresh.target),
            0.25 * tree_testing::deviation(fresh.target));
}

TEST(Boosting, SameBytesForAnyThreadsAndAnyOrderOfRows) {
  Made made = tree_testing::smooth_rows(6000, 7, 3);
  for (uint64_t r = 0; r < made.x.rows; r += 7) {
    made.x.at(r, 2) = std::nan("");
  }
  for (const char* loss : {"squared", "absolute", "huber"}) {
    const nlohmann::json options = {{"rounds", 20}, {"loss", loss}};
    const auto one = tree_testing::fitted_bytes("boosting", options, made, 1);
    EXPECT_EQ(one, tree_testing::fitted_bytes("boosting", options, made, 4));
    EXPECT_EQ(one, tree_testing::fitted_bytes("boosting", options, tree_testing::shuffled(made), 3))
        << loss;
  }
  const nlohmann::json sampled = {
      {"rounds", 20}, {"rows", 0.5}, {"columns", 0.5}, {"early_stopping", 5}};
  EXPECT_EQ(tree_testing::fitted_bytes("boosting", sampled, made, 1),
            tree_testing::fitted_bytes("boosting", sampled, made, 4));
}

TEST(Boosting, ClassesGiveProbabilitiesThatSumToOne) {
  for (const int classes : {2, 3}) {
    const Made made = tree_testing::class_rows(1500, 4, classes, 5);
    ThreadPool pool(2);
    FitContext context{pool};
    const auto model = make_model("boosting", {{"rounds", 60}}, Task::kClasses, "model");
    model->fit(made.x, made.target, context);
    const Made fresh = tree_testing::class_rows(500, 4, classes, 6);
    const Matrix predicted = model->predict(fresh.x, pool);
    ASSERT_EQ(predicted.columns, static_cast<uint64_t>(classes));
    EXPECT_GT(tree_testing::accuracy(predicted, fresh.target), 0.9);
    for (uint64_t r = 0; r < predicted.rows; ++r) {
      EXPECT_NEAR(std::accumulate(predicted.row(r), predicted.row(r) + classes, 0.0), 1.0, 1e-12);
    }
  }
}

TEST(Boosting, SeveralLabelsARow) {
  Made made = tree_testing::class_rows(1500, 4, 2, 8);
  made.target.task = Task::kMultiLabel;
  made.target.labels = {"first", "low"};
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    made.target.marks.push_back(static_cast<uint8_t>(made.target.classes[r]));
    made.target.marks.push_back(made.x.at(r, 3) < -0.3 ? 1 : 0);
  }
  made.target.classes.clear();
  ThreadPool pool(1);
  FitContext context{pool};
  const auto model = make_model("boosting", {{"rounds", 30}}, Task::kMultiLabel, "model");
  model->fit(made.x, made.target, context);
  const Matrix predicted = model->predict(made.x, pool);
  int wrong = 0;
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    wrong += (predicted.at(r, 1) > 0.5) != (made.x.at(r, 3) < -0.3) ? 1 : 0;
  }
  EXPECT_LT(wrong, 10);
}

TEST(Boosting, MissingValuesGoToTheSideThatWins) {
  Made made = tree_testing::smooth_rows(2000, 2, 9);
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    if (r % 3 == 0) {
      made.x.at(r, 0) = std::nan("");
      made.target.values[r] = 100;
    }
  }
  ThreadPool pool(1);
  FitContext context{pool};
  const auto model = make_model("boosting", {{"rounds", 100}}, Task::kRegression, "model");
  model->fit(made.x, made.target, context);
  Matrix one = Matrix::dense(1, 2);
  one.at(0, 0) = std::nan("");
  EXPECT_NEAR(model->predict(one, pool).at(0, 0), 100, 1);
}

TEST(Boosting, NoLeafIsSmallerThanAsked) {
  const Made made = tree_testing::class_rows(700, 5, 2, 10);
  ThreadPool pool(1);
  FitContext context{pool};
  Boosting model({.rounds = 30, .min_samples_leaf = 40, .min_child_weight = 0}, Task::kClasses);
  model.fit(made.x, made.target, context);
  const TreeSet& trees = model.trees();
  for (uint64_t t = 0; t < trees.trees(); ++t) {
    std::map<int32_t, int> rows;
    for (uint64_t r = 0; r < made.x.rows; ++r) {
      ++rows[trees.leaf_for(t, made.x.row(r)).leaf()];
    }
    for (const auto& [leaf, count] : rows) {
      EXPECT_GE(count, 40) << "tree " << t;
    }
  }
}

TEST(Boosting, StopsWhenTheHeldOutLossRises) {
  Made made = tree_testing::smooth_rows(800, 3, 11);
  Rng rng(1);
  for (double& value : made.target.values) {
    value = rng.normal();
  }
  ThreadPool pool(1);
  FitContext context{pool};
  Boosting model({.rounds = 500, .early_stopping = 10}, Task::kRegression);
  model.fit(made.x, made.target, context);
  EXPECT_LT(model.trees().trees(), 40U);
  const auto& losses = model.valid_losses();
  const auto best = std::min_element(losses.begin(), losses.end()) - losses.begin();
  EXPECT_EQ(model.trees().trees(), static_cast<uint64_t>(best) + 1);

  const Made fresh = tree_testing::smooth_rows(300, 3, 12);
  Boosting watched({.rounds = 50, .early_stopping = 10}, Task::kRegression);
  watched.watch(&fresh.x, &fresh.target);
  watched.fit(made.x, made.target, context);
  EXPECT_FALSE(watched.valid_losses().empty());
}

TEST(Boosting, MonotoneFeaturesNeverTurn) {
  Made made = tree_testing::smooth_rows(3000, 3, 13);
  made.x.names = {"a", "b", "c"};
  ThreadPool pool(1);
  FitContext context{pool};
  for (const auto& [way, loss] : std::vector<std::pair<int, std::string>>{
           {1, "squared"}, {-1, "squared"}, {1, "huber"}, {-1, "huber"}}) {
    const auto model = make_model("boosting", {{"rounds", 50}, {"loss", loss}, {"monotone", {{"a", way}}}},
                                  Task::kRegression, "model");
    model->fit(made.x, made.target, context);
    Matrix line = Matrix::dense(200, 3);
    for (int place = 0; place < 5; ++place) {
      for (uint64_t r = 0; r < 200; ++r) {
        line.at(r, 0) = -2 + 0.02 * static_cast<double>(r);
        line.at(r, 1) = -1 + 0.5 * place;
        line.at(r, 2) = 0.3 * place;
      }
      const Matrix predicted = model->predict(line, pool);
      for (uint64_t r = 1; r < 200; ++r) {
        EXPECT_GE(way * (predicted.at(r, 0) - predicted.at(r - 1, 0)), -1e-12);
      }
    }
  }
}

// Its leaves are medians, which the bounds of the slopes do not hold.
TEST(Boosting, MonotoneFeaturesAreRefusedWithLossAbsolute) {
  Made made = tree_testing::smooth_rows(60, 2, 13);
  made.x.names = {"a", "b"};
  ThreadPool pool(1);
  FitContext context{pool};
  const auto model = make_model("boosting", {{"loss", "absolute"}, {"monotone", {{"a", 1}}}}, Task::kRegression, "m");
  const std::string told = tree_testing::message_of([&] { model->fit(made.x, made.target, context); });
  EXPECT_NE(told.find("'absolute' do not go together"), std::string::npos) << told;
}

TEST(Boosting, RowsOfWeightZeroAreAsIfAbsent) {
  Made made = tree_testing::smooth_rows(600, 3, 14);
  Made kept = made;
  std::vector<uint64_t> rows(500);
  std::iota(rows.begin(), rows.end(), uint64_t{0});
  kept.x = take_rows(made.x, rows);
  kept.target = take_rows(made.target, rows);
  kept.target.weights.assign(500, 2.0);
  made.target.weights.assign(600, 2.0);
  std::fill(made.target.weights.begin() + 500, made.target.weights.end(), 0.0);
  EXPECT_EQ(tree_testing::fitted_bytes("boosting", {{"rounds", 10}}, made, 1),
            tree_testing::fitted_bytes("boosting", {{"rounds", 10}}, kept, 1));
}

TEST(Boosting, PoissonLearnsRates) {
  Made made = tree_testing::smooth_rows(3000, 2, 15);
  Rng rng(3);
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    const double rate = made.x.at(r, 0) > 0 ? 6 : 1;
    double product = rng.uniform();
    double count = 0;
    for (; product > std::exp(-rate); ++count) {
      product *= rng.uniform();
    }
    made.target.values[r] = count;
  }
  ThreadPool pool(1);
  FitContext context{pool};
  const auto model = make_model(
      "boosting", {{"rounds", 60}, {"loss", "poisson"}, {"max_leaves", 4}}, Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  Matrix two = Matrix::dense(2, 2);
  two.at(0, 0) = -0.5;
  two.at(1, 0) = 0.5;
  const Matrix predicted = model->predict(two, pool);
  EXPECT_NEAR(predicted.at(0, 0), 1, 0.25);
  EXPECT_NEAR(predicted.at(1, 0), 6, 0.8);
  made.target.values[5] = -1;
  EXPECT_THROW(model->fit(made.x, made.target, context), Error);
}

TEST(Boosting, BadInputIsNamed) {
  Made made = tree_testing::smooth_rows(50, 2, 16);
  made.x.names = {"a", "b"};
  ThreadPool pool(1);
  FitContext context{pool};
  EXPECT_THROW(make_model("boosting", {{"loss", "softmax"}}, Task::kRegression, "m"), Error);
  EXPECT_THROW(make_model("boosting", {{"bins", 300}}, Task::kRegression, "m"), Error);
  const auto model = make_model("boosting", nlohmann::json::object(), Task::kRegression, "m");
  made.x.at(3, 1) = INFINITY;
  EXPECT_NE(tree_testing::message_of([&] { model->fit(made.x, made.target, context); }).find("'b'"),
            std::string::npos);
  made.x.at(3, 1) = 0;
  const auto monotone = make_model("boosting", {{"monotone", {{"bb", 1}}}}, Task::kRegression, "m");
  EXPECT_NE(
      tree_testing::message_of([&] { monotone->fit(made.x, made.target, context); }).find("'bb'"),
      std::string::npos);
}

TEST(Boosting, LeastTables) {
  ThreadPool pool(1);
  FitContext context{pool};
  Made made = tree_testing::smooth_rows(60, 3, 17);
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    made.x.at(r, 0) = 7;             // constant
    made.x.at(r, 1) = std::nan("");  // all missing
  }
  const auto model = make_model("boosting", {{"max_leaves", 1000}, {"min_samples_leaf", 1}},
                                Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  EXPECT_LT(tree_testing::rmse(model->predict(made.x, pool), made.target),
            tree_testing::deviation(made.target));

  Made one = tree_testing::class_rows(40, 3, 2, 18);
  std::fill(one.target.classes.begin(), one.target.classes.end(), 1);
  for (const auto& labels :
       {std::vector<std::string>{"no", "yes"}, std::vector<std::string>{"no", "yes", "never"}}) {
    one.target.labels = labels;
    const auto classes = make_model("boosting", nlohmann::json::object(), Task::kClasses, "m");
    classes->fit(one.x, one.target, context);
    EXPECT_GT(classes->predict(one.x, pool).at(0, 1), 0.99);
  }
  one.target.labels = {"yes"};
  std::fill(one.target.classes.begin(), one.target.classes.end(), 0);
  const auto single = make_model("boosting", nlohmann::json::object(), Task::kClasses, "m");
  single->fit(one.x, one.target, context);
  EXPECT_EQ(single->predict(one.x, pool).at(3, 0), 1);

  made.target.weights.assign(60, 0.0);
  EXPECT_NE(
      tree_testing::message_of([&] { model->fit(made.x, made.target, context); }).find("weights"),
      std::string::npos);
}

// Code 0 to 39 stands in column 1; what it adds has nothing to do with its size.
Made category_rows(uint64_t rows, uint64_t seed) {
  Made made = tree_testing::smooth_rows(rows, 3, seed);
  made.x.names = {"size", "kind", "rest"};
  for (uint64_t r = 0; r < rows; ++r) {
    const uint64_t code = random_at(seed, 1, r) % 40;
    made.x.at(r, 1) = r % 50 == 0 ? std::nan("") : static_cast<double>(code);
    made.target.values[r] = 0.2 * made.x.at(r, 0) + (r % 50 != 0 && mix64(code) % 2 == 0 ? 3 : 0);
  }
  return made;
}

TEST(Boosting, CategoriesAreSplitBySets) {
  const Made made = category_rows(4000, 19);
  ThreadPool pool(2);
  FitContext context{pool};
  const nlohmann::json plain{{"max_leaves", 4}, {"rounds", 30}, {"rows", 0.9}};
  nlohmann::json sets = plain;
  sets["categories"] = {"kind"};
  const auto numbers = make_model("boosting", plain, Task::kRegression, "m");
  const auto model = make_model("boosting", sets, Task::kRegression, "m");
  numbers->fit(made.x, made.target, context);
  model->fit(made.x, made.target, context);
  const Matrix said = model->predict(made.x, pool);
  EXPECT_LT(tree_testing::rmse(said, made.target),
            0.25 * tree_testing::rmse(numbers->predict(made.x, pool), made.target));
  // A category never seen goes where a missing one goes.
  Matrix odd = made.x;
  Matrix gaps = made.x;
  for (uint64_t r = 0; r < odd.rows; ++r) {
    odd.at(r, 1) = r % 2 == 0 ? 77 : 3.5;
    gaps.at(r, 1) = std::nan("");
  }
  EXPECT_EQ(model->predict(odd, pool).values, model->predict(gaps, pool).values);
  EXPECT_EQ(tree_testing::reloaded(*model, "boosting", sets, Task::kRegression)->predict(made.x, pool).values,
            said.values);
  EXPECT_EQ(tree_testing::fitted_bytes("boosting", sets, made, 1), tree_testing::fitted_bytes("boosting", sets, made, 3));
  // Explained: contributions add up to the answer.
  const auto& trees = static_cast<const TreeModel&>(*model);
  const Contributions told = tree_contributions(trees, made.x, pool);
  for (uint64_t r = 0; r < 50; ++r) {
    double sum = 0;
    for (uint64_t c = 0; c < 4; ++c) {
      sum += told.of_output[0].at(r, c);
    }
    EXPECT_NEAR(sum, said.at(r, 0), 1e-9);
  }
  EXPECT_NE(tree_text(trees.trees(), 0, made.x.names, {}, 3).find("kind in {"), std::string::npos);
}

TEST(Boosting, CategoriesWithHeldOutRowsAndManyLevels) {
  Made made = category_rows(3000, 20);
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    made.x.at(r, 2) = static_cast<double>(random_at(5, r) % 900);  // more than there are bins
  }
  ThreadPool pool(2);
  FitContext context{pool};
  const nlohmann::json options{{"categories", {"kind", "rest"}}, {"early_stopping", 3}, {"rounds", 200}};
  const auto model = make_model("boosting", options, Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  EXPECT_LT(tree_testing::rmse(model->predict(made.x, pool), made.target), 0.3);
  EXPECT_EQ(tree_testing::reloaded(*model, "boosting", options, Task::kRegression)->predict(made.x, pool).values,
            model->predict(made.x, pool).values);
  const auto wrong = [&](const nlohmann::json& given) {
    return tree_testing::message_of(
        [&] { make_model("boosting", given, Task::kRegression, "fit.model")->fit(made.x, made.target, context); });
  };
  EXPECT_NE(wrong({{"categories", {"kinds"}}}).find("'kinds'"), std::string::npos);
  EXPECT_NE(wrong({{"categories", 3}}).find("fit.model.categories"), std::string::npos);
  EXPECT_NE(wrong({{"categories", {"kind"}}, {"monotone", {{"size", 1}}}}).find("do not go together"), std::string::npos);
}

}  // namespace
}  // namespace athanor
