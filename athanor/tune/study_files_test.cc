// Importance and the Optuna file against what Optuna itself gives.
#include <gtest/gtest.h>
#include <sqlite3.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/tune/importance.h"
#include "athanor/tune/optuna_file.h"

namespace athanor::tune {
namespace {

nlohmann::json fixture(const std::string& name) {
  return nlohmann::json::parse(read_file(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/tune" / name));
}

TEST(Importance, IsOptunas) {
  const auto data = fixture("importance.json");
  const Space space = Space::parse(parse_recipe(
      "a: {float: [-5, 5]}\nb: {log: [1e-4, 1]}\nc: {int: [1, 9], step: 2}\nd: {choice: [x, y, z]}\n"
      "e: {int: [1, 300], log: true}\nf: {float: [0, 1], step: 0.25}\n", "r.yaml"));
  std::vector<Trial> trials;
  for (const auto& row : data["trials"]) {
    Trial trial;
    trial.number = static_cast<int64_t>(trials.size());
    trial.point = space.point_of(row["params"]);
    trial.values = {row["value"].get<double>()};
    trial.state = TrialState::kComplete;
    trials.push_back(trial);
  }
  const auto shares = importances(space, trials, 0, 1);
  for (size_t i = 0; i < space.size(); ++i) {
    EXPECT_NEAR(shares[i], data["importance"][space[i].name].get<double>(), 1e-9) << space[i].name;
  }
  trials.resize(1);
  EXPECT_EQ(importances(space, trials, 0, 1), std::vector<double>(space.size(), 0));
}

class OptunaFileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    path_ = fs::temp_directory_path() / ("optuna_test_" + std::to_string(::getpid()) + ".db");
    fs::remove(path_);
  }
  void TearDown() override { fs::remove(path_); }

  nlohmann::json query(const std::string& sql) const {
    sqlite3* db = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &db), SQLITE_OK);
    sqlite3_stmt* statement = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(db, sql.c_str(), -1, &statement, nullptr), SQLITE_OK) << sql << sqlite3_errmsg(db);
    auto rows = nlohmann::json::array();
    while (sqlite3_step(statement) == SQLITE_ROW) {
      auto row = nlohmann::json::array();
      for (int i = 0; i < sqlite3_column_count(statement); ++i) {
        switch (sqlite3_column_type(statement, i)) {
          case SQLITE_INTEGER:
            row.push_back(sqlite3_column_int64(statement, i));
            break;
          case SQLITE_FLOAT:
            row.push_back(sqlite3_column_double(statement, i));
            break;
          case SQLITE_NULL:
            row.push_back(nullptr);
            break;
          default:
            row.push_back(reinterpret_cast<const char*>(sqlite3_column_text(statement, i)));
        }
      }
      rows.push_back(row);
    }
    sqlite3_finalize(statement);
    sqlite3_close(db);
    return rows;
  }

  fs::path path_;
};

Space mixed() {
  return Space::parse(parse_recipe(
      "a: {log: [1e-4, 0.1]}\nb: {float: [0, 1], step: 0.25}\nc: {int: [2, 10], step: 2}\nd: {choice: [x, 1, null, true]}\n", "r"));
}

TEST_F(OptunaFileTest, HasOptunasTables) {
  const auto wanted = fixture("optuna_schema.json");
  const Space space = mixed();
  { OptunaFile file(path_, "s", space, {false}); }
  EXPECT_EQ(query("select count(*) from sqlite_master where type = 'table'")[0][0], wanted["tables"].size());
  for (const auto& [name, table] : wanted["tables"].items()) {
    auto columns = nlohmann::json::array();
    for (const auto& row : query("pragma table_info(" + name + ")")) {
      columns.push_back({row[1], row[2], row[3], row[4], row[5]});
    }
    EXPECT_EQ(columns, table["columns"]) << name;
    std::vector<nlohmann::json> indices;
    for (const auto& row : query("pragma index_list(" + name + ")")) {
      auto parts = nlohmann::json::array();
      for (const auto& part : query("pragma index_info('" + row[1].get<std::string>() + "')")) {
        parts.push_back(part[2]);
      }
      indices.push_back({row[2], parts});
    }
    std::sort(indices.begin(), indices.end());
    EXPECT_EQ(nlohmann::json(indices), table["indices"]) << name;
  }
  EXPECT_EQ(query("select schema_version, library_version from version_info")[0], wanted["versions"][0]);
  EXPECT_EQ(query("select version_num from alembic_version")[0], wanted["versions"][1]);
  for (size_t i = 0; i < space.size(); ++i) {
    const auto text = nlohmann::json::parse(optuna_distribution(space[i]));
    EXPECT_EQ(text, wanted["distributions"][i]) << text;
  }
}

TEST_F(OptunaFileTest, ATrialIsReplacedByItsNewerSelf) {
  const Space space = mixed();
  OptunaFile file(path_, "s", space, {true});
  Trial trial;
  trial.number = 0;
  trial.point = space.from_units({0.5, 0.5, 0.5, 0.9});
  file.put(trial, 1, 0, nlohmann::json::object());
  EXPECT_EQ(query("select state, datetime_complete from trials")[0], (nlohmann::json{"RUNNING", nullptr}));
  trial.state = TrialState::kComplete;
  trial.values = {std::numeric_limits<double>::infinity()};
  trial.steps = {{1, 2.5}, {2, std::nan("")}};
  file.put(trial, 1, 2, {{"run", "fit-1"}});
  EXPECT_EQ(query("select state from trials"), (nlohmann::json{{"COMPLETE"}}));
  EXPECT_EQ(query("select value, value_type from trial_values"), (nlohmann::json::array({{nullptr, "INF_POS"}})));
  EXPECT_EQ(query("select step, intermediate_value, intermediate_value_type from trial_intermediate_values order by step"),
            (nlohmann::json::array({{1, 2.5, "FINITE"}, {2, nullptr, "NAN"}})));
  EXPECT_EQ(query("select param_name, param_value from trial_params order by param_name")[3], (nlohmann::json{"d", 3.0}));
  EXPECT_EQ(query("select key, value_json from trial_user_attributes")[0], (nlohmann::json{"run", "\"fit-1\""}));
}

TEST_F(OptunaFileTest, ADamagedFileIsMadeAnew) {
  write_file_atomic(path_, "this is no database, but long enough to be looked at as one; this is no database");
  OptunaFile file(path_, "s", mixed(), {false});
  EXPECT_EQ(query("select study_name from studies")[0][0], "s");
}

}  // namespace
}  // namespace athanor::tune
