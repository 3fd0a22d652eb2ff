#include "athanor/tune/optuna_file.h"

#include <sqlite3.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <ctime>

#include "athanor/base/error.h"

namespace athanor::tune {

namespace {

constexpr const char* kSchema = R"sql(
CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num));
CREATE TABLE version_info (version_info_id INTEGER NOT NULL, schema_version INTEGER, library_version VARCHAR(256),
  PRIMARY KEY (version_info_id), CHECK (version_info_id=1));
CREATE TABLE studies (study_id INTEGER NOT NULL, study_name VARCHAR(512) NOT NULL, PRIMARY KEY (study_id));
CREATE TABLE study_directions (study_direction_id INTEGER NOT NULL, direction VARCHAR(8) NOT NULL,
  study_id INTEGER NOT NULL, objective INTEGER NOT NULL, PRIMARY KEY (study_direction_id), UNIQUE (study_id, objective),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE study_system_attributes (study_system_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (study_system_attribute_id), UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE study_user_attributes (study_user_attribute_id INTEGER NOT NULL, study_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (study_user_attribute_id), UNIQUE (study_id, "key"),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE trials (trial_id INTEGER NOT NULL, number INTEGER, study_id INTEGER, state VARCHAR(8) NOT NULL,
  datetime_start DATETIME, datetime_complete DATETIME, PRIMARY KEY (trial_id),
  FOREIGN KEY(study_id) REFERENCES studies (study_id));
CREATE TABLE trial_heartbeats (trial_heartbeat_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, heartbeat DATETIME NOT NULL,
  PRIMARY KEY (trial_heartbeat_id), UNIQUE (trial_id), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_intermediate_values (trial_intermediate_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL,
  step INTEGER NOT NULL, intermediate_value FLOAT, intermediate_value_type VARCHAR(7) NOT NULL,
  PRIMARY KEY (trial_intermediate_value_id), UNIQUE (trial_id, step), FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_params (param_id INTEGER NOT NULL, trial_id INTEGER, param_name VARCHAR(512), param_value FLOAT,
  distribution_json TEXT, PRIMARY KEY (param_id), UNIQUE (trial_id, param_name),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_system_attributes (trial_system_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (trial_system_attribute_id), UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_user_attributes (trial_user_attribute_id INTEGER NOT NULL, trial_id INTEGER, "key" VARCHAR(512),
  value_json TEXT, PRIMARY KEY (trial_user_attribute_id), UNIQUE (trial_id, "key"),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE TABLE trial_values (trial_value_id INTEGER NOT NULL, trial_id INTEGER NOT NULL, objective INTEGER NOT NULL,
  value FLOAT, value_type VARCHAR(7) NOT NULL, PRIMARY KEY (trial_value_id), UNIQUE (trial_id, objective),
  FOREIGN KEY(trial_id) REFERENCES trials (trial_id));
CREATE UNIQUE INDEX ix_studies_study_name ON studies (study_name);
CREATE INDEX ix_trials_study_id ON trials (study_id);
INSERT INTO alembic_version VALUES ('v3.2.0.a');
INSERT INTO version_info VALUES (1, 12, '5.0.0');
)sql";

constexpr int kBusyMilliseconds = 10000;

const char* state_name(TrialState state) {
  switch (state) {
    case TrialState::kComplete:
      return "COMPLETE";
    case TrialState::kPruned:
      return "PRUNED";
    case TrialState::kFailed:
      return "FAIL";
    case TrialState::kRunning:
      break;
  }
  return "RUNNING";
}

const char* value_type(double value) {
  return std::isnan(value) ? "NAN" : std::isinf(value) ? (value > 0 ? "INF_POS" : "INF_NEG") : "FINITE";
}

std::string local_time(double seconds) {
  const auto whole = static_cast<std::time_t>(seconds);
  std::tm parts{};
  localtime_r(&whole, &parts);  // Optuna writes local time
  char text[40];
  std::strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &parts);
  char full[60];
  std::snprintf(full, sizeof full, "%s.%06d", text, static_cast<int>((seconds - static_cast<double>(whole)) * 1e6));
  return full;
}

}  // namespace

std::string optuna_distribution(const Parameter& parameter) {
  nlohmann::json attributes;
  if (parameter.is_choice()) {
    attributes["choices"] = nlohmann::json::array();
    for (const auto& choice : parameter.choices) {
      attributes["choices"].push_back(choice.is_structured() ? nlohmann::json(choice.dump()) : choice);
    }
    return nlohmann::json{{"name", "CategoricalDistribution"}, {"attributes", attributes}}.dump();
  }
  attributes["log"] = parameter.log;
  if (parameter.kind == ParameterKind::kInt) {
    attributes["low"] = static_cast<int64_t>(parameter.low);
    attributes["high"] = static_cast<int64_t>(parameter.high);
    attributes["step"] = static_cast<int64_t>(parameter.step);
    return nlohmann::json{{"name", "IntDistribution"}, {"attributes", attributes}}.dump();
  }
  attributes["low"] = parameter.low;
  char high[32];  // what steps reach, without the last bits of their sum: 0.3, not 0.30000000000000004
  std::snprintf(high, sizeof high, "%.15g", parameter.high);
  attributes["high"] = parameter.step > 0 ? std::strtod(high, nullptr) : parameter.high;
  attributes["step"] = parameter.step > 0 ? nlohmann::json(parameter.step) : nlohmann::json(nullptr);
  return nlohmann::json{{"name", "FloatDistribution"}, {"attributes", attributes}}.dump();
}

struct OptunaFile::Impl {
  fs::path path;
  sqlite3* db = nullptr;
  std::vector<Parameter> parameters;
  std::vector<std::string> distributions;
  int open_transactions = 0;

  ~Impl() { sqlite3_close(db); }

  [[noreturn]] void fail() const {
    throw Error(ErrorKind::kResource, std::string("SQLite: ") + sqlite3_errmsg(db), path.string(),
                "free some space or move what locks the file, and run again");
  }

  int try_run(const std::string& sql) const { return sqlite3_exec(db, sql.c_str(), nullptr, nullptr, nullptr); }
  void run(const std::string& sql) const {
    if (try_run(sql) != SQLITE_OK) {
      fail();
    }
  }

  // One statement with its values: null, integer, number or text.
  void put(const char* sql, const std::vector<nlohmann::json>& values) const {
    sqlite3_stmt* raw = nullptr;
    if (sqlite3_prepare_v2(db, sql, -1, &raw, nullptr) != SQLITE_OK) {
      fail();
    }
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> statement(raw, &sqlite3_finalize);
    for (size_t i = 0; i < values.size(); ++i) {
      const int at = static_cast<int>(i) + 1;
      const auto& value = values[i];
      if (value.is_string()) {
        const auto& text = value.get_ref<const std::string&>();
        sqlite3_bind_text(raw, at, text.c_str(), static_cast<int>(text.size()), SQLITE_TRANSIENT);
      } else if (value.is_number_integer()) {
        sqlite3_bind_int64(raw, at, value.get<int64_t>());
      } else if (value.is_number()) {
        sqlite3_bind_double(raw, at, value.get<double>());
      } else {
        sqlite3_bind_null(raw, at);
      }
    }
    if (sqlite3_step(raw) != SQLITE_DONE) {
      fail();
    }
  }

  bool open() {
    if (sqlite3_open(path.c_str(), &db) != SQLITE_OK) {
      fail();
    }
    sqlite3_busy_timeout(db, kBusyMilliseconds);
    return try_run("PRAGMA synchronous=OFF") == SQLITE_OK && try_run("SELECT count(*) FROM sqlite_master") == SQLITE_OK;
  }

  bool has_tables() const { return try_run("SELECT schema_version FROM version_info") == SQLITE_OK; }
};

OptunaFile::OptunaFile(const fs::path& path, const std::string& study_name, const Space& space,
                       const std::vector<bool>& maximise)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  for (const Parameter& parameter : space.parameters()) {
    impl_->parameters.push_back(parameter);
    impl_->distributions.push_back(optuna_distribution(parameter));
  }
  const bool fresh = !fs::exists(path);
  if (!impl_->open() || (!fresh && !impl_->has_tables())) {  // damaged, or killed before the tables stood
    sqlite3_close(impl_->db);
    impl_->db = nullptr;
    fs::remove(path);
    if (!impl_->open()) {
      impl_->fail();
    }
  }
  if (impl_->has_tables()) {
    return;
  }
  impl_->run("BEGIN");
  impl_->run(kSchema);
  impl_->put("INSERT INTO studies VALUES (1, ?)", {study_name});
  for (size_t i = 0; i < maximise.size(); ++i) {
    impl_->put("INSERT INTO study_directions VALUES (?, ?, 1, ?)",
               {static_cast<int64_t>(i) + 1, maximise[i] ? "MAXIMIZE" : "MINIMIZE", static_cast<int64_t>(i)});
  }
  impl_->run("COMMIT");
}

OptunaFile::~OptunaFile() = default;

void OptunaFile::begin() {
  if (impl_->open_transactions++ == 0) {
    impl_->run("BEGIN IMMEDIATE");
  }
}

void OptunaFile::commit() {
  if (--impl_->open_transactions == 0) {
    impl_->run("COMMIT");
  }
}

void OptunaFile::put(const Trial& trial, double begin_time, double end_time, const nlohmann::json& attributes) {
  begin();
  const int64_t id = trial.number + 1;
  for (const char* table : {"trial_params", "trial_values", "trial_intermediate_values", "trial_user_attributes", "trials"}) {
    impl_->put((std::string("DELETE FROM ") + table + " WHERE trial_id = ?").c_str(), {id});
  }
  const auto time = [](double seconds) { return seconds > 0 ? nlohmann::json(local_time(seconds)) : nlohmann::json(); };
  const bool ended = trial.state != TrialState::kRunning;
  impl_->put("INSERT INTO trials VALUES (?, ?, 1, ?, ?, ?)",
             {id, trial.number, state_name(trial.state), time(begin_time), ended ? time(end_time) : nlohmann::json()});
  for (size_t i = 0; i < trial.point.size(); ++i) {
    if (!std::isnan(trial.point[i])) {
      impl_->put("INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
                 {id, impl_->parameters[i].name, trial.point[i], impl_->distributions[i]});
    }
  }
  for (size_t i = 0; i < trial.values.size() && trial.state == TrialState::kComplete; ++i) {
    const double value = trial.values[i];
    impl_->put("INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, ?, ?, ?)",
               {id, static_cast<int64_t>(i), std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(),
                value_type(value)});
  }
  for (const auto& [step, value] : trial.steps) {
    impl_->put("INSERT INTO trial_intermediate_values (trial_id, step, intermediate_value, intermediate_value_type) "
               "VALUES (?, ?, ?, ?)",
               {id, step, std::isfinite(value) ? nlohmann::json(value) : nlohmann::json(), value_type(value)});
  }
  for (const auto& [key, value] : attributes.items()) {
    impl_->put("INSERT INTO trial_user_attributes (trial_id, key, value_json) VALUES (?, ?, ?)", {id, key, value.dump()});
  }
  commit();
}

}  // namespace athanor::tune
