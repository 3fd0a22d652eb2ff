#include "athanor/feature/pipeline.h"

#include "athanor/base/rng.h"
#include "athanor/data/tables/cells.h"
#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

// A table with every kind of column but images, and columns that say nothing.
Table sample_table(uint64_t rows, uint64_t seed) {
  Rng rng(seed);
  std::vector<double> age, count, when, constant(rows, 3), nothing(rows, std::nan("")), id;
  std::vector<std::string> city, note, key;
  TableColumn sparse;
  sparse.name = "features";
  sparse.kind = ColumnKind::kSparse;
  sparse.width = 9;
  const char* words[] = {"red", "green", "blue", "sky", "sea", "sand"};
  for (uint64_t i = 0; i < rows; ++i) {
    age.push_back(rng.uniform() < 0.1 ? std::nan("") : 20 + 50 * rng.uniform());
    count.push_back(static_cast<double>(rng.below(5)));
    when.push_back(1.7e9 + 86400.0 * static_cast<double>(rng.below(800)));
    id.push_back(static_cast<double>(i + 1));
    city.push_back(rng.uniform() < 0.1 ? "" : "city" + std::to_string(rng.below(4)));
    note.push_back(std::string(words[rng.below(6)]) + " " + words[rng.below(6)] + " text");
    key.push_back("key" + std::to_string(i));
    sparse.sparse.indices.push_back(static_cast<uint32_t>(rng.below(9)));
    sparse.sparse.values.push_back(rng.normal());
    sparse.sparse.offsets.push_back(i + 1);
  }
  Table table;
  table.rows = rows;
  table.columns = {number_column("age", age),
                   number_column("count", count),
                   number_column("when", when, ColumnKind::kDate),
                   number_column("one", constant),
                   number_column("none", nothing),
                   number_column("id", id),
                   category_column("city", city),
                   category_column("key", key),
                   text_column("note", note),
                   sparse};
  return table;
}

Target sample_target(const Table& table) {
  Target target;
  target.labels = {"no", "yes"};
  for (uint64_t row = 0; row < table.rows; ++row) {
    target.classes.push_back(table.at("count").numbers[row] > 2 ? 1 : 0);
  }
  return target;
}

PipelineSpec spec_of(const char* features, const char* reduce = "[]") {
  PipelineSpec spec;
  spec.features = nlohmann::json::parse(features);
  spec.reduce = nlohmann::json::parse(reduce);
  return spec;
}

std::string bytes_of(const Matrix& x) {
  std::string out(reinterpret_cast<const char*>(x.values.data()), x.values.size() * sizeof(double));
  out.append(reinterpret_cast<const char*>(x.sparse.values.data()),
             x.sparse.values.size() * sizeof(double));
  out.append(reinterpret_cast<const char*>(x.sparse.indices.data()),
             x.sparse.indices.size() * sizeof(uint32_t));
  return out;
}

TEST(FeaturePipeline, UsualFeatures) {
  const Table table = sample_table(200, 1);
  const Target target = sample_target(table);
  for (const bool for_trees : {false, true}) {
    PipelineSpec spec;
    spec.for_trees = for_trees;
    FeaturePipeline pipeline(spec, "fit");
    ThreadPool pool(2);
    FitContext context{pool};
    std::vector<std::string> warnings;
    context.warn = [&](const std::string& warning) { warnings.push_back(warning); };
    const Matrix x = pipeline.fit(table, &target, context);
    EXPECT_EQ(x.rows, 200u);
    EXPECT_EQ(x.columns, pipeline.num_outputs());
    ASSERT_EQ(warnings.size(), 4u);
    EXPECT_EQ(warnings[0], "column 'one' has one value, and was left out");
    EXPECT_EQ(warnings[1], "column 'none' has no values, and was left out");
    EXPECT_EQ(warnings[2], "column 'id' is an id: it counts the rows, and was left out");
    EXPECT_EQ(warnings[3], "column 'key' is an id: every row has another value, and was left out");
    EXPECT_EQ(pipeline.inputs().size(), 6u);
    bool any_nan = false;
    for (uint64_t row = 0; row < x.rows; ++row) {
      x.for_each_in_row(row,
                        [&](uint32_t, double value) { any_nan = any_nan || std::isnan(value); });
    }
    EXPECT_EQ(any_nan, for_trees);  // trees take missing values as they are
  }
}

TEST(FeaturePipeline, SavedLoadedAndAppliedGivesTheSameBytes) {
  const Table table = sample_table(150, 2), other = sample_table(60, 3);
  const Target target = sample_target(table);
  const char* specs[][2] = {
      {"[]", "[]"},
      {R"([{"columns": ["age", "count"], "then": [{"impute": {"by": "knn", "indicators": true}}, {"scale": {"by": "robust"}}, "polynomial"]},
           {"columns": "categories", "encode": {"target": {"folds": 3}}},
           {"columns": "rest"}])",
       R"([{"select": {"by": "anova", "keep": 12}}, {"pca": {"components": 5}}])"},
      {R"([{"columns": "note", "encode": {"tfidf": {"ngrams": 2}}}, {"columns": "note", "encode": {"words": {"analyzer": "chars_wb", "ngrams": 3}}},
           {"columns": ["city", "key"], "encode": "onehot"}, {"columns": "features"}])",
       R"([{"truncated_svd": {"components": 6}}])"}};
  for (const auto& [features, reduce] : specs) {
    SCOPED_TRACE(features);
    FeaturePipeline pipeline(spec_of(features, reduce), "fit");
    ThreadPool pool(2), alone(1);
    FitContext context{pool, 7};
    const Matrix fitted = pipeline.fit(table, &target, context);
    const fs::path dir = scratch("pipeline");
    SavedWriter out;
    pipeline.save(out.part("features"));
    out.write(dir);
    const FeaturePipeline loaded = FeaturePipeline::load(SavedReader::open(dir).part("features"));
    const Matrix a = pipeline.apply(other, pool), b = loaded.apply(other, alone);
    EXPECT_EQ(bytes_of(a), bytes_of(b));
    EXPECT_EQ(a.names, b.names);
    EXPECT_EQ(loaded.description(), pipeline.description());
    EXPECT_EQ(loaded.inputs(), pipeline.inputs());

    // What was learnt is of the training rows alone: one row at a time gives the same as all.
    const Matrix third = loaded.apply(take_rows(other, {2}), alone);
    EXPECT_EQ(bytes_of(third), bytes_of(take_rows(a, {2})));
    // Any number of threads.
    FeaturePipeline again(spec_of(features, reduce), "fit");
    FitContext single{alone, 7};
    EXPECT_EQ(bytes_of(again.fit(table, &target, single)), bytes_of(fitted));
  }
}

TEST(FeaturePipeline, WhatATableLacksIsNamed) {
  const Table table = sample_table(50, 4);
  FeaturePipeline pipeline(spec_of(R"([{"columns": ["age", "city"]}])"), "fit");
  ThreadPool pool(1);
  FitContext context{pool};
  pipeline.fit(table, nullptr, context);
  Table lacking = table;
  std::erase_if(lacking.columns, [](const TableColumn& column) { return column.name == "age"; });
  const Error missing = error_of([&] { pipeline.apply(lacking, pool); });
  EXPECT_EQ(missing.kind(), ErrorKind::kInput);
  EXPECT_NE(missing.message().find("no column 'age'"), std::string::npos);
  Table changed = table;
  changed.columns[0] = category_column("age", std::vector<std::string>(50, "x"));
  EXPECT_NE(
      error_of([&] { pipeline.apply(changed, pool); }).message().find("'age' is of kind category"),
      std::string::npos);

  Table unseen = table;
  unseen.columns[6] = category_column("city", std::vector<std::string>(50, "atlantis"));
  EXPECT_EQ(pipeline.count_unseen(unseen), (std::map<std::string, uint64_t>{{"city", 50}}));
  EXPECT_TRUE(pipeline.count_unseen(table).empty());
  const Matrix x = pipeline.apply(unseen, pool);
  EXPECT_EQ(x.names[1], "city=city0");
  EXPECT_EQ(x.at(0, 1) + x.at(0, 2) + x.at(0, 3) + x.at(0, 4), 0);
}

// The pipeline leaves such columns out; a fold may still show a step one: a constant gives no NaN, a gap stays one.
TEST(FeaturePipeline, StepsOverConstantAndEmptyColumns) {
  ThreadPool pool(1);
  FitContext context{pool};
  for (const char* by : {"zscore", "minmax", "robust", "maxabs", "quantile", "power"}) {
    SCOPED_TRACE(by);
    Matrix x = Matrix::dense(20, 2);
    for (uint64_t row = 0; row < x.rows; ++row) {
      x.at(row, 0) = 7;
      x.at(row, 1) = std::numeric_limits<double>::quiet_NaN();
    }
    const auto step = make_transform("scale", {{"by", by}}, "test");
    const Matrix fitted = step->fit(x, nullptr, context);
    const Matrix applied = step->apply(x, pool);
    for (const Matrix* one : {&fitted, &applied}) {
      EXPECT_TRUE(std::isfinite(one->at(3, 0)));
      EXPECT_TRUE(std::isnan(one->at(3, 1)));
    }
  }
}

TEST(FeaturePipeline, AMillionSparseColumns) {
  constexpr uint32_t kWidth = 1'000'000;
  Table table;
  table.rows = 5000;
  TableColumn& column = table.columns.emplace_back();
  column.name = "features";
  column.kind = ColumnKind::kSparse;
  column.width = kWidth;
  Rng rng(2);
  for (uint64_t row = 0; row < table.rows; ++row) {
    table.ids.push_back(std::to_string(row));
    for (uint32_t k = 0; k < 20; ++k) {
      column.sparse.indices.push_back(k * (kWidth / 20) + static_cast<uint32_t>(rng.below(kWidth / 20)));
      column.sparse.values.push_back(1 + static_cast<double>(k));
    }
    column.sparse.offsets.push_back(column.sparse.indices.size());
  }
  FeaturePipeline pipeline(spec_of(R"([{"columns": "features"}])"), "fit");
  ThreadPool pool(2);
  FitContext context{pool};
  const Matrix x = pipeline.fit(table, nullptr, context);
  EXPECT_TRUE(x.is_sparse);
  EXPECT_GT(x.columns, 900'000u);
  EXPECT_LT(x.bytes(), uint64_t{4} << 20);
  EXPECT_EQ(bytes_of(pipeline.apply(table, pool)), bytes_of(x));
  EXPECT_EQ(error_of([&] { to_dense(x); }).kind(), ErrorKind::kResource);
}

TEST(FeaturePipeline, ARecipesMistakesAreNamed) {
  const auto where = [](const char* features, const char* reduce = "[]") {
    const Error error = error_of([&] { FeaturePipeline(spec_of(features, reduce), "fit"); });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.where() + " " + error.message() + " " + error.hint();
  };
  EXPECT_NE(where(R"([{"columns": "numbers", "encode": "onhot"}])").find("fit.features[0].encode"),
            std::string::npos);
  EXPECT_NE(where(R"([{"columns": "numbers", "encode": "onhot"}])").find("did you mean 'onehot'?"),
            std::string::npos);
  EXPECT_NE(
      where(R"([{"columns": "numbers", "then": [{"scale": {"bye": 1}}]}])").find("then[0].scale"),
      std::string::npos);
  EXPECT_NE(where(R"([{"columns": "numbers", "than": []}])").find("did you mean 'then'?"),
            std::string::npos);
  EXPECT_NE(where(R"([{"encode": "onehot"}])").find("needs 'columns'"), std::string::npos);
  EXPECT_NE(where(R"([])", R"([{"pka": {}}])").find("did you mean 'pca'?"), std::string::npos);
  where(R"({"columns": 1})");
  where(R"([{"columns": "numbers", "then": {"scale": {}}}])");

  const Table table = sample_table(30, 5);
  ThreadPool pool(1);
  FitContext context{pool};
  const auto fit = [&](const char* features) {
    return error_of(
        [&] { FeaturePipeline(spec_of(features), "fit").fit(table, nullptr, context); });
  };
  EXPECT_EQ(fit(R"([{"columns": "agee"}])").hint(), "did you mean 'age'?");
  EXPECT_NE(
      fit(R"([{"columns": "age", "encode": "onehot"}])").hint().find("types: {age: category}"),
      std::string::npos);
  EXPECT_NE(
      fit(R"([{"columns": ["one", "none"]}])").message().find("no column of the table is left"),
      std::string::npos);
}

TEST(FeaturePipeline, ADamagedFileIsAnError) {
  const Table table = sample_table(50, 6);
  FeaturePipeline pipeline(spec_of(R"([{"columns": ["age", "city"]}])"), "fit");
  ThreadPool pool(1);
  FitContext context{pool};
  pipeline.fit(table, nullptr, context);
  const fs::path dir = scratch("pipeline_damaged");
  SavedWriter out;
  pipeline.save(out.part("features"));
  out.write(dir);
  const std::string good = read_file(dir / "saved.json", 1 << 20);
  Rng rng(9);
  int refused = 0;
  for (int i = 0; i < 400; ++i) {
    std::string bad = good;
    bad[rng.below(bad.size())] = static_cast<char>("0\"{[a:,-9"[rng.below(9)]);
    put_file(dir / "saved.json", bad);
    try {
      FeaturePipeline::load(SavedReader::open(dir).part("features"));
    } catch (const Error&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, 200);  // the rest are changes of names and options that are as good
}

}  // namespace
}  // namespace athanor
