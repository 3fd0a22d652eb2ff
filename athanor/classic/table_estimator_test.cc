// Estimators of whole tables: categories that reach boosting wherever it stands; a million sparse columns.
#include "athanor/classic/table_estimator.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <ctime>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/machine.h"
#include "athanor/base/rng.h"
#include "athanor/base/text.h"
#include "athanor/classic/test_data.h"
#include "athanor/data/readers/readers.h"
#include "athanor/data/tables/read_table.h"

namespace athanor {
namespace {

struct Rows {
  Table table;
  Target target;
};

// 60 kinds, half of which add 3: what a kind adds has nothing to do with its place among the others.
Rows kinds_of_things(uint64_t rows, Task task) {
  Rows out;
  out.table.rows = rows;
  TableColumn kind, size;
  kind.name = "kind";
  kind.kind = ColumnKind::kCategory;
  size.name = "size";
  for (int i = 0; i < 60; ++i) {
    kind.levels.push_back(std::string(1, static_cast<char>('A' + i / 10)) + std::to_string(i % 10));
  }
  out.target.task = task;
  out.target.labels = task == Task::kClasses ? std::vector<std::string>{"no", "yes"} : std::vector<std::string>{};
  for (uint64_t r = 0; r < rows; ++r) {
    const uint64_t code = random_at(1, r) % 60;
    const bool adds = mix64(code) % 2 == 0;
    kind.codes.push_back(static_cast<int32_t>(code));
    size.numbers.push_back(to_unit(random_at(2, r)));
    if (task == Task::kClasses) {
      out.target.classes.push_back(adds ? 1 : 0);
    } else {
      out.target.values.push_back((adds ? 3 : 0) + 0.2 * size.numbers.back());
    }
  }
  out.table.columns = {kind, size};
  return out;
}

double error_of(const TableEstimator& estimator, const Rows& rows, ThreadPool& pool) {
  const TableAnswers answers = estimator.predict(rows.table, pool);
  double sum = 0;
  for (uint64_t r = 0; r < rows.table.rows; ++r) {
    const double far = answers.values.empty() ? 1 - answers.scores.at(r, static_cast<uint64_t>(rows.target.classes[r]))
                                              : answers.values[r] - rows.target.values[r];
    sum += far * far;
  }
  return std::sqrt(sum / static_cast<double>(rows.table.rows));
}

TEST(TableEstimator, BoostingInsideOthersKnowsTheCategories) {
  ThreadPool pool(2);
  struct Nest {
    const char* kind;
    Task task;
    nlohmann::json (*around)(const nlohmann::json& boosting);
  };
  for (const Nest& nest : std::initializer_list<Nest>{
           {"bagging", Task::kRegression,
            [](const nlohmann::json& of) { return nlohmann::json{{"of", of}, {"times", 4}, {"bootstrap", false}}; }},
           {"voting", Task::kRegression, [](const nlohmann::json& of) { return nlohmann::json{{"of", {of, of}}}; }},
           {"stacking", Task::kRegression, [](const nlohmann::json& of) { return nlohmann::json{{"of", {of}}, {"folds", 2}}; }},
           {"calibrated", Task::kClasses, [](const nlohmann::json& of) { return nlohmann::json{{"of", of}, {"folds", 2}}; }},
           {"adaboost", Task::kClasses, [](const nlohmann::json& of) { return nlohmann::json{{"of", of}, {"times", 2}}; }},
           {"bagging", Task::kClasses, [](const nlohmann::json& of) {
              return nlohmann::json{{"of", {{"kind", "calibrated"}, {"of", of}, {"folds", 2}}}, {"times", 2}};
            }}}) {
    const Rows rows = kinds_of_things(1500, nest.task);
    double errors[2];
    for (const bool by_sets : {false, true}) {
      nlohmann::json boosting{{"kind", "boosting"}, {"rounds", 12}, {"max_leaves", 3}, {"learning_rate", 0.3}};
      if (!by_sets) {
        boosting["categories"] = nlohmann::json::array();
      }
      EstimatorSpec spec;
      spec.kind = nest.kind;
      spec.model = nest.around(boosting);
      spec.task = nest.task;
      FitContext context{pool, 3};
      const auto estimator = TableEstimator::fit(rows.table, rows.target, spec, context);
      errors[by_sets ? 1 : 0] = error_of(estimator, rows, pool);
      EXPECT_TRUE(context.categories.empty());
      const auto dir = classic_test::scratch("nested");
      estimator.save(dir, {});
      EXPECT_EQ(TableEstimator::open(dir).predict(rows.table, pool).scores.values,
                estimator.predict(rows.table, pool).scores.values)
          << nest.kind;
      fs::remove_all(dir);
    }
    EXPECT_LT(errors[1], 0.6 * errors[0]) << nest.kind << " " << name_of(nest.task);
  }
}

// Each member sees some of the features only.
TEST(TableEstimator, CategoriesThatAMemberDoesNotSeeAreNoError) {
  const Rows rows = kinds_of_things(300, Task::kRegression);
  ThreadPool pool(1);
  EstimatorSpec spec;
  spec.kind = "bagging";
  spec.model = {{"of", {{"kind", "boosting"}, {"rounds", 2}}}, {"columns", 0.5}, {"times", 6}};
  spec.task = Task::kRegression;
  FitContext context{pool, 3};
  EXPECT_NO_THROW(TableEstimator::fit(rows.table, rows.target, spec, context));
}

Table read_libsvm_text(const std::string& text) {
  TableOptions options;
  options.format = "libsvm";
  TableReader reader(options);
  for (const auto& line : split_text(text, '\n')) {
    if (!line.empty()) {
      Document document;
      document.text = std::string(line);
      document.meta = "{}";
      reader.add(document);
    }
  }
  TableNotes notes;
  return reader.finish(notes);
}

// LIBSVM rows of 20 of a million columns; one of the first 200 says the class.
std::string million_columns(uint64_t rows) {
  std::string text;
  for (uint64_t r = 0; r < rows; ++r) {
    const bool yes = r % 2 == 0;
    std::vector<uint64_t> columns = {random_at(7, r) % 100 * 2 + (yes ? 1 : 2), 1'000'000 - r % 3};
    for (uint64_t i = 0; i < 18; ++i) {
      columns.push_back(300 + random_at(8, r, i) % 999'000);
    }
    std::sort(columns.begin(), columns.end());
    columns.erase(std::unique(columns.begin(), columns.end()), columns.end());
    text += yes ? "1" : "-1";
    for (const uint64_t column : columns) {
      text += " " + std::to_string(column) + ":" + std::to_string(0.5 + to_unit(random_at(9, r, column)));
    }
    text += "\n";
  }
  return text;
}

TEST(TableEstimator, AMillionSparseColumns) {
  constexpr uint64_t kRows = 4000;
  const std::string text = million_columns(kRows);
  ThreadPool pool(2);
  for (const char* kind : {"logistic", "linear_svm", "naive_bayes", "sgd", "perceptron", "ridge", "lasso", "knn",
                           "boosting", "constant"}) {
    reset_peak_memory();
    const uint64_t before = peak_memory_bytes();
    const std::clock_t begin = std::clock();  // of all threads: a busy machine fails no test
    Table table = read_libsvm_text(text);
    ASSERT_EQ(table.at("features").width, 1'000'001u);
    EstimatorSpec spec;
    spec.kind = kind;
    spec.task = model_kind(kind, "test").tasks[0];
    if (spec.kind == "naive_bayes") {
      spec.model["by"] = "multinomial";  // Gaussians of all columns would need every value
    }
    Target target;
    target.task = spec.task;
    if (spec.task == Task::kClasses) {
      target.labels = {"-1", "1"};
    }
    for (const double label : table.at("label").numbers) {
      target.classes.push_back(label > 0 ? 1 : 0);
      target.values.push_back(label);
    }
    (spec.task == Task::kClasses ? target.values.resize(0) : target.classes.resize(0));
    std::erase_if(table.columns, [](const TableColumn& column) { return column.name != "features"; });
    FitContext context{pool, 3};
    const auto estimator = TableEstimator::fit(table, target, spec, context);
    const TableAnswers answers = estimator.predict(table, pool);
    const auto dir = classic_test::scratch("million");
    estimator.save(dir, {});
    EXPECT_EQ(TableEstimator::open(dir).predict(table, pool).scores.values, answers.scores.values) << kind;
    fs::remove_all(dir);
    uint64_t right = 0;
    for (uint64_t r = 0; r < kRows; ++r) {
      right += (answers.values.empty() ? answers.classes[r] == 1 : answers.values[r] > 0) == (r % 2 == 0) ? 1 : 0;
    }
    const double seconds = static_cast<double>(std::clock() - begin) / CLOCKS_PER_SEC;
    const std::map<std::string, double> least{{"constant", 0}, {"lasso", 0}, {"knn", 0.55}, {"boosting", 0.8}};
    EXPECT_GE(static_cast<double>(right), kRows * (least.contains(kind) ? least.at(kind) : 0.95)) << kind;
    EXPECT_LT(seconds, 10) << kind;
    EXPECT_LT(peak_memory_bytes() - before, uint64_t{1} << 30) << kind;
    RecordProperty(std::string(kind) + ".ms", static_cast<int>(1000 * seconds));
    RecordProperty(std::string(kind) + ".mb", static_cast<int>((peak_memory_bytes() - before) >> 20));
  }
}

// What would need every value in memory says so, by name, before it takes the memory.
TEST(TableEstimator, AMillionColumnsAreRefusedByWhatCannotHoldThem) {
  const Table table = read_libsvm_text(million_columns(4000));
  ThreadPool pool(1);
  for (const char* kind : {"forest", "kmeans", "gaussian_mixture"}) {
    reset_peak_memory();
    const uint64_t before = peak_memory_bytes();
    EstimatorSpec spec;
    spec.kind = kind;
    spec.task = model_kind(kind, "test").tasks[0];
    spec.pipeline.features = {{{"columns", "sparse"}}};
    Target target;
    target.task = spec.task;
    if (spec.task == Task::kClasses) {
      target.labels = {"-1", "1"};
      for (const double label : table.at("label").numbers) {
        target.classes.push_back(label > 0 ? 1 : 0);
      }
    }
    FitContext context{pool, 3};
    std::string said;
    try {
      TableEstimator::fit(table, target, spec, context);
    } catch (const Error& error) {
      said = std::string(error.what()) + " " + error.hint();
      EXPECT_EQ(error.kind(), ErrorKind::kResource) << said;
    }
    EXPECT_NE(said.find("select features first"), std::string::npos) << kind << ": " << said;
    EXPECT_LT(peak_memory_bytes() - before, uint64_t{1} << 30) << kind;
  }
}

}  // namespace
}  // namespace athanor
