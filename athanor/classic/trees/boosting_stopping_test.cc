// Which rows tell boosting when to stop: those that it was given, else some of its own.
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/classic/table_estimator.h"
#include "athanor/classic/test_data.h"
#include "athanor/classic/trees/boosting.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

using tree_testing::Made;

// 300, 20 and 10 rows of three classes, and one of a fourth.
Made uneven_rows() {
  Made made = tree_testing::class_rows(331, 3, 4, 21);
  for (size_t r = 0; r < made.target.classes.size(); ++r) {
    made.target.classes[r] = r < 300 ? 0 : r < 320 ? 1 : r < 330 ? 2 : 3;
  }
  return made;
}

// The start scores are the logarithms of the classes' shares among the rows that were learnt from.
TEST(BoostingStopping, RowsAreHeldOutEvenlyOfEachClass) {
  const Made made = uneven_rows();
  ThreadPool pool(1);
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    FitContext context{.pool = pool, .seed = seed};
    Boosting model({.rounds = 1, .early_stopping = 1, .valid_share = 0.5}, Task::kClasses);
    model.fit(made.x, made.target, context);
    const auto base = model.base_scores();
    EXPECT_NEAR(150 * std::exp(base[1] - base[0]), 10, 1.1) << seed;
    EXPECT_NEAR(150 * std::exp(base[2] - base[0]), 5, 1.1) << seed;
    EXPECT_NEAR(150 * std::exp(base[3] - base[0]), 1, 0.1) << seed;  // a class's only row is learnt from
    const auto told = model.description({})["early_stopping"];
    EXPECT_EQ(told["trained_rows"].get<int>() + told["judged_rows"].get<int>(), 331);
    EXPECT_NEAR(told["judged_rows"].get<double>(), 165, 2);
    EXPECT_EQ(told["judged_by"], "held out");
  }
}

Table table_of(const Matrix& x) {
  Table table;
  table.rows = x.rows;
  for (uint64_t c = 0; c < x.columns; ++c) {
    TableColumn column{.name = "c" + std::to_string(c), .kind = ColumnKind::kNumber};
    for (uint64_t r = 0; r < x.rows; ++r) {
      column.numbers.push_back(x.at(r, c));
    }
    table.columns.push_back(std::move(column));
  }
  return table;
}

TEST(BoostingStopping, GivenRowsGoThroughTheFeaturesAndDecide) {
  Made made = tree_testing::smooth_rows(600, 3, 22);
  Made other = tree_testing::smooth_rows(200, 3, 23);
  for (size_t r = 0; r < made.target.values.size(); ++r) {
    made.target.values[r] += std::sin(1000.0 * static_cast<double>(r));  // noise to overfit
  }
  const Table table = table_of(made.x), watched_table = table_of(other.x);
  ThreadPool pool(1);
  FitContext context{.pool = pool, .seed = 1};
  EstimatorSpec spec{.kind = "boosting", .model = {{"rounds", 400}, {"early_stopping", 10}}, .task = Task::kRegression};
  spec.pipeline.features = nlohmann::json::parse(R"([{"columns": "numbers", "then": [{"scale": {"by": "zscore"}}]}])");
  const WatchedRows watched{watched_table, other.target};
  const auto estimator = TableEstimator::fit(table, made.target, spec, context, "fit", &watched);
  const auto told = estimator.description()["model"];
  const double rmse = tree_testing::rmse(estimator.predict(watched_table, pool).scores, other.target);
  EXPECT_NEAR(told["valid_loss"].get<double>(), rmse * rmse, 1e-9);
  EXPECT_LT(told["rounds"].get<int>(), 400);
  EXPECT_EQ(told["early_stopping"], (nlohmann::json{{"trained_rows", 600}, {"judged_rows", 200}, {"judged_by", "valid"}}));

  const fs::path dir = classic_test::scratch("stopping");
  estimator.save(dir, {});
  EXPECT_EQ(TableEstimator::open(dir).description()["model"], told);
  fs::remove_all(dir);

  const auto alone = TableEstimator::fit(table, made.target, spec, context).description()["model"];
  EXPECT_EQ(alone["early_stopping"]["judged_by"], "held out");
  EXPECT_LT(alone["early_stopping"]["trained_rows"], 600);
}

}  // namespace
}  // namespace athanor
