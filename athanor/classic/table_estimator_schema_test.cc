#include "athanor/classic/table_estimator.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/classic/test_data.h"
#include "athanor/data/containers/safetensors.h"

namespace athanor {
namespace {

TEST(TableEstimator, ANewerEstimatorJsonIsRefusedByName) {
  Table table;
  table.rows = 4;
  table.columns.push_back({.name = "a", .numbers = {1, 2, 3, 4}});
  Target target;
  target.task = Task::kRegression;
  target.values = {2, 4, 6, 8};
  ThreadPool pool(1);
  FitContext context{pool};
  const fs::path dir = classic_test::scratch("table-estimator");
  TableEstimator::fit(table, target, {.kind = "ridge", .task = Task::kRegression}, context).save(dir, {});
  EXPECT_EQ(TableEstimator::open(dir).spec().kind, "ridge");
  write_file_atomic(dir / "estimator.json", R"({"schema": 1, "kind": "table", "file": "saved.json"})");
  EXPECT_EQ(TableEstimator::open(dir).spec().kind, "ridge");
  for (const char* bad : {R"({"schema": 99, "kind": "table"})", R"({"schema": 0})", R"({"kind": "table"})", "[", "7"}) {
    write_file_atomic(dir / "estimator.json", bad);
    try {
      TableEstimator::open(dir);
      FAIL() << bad;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      EXPECT_NE(error.where().find("estimator.json"), std::string::npos) << error.where();
    }
  }
  fs::remove_all(dir);
}

// Labels that a damaged file has lost: the answer would be looked up beyond them.
TEST(TableEstimator, FewerLabelsThanTheModelAnswersAreAnError) {
  Table table;
  table.rows = 6;
  table.columns.push_back({.name = "a", .numbers = {1, 2, 3, 4, 5, 6}});
  Target target;
  target.labels = {"low", "mid", "top"};
  target.classes = {0, 0, 1, 1, 2, 2};
  ThreadPool pool(1);
  FitContext context{pool};
  const fs::path dir = classic_test::scratch("table-estimator-labels");
  TableEstimator::fit(table, target, {.kind = "tree"}, context).save(dir, {});
  const SafetensorsFile whole = SafetensorsFile::open(dir / "arrays.safetensors");
  std::vector<TensorView> arrays = whole.tensors();
  for (TensorView& array : arrays) {
    if (array.name == "labels.ends") {
      array.shape = {1};
      array.bytes = array.bytes.subspan(0, sizeof(int64_t));
    }
  }
  fs::create_directories(dir / "less");
  write_safetensors(dir / "less/arrays.safetensors", arrays, {{"format", "athanor-estimator"}});
  fs::copy_file(dir / "saved.json", dir / "less/saved.json");
  const TableEstimator damaged = TableEstimator::open(dir / "less");
  ASSERT_EQ(damaged.labels().size(), 1u);
  try {
    damaged.predict(table, pool);
    FAIL();
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_NE(error.message().find("3 columns for 1 labels"), std::string::npos) << error.message();
  }
  fs::remove_all(dir);
}

}  // namespace
}  // namespace athanor
