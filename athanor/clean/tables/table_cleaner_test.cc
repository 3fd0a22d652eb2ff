// Chains: learnt once, stored, applied to later rows; cleaning a clean table; models that fill; what does not fit.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <random>

#include "athanor/base/error.h"
#include "athanor/clean/tables/table_testing.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/classic/models/model.h"
#include "athanor/feature/transform.h"

namespace athanor {
namespace {

using Json = nlohmann::json;
using Texts = std::vector<std::string>;

// Rows with everything wrong, made from a seed.
Texts messy_rows(int rows, uint64_t seed) {
  std::mt19937_64 random(seed);
  const auto pick = [&](const Texts& of) { return of[random() % of.size()]; };
  Texts metas;
  for (int i = 0; i < rows; ++i) {
    Json row{{"weight", pick({"12 lb", "3,5 kg", "500 g", "2斤", "", "70", "heavy"})},
             {"price", pick({"1.234,50", "3,5", "$7", "", "?"})},
             {"when", pick({"2024年3月5日", "2024-03-05", "", "20240101"})},
             {"city", pick({"北京", "北京 ", "上海", "PEKING", "", "Peking"})},
             {"n", random() % 20 == 0 ? 1e6 : static_cast<double>(random() % 100'000) / 1000},
             {"flag", pick({"yes", "no", "是", "N", ""})},
             {"one", "1"}};
    metas.push_back(row.dump());
  }
  return metas;
}

const Json kChain = Json::parse(R"([
  {"drop_columns": {"constant": true}},
  {"formats": {"columns": ["city"], "as": "trim"}},
  {"merge": {"column": "city", "into": {"北京": ["PEKING"]}, "ignore_case": true}},
  {"units": {"column": "weight", "to": "kg"}},
  {"formats": {"columns": ["price"], "as": "number", "decimal": ","}},
  {"formats": {"columns": ["when"], "as": "date"}},
  {"formats": {"columns": ["flag"], "as": "boolean"}},
  {"range": {"columns": ["n"], "min": 0, "max": 1e10}},
  "duplicates",
  {"outliers": {"columns": ["n"], "do": "clip"}},
  {"missing": {"columns": ["weight", "price", "when"], "by": "median"}},
  {"missing": {"columns": ["city", "flag"], "by": "mode"}}
])");

TEST(TableCleaner, CleaningTwiceChangesNothing) {
  for (const uint64_t seed : {1, 2, 3}) {
    const Texts once = metas_of(cleaned(table_of(messy_rows(300, seed)).rows, kChain));
    TableReport report;
    Json again = kChain;
    again.erase(0);  // nothing is constant any more, or the step would say so
    const RowTable twice = cleaned(table_of(once).rows, again, report);
    EXPECT_EQ(metas_of(twice), once) << "seed " << seed;
    for (const TableReport::Reason& reason : report.reasons()) {
      EXPECT_EQ(reason.cells + reason.rows, 0u) << reason.step << " " << reason.column << " " << reason.what;
    }
  }
}

TEST(TableCleaner, LaterRowsAreTreatedTheSame) {
  const fs::path dir = scratch("table_cleaner");
  const TestTable training = table_of(messy_rows(300, 5));
  ThreadPool pool(2);
  TableReport report;
  TableStepContext context{pool, report};
  TableCleaner cleaner(kChain, "clean.table");
  RowTable learnt = training.rows;
  cleaner.learn(learnt, context);
  cleaner.save(dir, training.schema);

  TableSchema schema;
  const TableCleaner same = TableCleaner::load(dir, schema);
  EXPECT_EQ(same.steps(), cleaner.steps());
  EXPECT_EQ(schema.to_json(), training.schema.to_json());
  const auto apply = [&](const TableCleaner& with, const Texts& metas) {
    RowReader reader(schema.missing, uint64_t{1} << 30);
    for (const std::string& meta : metas) {
      reader.add("id", meta);
    }
    RowTable table = reader.finish(schema);
    TableReport unread;
    TableStepContext step{pool, unread};
    with.apply(table, step);
    return metas_of(table);
  };
  EXPECT_EQ(apply(same, messy_rows(300, 5)), metas_of(learnt));
  const Texts three{R"({"weight":"2 lb","price":"","when":"","city":"peking","n":5e9,"flag":"","one":"1"})"};
  EXPECT_EQ(apply(same, three), apply(cleaner, three));
  const Json row = Json::parse(apply(same, three).at(0));
  EXPECT_EQ(row["weight"], 0.90718474);
  EXPECT_EQ(row["city"], "北京");
  EXPECT_FALSE(row.contains("one"));
  EXPECT_LT(row["n"].get<double>(), 1e6) << "clipped to what the training rows say";
}

TEST(TableCleaner, DamagedFilesAreNamed) {
  const fs::path dir = scratch("table_cleaner_damaged");
  TableSchema schema;
  EXPECT_THROW(TableCleaner::load(dir, schema), Error);
  for (const char* text : {"", "{", "[]", R"({"schema": 9})", R"({"schema": 1, "read": 3, "steps": []})",
                           R"({"schema": 1, "read": {"schema": 1, "missing": [], "columns": []}, "steps": [{"step": "missing", "options": {}, "learnt": {"fills": 3}}]})",
                           R"({"schema": 1, "read": {"schema": 1, "missing": [], "columns": []}, "steps": [{"step": "nothing"}]})"}) {
    std::ofstream(dir / "table.json") << text;
    EXPECT_THROW(TableCleaner::load(dir, schema), Error) << text;
  }
}

TEST(TableCleaner, AColumnThatLaterRowsLackIsNamed) {
  const TestTable training = table_of({R"({"a":1,"b":2})", R"({"a":3,"b":null})"});
  ThreadPool pool(1);
  TableReport report;
  TableStepContext context{pool, report};
  TableCleaner cleaner({"missing"}, "clean.table");
  RowTable rows = training.rows;
  cleaner.learn(rows, context);
  RowTable other = table_of({R"({"a":1})"}).rows;
  EXPECT_THROW(cleaner.apply(other, context), Error);
}

TEST(TableCleaner, TooLargeIsAClearError) {
  RowReader reader({}, 100'000);
  try {
    for (int i = 0; i < 100'000; ++i) {
      reader.add("id", "{\"x\":" + std::to_string(i) + "}");
    }
    FAIL() << "nothing was thrown";
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kResource);
    EXPECT_NE(error.hint().find("memory_mb"), std::string::npos);
  }
}

TEST(TableCleaner, NoRows) { EXPECT_THROW(cleaned(RowTable(), {"missing"}), Error); }

TEST(TableCleaner, TextIsMadeAnewOnlyWhereItWasTheRow) {
  const std::string meta = R"({"a":"1","b":"x: y"})";
  EXPECT_TRUE(is_row_text("a: 1\nb: x: y\n", meta));
  EXPECT_TRUE(is_row_text("a: 1\nb:", meta));
  EXPECT_FALSE(is_row_text("Some text of its own", meta));
  EXPECT_FALSE(is_row_text("b: 1\na: 2", meta));
  EXPECT_FALSE(is_row_text("", "{}"));
}

bool has_impute() {
  const auto& kinds = transform_kinds();
  return std::any_of(kinds.begin(), kinds.end(), [](const TransformKind& kind) { return std::string(kind.name) == "impute"; });
}

// y = 2 x: neighbours and models find it, and the stored ones too.
TEST(TableCleaner, NeighboursAndModelsFill) {
  if (!has_impute()) {
    GTEST_SKIP() << "this build has no transform `impute`";
  }
  Texts metas;
  for (int i = 0; i < 60; ++i) {
    metas.push_back("{\"x\":" + std::to_string(i) + ",\"y\":" + (i % 10 == 5 ? "null" : std::to_string(2 * i)) +
                    ",\"c\":\"" + (i % 2 == 0 ? "甲" : "乙") + "\"}");
  }
  const TestTable table = table_of(metas);
  for (const char* by : {"knn", "model"}) {
    ThreadPool pool(2);
    TableReport report;
    TableStepContext context{pool, report};
    TableCleaner cleaner({{{"missing", {{"columns", {"y"}}, {"by", by}}}}}, "clean.table");
    RowTable rows = table.rows;
    cleaner.learn(rows, context);
    EXPECT_NEAR(std::stod(cells_of(rows, "y")[25]), 50, 3) << by;
    EXPECT_EQ(told(report, "y", std::string("filled by ") + by), 6u);
    const fs::path dir = scratch(std::string("table_fill_") + by);
    cleaner.save(dir, table.schema);
    TableSchema schema;
    const TableCleaner same = TableCleaner::load(dir, schema);
    RowTable later = table.rows;
    same.apply(later, context);
    EXPECT_EQ(metas_of(later), metas_of(rows)) << by;
  }
}

TEST(TableCleaner, ForestFindsTheOddRow) {
  const auto& kinds = model_kinds();
  if (std::none_of(kinds.begin(), kinds.end(), [](const ModelKind& kind) { return std::string(kind.name) == "isolation_forest"; })) {
    GTEST_SKIP() << "this build has no model `isolation_forest`";
  }
  std::mt19937_64 random(3);
  std::normal_distribution<double> normal;
  Texts metas;
  for (int i = 0; i < 300; ++i) {
    const double shift = i == 123 ? 12 : 0;
    metas.push_back(Json{{"a", normal(random) + shift}, {"b", normal(random) - shift}}.dump());
  }
  const TestTable table = table_of(metas);
  TableReport report;
  const RowTable out = cleaned(table.rows, {{{"outliers", {{"by", "isolation_forest"}, {"contamination", 0.01}}}}}, report);
  EXPECT_EQ(cells_of(out, "outlier")[123], "1");
  EXPECT_LE(told(report, "outlier", "odd row"), 6u);
}

}  // namespace
}  // namespace athanor
