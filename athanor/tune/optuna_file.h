// A study mirrored into SQLite with Optuna's tables (schema version 12, alembic head v3.2.0.a, as Optuna 5 writes them):
//
//   optuna.load_study(study_name=None, storage="sqlite:///study.db");  optuna-dashboard sqlite:///study.db
//
// The journal is the truth; a file that is damaged is made anew from it.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/tune/sampler.h"

namespace athanor::tune {

class OptunaFile {
 public:
  // Opens or makes it. Error(kResource) when the disk refuses.
  OptunaFile(const fs::path& path, const std::string& study_name, const Space& space, const std::vector<bool>& maximise);
  ~OptunaFile();
  OptunaFile(const OptunaFile&) = delete;
  OptunaFile& operator=(const OptunaFile&) = delete;

  // Writes the trial as it stands now, in place of what was there. attributes: a map, for user attributes (the run, its
  // error). Times are Unix seconds; 0: none.
  void put(const Trial& trial, double begin, double end, const nlohmann::json& attributes);

  // Many puts as one transaction.
  void begin();
  void commit();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// The distribution of a parameter as Optuna writes it.
std::string optuna_distribution(const Parameter& parameter);

}  // namespace athanor::tune
