// study.jsonl: what a study asked and was told, one JSON object a line, each synced before the work goes on. See
// docs/formats/study.md. Reading it back through a Search gives the study as it was, and the jobs that were still running.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/tune/search.h"

namespace athanor::tune {

class StudyJournal {
 public:
  // Replays what the file holds into a new search: every decision is made again and must be the same, else Error(kInput).
  // A torn last line is cut off. seen: called for each line that was replayed.
  StudyJournal(const fs::path& path, Search& search, const std::function<void(const nlohmann::json& line)>& seen = {});

  // Asked and not told.
  const std::vector<Job>& open_jobs() const { return open_; }

  void ask(const Job& job, const Search& search, double time);
  void tell(const Job& job, const JobResult& result, double time);

 private:
  void write(const nlohmann::json& line);

  std::unique_ptr<FileWriter> file_;
  std::vector<Job> open_;
};

// The trials of a journal as study.json lists them (number, state, values, params, steps, run, error), by number. The file is
// read line by line, and what is held are the trials that are not over yet (with rungs: those that paused).
void read_trials(const fs::path& path, const std::function<void(const nlohmann::json& trial)>& each);

nlohmann::json result_json(const JobResult& result);
// Error(kInput) for what is no result.
JobResult result_from(const nlohmann::json& line);

}  // namespace athanor::tune
