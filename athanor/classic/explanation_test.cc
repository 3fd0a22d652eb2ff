// Importance by shuffling and partial dependence: of the table's own columns, through features and model.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/partial_dependence.h"
#include "athanor/classic/permutation_importance.h"
#include "athanor/classic/trees/tree_testing.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

Table table_of(const Matrix& x) {
  Table table;
  table.rows = x.rows;
  for (uint64_t c = 0; c < x.columns; ++c) {
    table.columns.push_back(number_column("x" + std::to_string(c), {}));
    for (uint64_t r = 0; r < x.rows; ++r) {
      table.columns.back().numbers.push_back(x.at(r, c));
    }
  }
  return table;
}

struct Fitted {
  Table table;
  Target target;
  TableEstimator estimator;
};

TableEstimator fitted(const Table& table, const Target& target, const std::string& kind, const nlohmann::json& model, ThreadPool& pool) {
  FitContext context{pool, 1};
  EstimatorSpec spec;
  spec.kind = kind;
  spec.model = model;
  spec.task = target.task;
  return TableEstimator::fit(table, target, spec, context);
}

Fitted penguins(const nlohmann::json& all, const nlohmann::json& one, ThreadPool& pool) {
  Table table;
  for (const std::string name : one["numbers"]) {
    table.columns.push_back(number_column(name, all["table"][name].get<std::vector<double>>()));
  }
  for (const std::string name : one["categories"]) {
    table.columns.push_back(category_column(name, all["table"][name].get<std::vector<std::string>>()));
  }
  const auto& column = all["table"][one["target"].get<std::string>()];
  table.rows = column.size();
  Target target;
  if (column[0].is_number()) {
    target.task = Task::kRegression;
    target.values = column.get<std::vector<double>>();
  } else {
    const TableColumn classes = category_column("", column.get<std::vector<std::string>>());
    target.labels = classes.levels;
    target.classes = classes.codes;
  }
  TableEstimator estimator = fitted(table, target, one["kind"], one["model"], pool);
  return {std::move(table), std::move(target), std::move(estimator)};
}

nlohmann::json explanations() {
  return nlohmann::json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/classic/explanations.json", 1 << 20));
}

TEST(Explanation, ShufflesTheTablesColumnsAsAPipelineOfScikitLearn) {
  ThreadPool pool(2);
  const auto all = explanations();
  for (const auto& one : all["cases"]) {
    const Fitted made = penguins(all, one, pool);
    EXPECT_NEAR(usual_score(made.estimator.predict(made.table, pool).scores, made.target), one["score"].get<double>(), 1e-6);
    const PermutationOptions options{.times = one["times"].get<int>(), .seed = one["seed"].get<uint64_t>()};
    const auto losses = permutation_importance(made.estimator, made.table, made.target, usual_score, options, pool);
    ASSERT_EQ(losses.size(), one["importance"].size());
    const auto many = permutation_importance(made.estimator, made.table, made.target, usual_score, {.times = 200, .seed = 1}, pool);
    for (size_t i = 0; i < losses.size(); ++i) {
      const auto& wanted = one["importance"][losses[i].column.name];
      EXPECT_NEAR(losses[i].mean, wanted["mean"].get<double>(), 1e-6) << one["name"] << " " << losses[i].column.name;
      EXPECT_NEAR(losses[i].spread, wanted["spread"].get<double>(), 1e-6) << one["name"] << " " << losses[i].column.name;
      const double error = wanted["peer_spread"].get<double>() * std::sqrt(1.0 / 200 + 1.0 / 400);
      EXPECT_NEAR(many[i].mean, wanted["peer_mean"].get<double>(), 4 * error) << one["name"] << " " << losses[i].column.name;
    }
  }
}

TEST(Explanation, DependenceIsOverTheTablesValuesAsAPipelineOfScikitLearn) {
  ThreadPool pool(2);
  const auto all = explanations();
  for (const auto& one : all["cases"]) {
    const Fitted made = penguins(all, one, pool);
    size_t seen = 0;
    for (const ExplainedColumn& column : explained_columns(made.estimator.pipeline(), made.table, 10)) {
      if (!one["dependence"].contains(column.name)) {
        continue;
      }
      ++seen;
      const auto& wanted = one["dependence"][column.name];
      const PartialDependence found = partial_dependence(made.estimator, made.table, {column}, {.points = 1000}, pool);
      const nlohmann::json values = found.names[0].empty() ? nlohmann::json(found.grid[0]) : nlohmann::json(found.names[0]);
      EXPECT_EQ(values, wanted["values"]) << one["name"] << " " << column.name;
      ASSERT_EQ(found.mean.rows, wanted["mean"].size());
      for (uint64_t point = 0; point < found.mean.rows; ++point) {
        for (uint64_t k = 0; k < found.mean.columns; ++k) {
          const double mean = wanted["mean"][point][k].get<double>();
          EXPECT_NEAR(found.mean.at(point, k), mean, 1e-6 * std::max(1.0, std::abs(mean))) << one["name"] << " " << column.name;
        }
      }
    }
    EXPECT_EQ(seen, one["dependence"].size());
  }
}

TEST(Explanation, IsTheSameForAnyNumberOfThreads) {
  ThreadPool one(1);
  ThreadPool four(4);
  const auto rows = tree_testing::smooth_rows(700, 4, 44);
  const Table table = table_of(rows.x);
  const auto estimator = fitted(table, rows.target, "boosting", {{"rounds", 20}}, one);
  const auto a = permutation_importance(estimator, table, rows.target, usual_score, {.times = 2, .max_rows = 400}, one);
  const auto b = permutation_importance(estimator, table, rows.target, usual_score, {.times = 2, .max_rows = 400}, four);
  ASSERT_EQ(a.size(), 4U);
  for (size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].mean, b[i].mean);
    EXPECT_EQ(a[i].spread, b[i].spread);
  }
  const auto curve = [&](ThreadPool& pool) {
    return partial_dependence(estimator, table, {a[0].column}, {.points = 9}, pool).mean.values;
  };
  EXPECT_EQ(curve(one), curve(four));
}

TEST(Explanation, FindsWhatMatters) {
  ThreadPool pool(2);
  const auto rows = tree_testing::smooth_rows(1500, 4, 44);
  const auto estimator = fitted(table_of(rows.x), rows.target, "boosting", nlohmann::json::object(), pool);
  const auto fresh = tree_testing::smooth_rows(800, 4, 45);
  const auto losses = permutation_importance(estimator, table_of(fresh.x), fresh.target, usual_score, {.times = 3, .seed = 1}, pool);
  EXPECT_GT(losses[0].mean, 0.5);
  EXPECT_GT(losses[1].mean, 0.1);
  EXPECT_NEAR(losses[2].mean, 0, 0.02);
  EXPECT_LT(losses[0].spread, 0.2);
  EXPECT_GT(losses[0].spread, 0);
  const auto curve = partial_dependence(estimator, table_of(rows.x), {losses[0].column}, {.points = 21}, pool);
  ASSERT_EQ(curve.grid[0].size(), 21U);
  EXPECT_NEAR(curve.mean.at(20, 0) - curve.mean.at(0, 0), 3, 0.6);
  const auto both = partial_dependence(estimator, table_of(rows.x), {losses[0].column, losses[1].column}, {.points = 5, .max_rows = 200}, pool);
  EXPECT_EQ(both.mean.rows, 25U);
}

// A feature that several groups read, a text, and a pipeline that mixes all columns in the end.
TEST(Explanation, GoesThroughTextsAndWhateverMixesColumns) {
  ThreadPool pool(2);
  Table table;
  table.rows = 400;
  Target target;
  target.labels = {"no", "yes"};
  std::vector<std::string> texts;
  std::vector<double> numbers;
  for (uint64_t r = 0; r < table.rows; ++r) {
    const bool good = random_at(3, r) % 2 == 0;
    target.classes.push_back(good ? 1 : 0);
    texts.push_back((good ? "a fine day number " : "a sad day number ") + std::to_string(r % 7));
    numbers.push_back(to_unit(random_at(4, r)));
  }
  table.columns = {text_column("says", texts), number_column("noise", numbers)};
  FitContext context{pool, 1};
  EstimatorSpec spec;
  spec.kind = "logistic";
  spec.pipeline.features = nlohmann::json::parse(
      R"([{"columns": ["says"], "encode": "tfidf"}, {"columns": ["noise"]}, {"columns": ["noise"], "then": [{"scale": {"by": "minmax"}}]}])");
  spec.pipeline.reduce = nlohmann::json::parse(R"([{"truncated_svd": {"components": 4}}])");
  const auto estimator = TableEstimator::fit(table, target, spec, context);
  const auto losses = permutation_importance(estimator, table, target, usual_score, {}, pool);
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].column.name, "says");
  EXPECT_GT(losses[0].mean, 0.3);
  EXPECT_LT(std::abs(losses[1].mean), 0.05);
  EXPECT_THROW(partial_dependence(estimator, table, {losses[0].column}, {}, pool), Error);
  EXPECT_THROW(partial_dependence(estimator, table, {}, {}, pool), Error);
  EXPECT_EQ(partial_dependence(estimator, table, {losses[1].column}, {.points = 3}, pool).mean.rows, 3U);
}

TEST(Explanation, EachFeatureOfASparseColumnStandsAlone) {
  ThreadPool pool(2);
  Table table;
  table.rows = 300;
  TableColumn column;
  column.name = "text";
  column.kind = ColumnKind::kSparse;
  column.width = 6;
  Target target;
  target.task = Task::kRegression;
  for (uint64_t r = 0; r < table.rows; ++r) {
    const double two = random_at(5, r) % 3 == 0 ? 1.5 : 0;
    if (random_at(6, r) % 2 == 0) {
      column.sparse.indices.push_back(1);
      column.sparse.values.push_back(1);
    }
    if (two != 0) {
      column.sparse.indices.push_back(2);
      column.sparse.values.push_back(two);
    }
    if (r == 7) {
      column.sparse.indices.push_back(5);
      column.sparse.values.push_back(9);
    }
    column.sparse.offsets.push_back(column.sparse.indices.size());
    target.values.push_back(2 * two);
  }
  table.columns = {column};
  const auto estimator = fitted(table, target, "ridge", {{"alpha", 1e-6}}, pool);
  const auto losses = permutation_importance(estimator, table, target, usual_score, {.most_sparse = 2}, pool);
  ASSERT_EQ(losses.size(), 2U);
  EXPECT_EQ(losses[0].column.name, "text[1]");
  EXPECT_NEAR(losses[0].mean, 0, 1e-6);
  EXPECT_EQ(losses[1].column.name, "text[2]");
  EXPECT_GT(losses[1].mean, 1);
  const auto curve = partial_dependence(estimator, table, {losses[1].column}, {}, pool);
  ASSERT_EQ(curve.grid[0], (std::vector<double>{0, 1.5}));
  EXPECT_NEAR(curve.mean.at(0, 0), 0, 1e-4);
  EXPECT_NEAR(curve.mean.at(1, 0), 3, 1e-4);

  Table shuffled = table;
  shuffle_column(shuffled, losses[1].column, 12);
  const auto& values = shuffled.columns[0].sparse;
  EXPECT_EQ(values.indices.size(), column.sparse.indices.size());
  EXPECT_NE(values.offsets, column.sparse.offsets);
  for (uint64_t r = 0; r < table.rows; ++r) {
    EXPECT_TRUE(std::is_sorted(values.indices.begin() + static_cast<ptrdiff_t>(values.offsets[r]),
                               values.indices.begin() + static_cast<ptrdiff_t>(values.offsets[r + 1])));
  }
}

TEST(Explanation, AColumnThatIsNotThereIsNamed) {
  ThreadPool pool(1);
  const auto rows = tree_testing::smooth_rows(100, 2, 9);
  Table table = table_of(rows.x);
  const auto estimator = fitted(table, rows.target, "ridge", nlohmann::json::object(), pool);
  table.columns.pop_back();
  try {
    explained_columns(estimator.pipeline(), table, 1);
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("x1"), std::string::npos);
  }
}

}  // namespace
}  // namespace athanor
