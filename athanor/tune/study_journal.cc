#include "athanor/tune/study_journal.h"

#include <cmath>
#include <limits>
#include <map>

#include "athanor/base/error.h"

namespace athanor::tune {

namespace {

nlohmann::json number(double value) {
  if (std::isfinite(value)) {
    return value;
  }
  return std::isnan(value) ? nlohmann::json(nullptr) : nlohmann::json(value > 0 ? "inf" : "-inf");
}

double number_from(const nlohmann::json& value) {
  if (value.is_number()) {
    return value.get<double>();
  }
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  return value == "inf" ? kInfinity : value == "-inf" ? -kInfinity : std::numeric_limits<double>::quiet_NaN();
}

nlohmann::json ask_json(const Job& job, const Search& search) {
  return {{"type", "ask"},
          {"job", job.index},
          {"trial", job.trial},
          {"to", job.to_step},
          {"values", search.space().values(search.trial(job.trial).point)}};
}

[[noreturn]] void fail(const fs::path& path, size_t line, const std::string& what) {
  throw Error(ErrorKind::kInput, what, path.string() + ":" + std::to_string(line),
              "the journal was made by another version or for another study: --force starts anew");
}

}  // namespace

nlohmann::json result_json(const JobResult& result) {
  nlohmann::json line{{"state", name_of(result.state)}, {"values", nlohmann::json::array()}, {"steps", nlohmann::json::array()}};
  for (const double value : result.values) {
    line["values"].push_back(number(value));
  }
  for (const auto& [step, value] : result.steps) {
    line["steps"].push_back({step, number(value)});
  }
  if (!result.error.empty()) {
    line["error"] = result.error;
  }
  if (!result.note.is_null()) {
    line["note"] = result.note;
  }
  return line;
}

JobResult result_from(const nlohmann::json& line) {
  JobResult result;
  try {
    const std::string state = line.at("state");
    result.state = state == "complete" ? TrialState::kComplete
                   : state == "pruned" ? TrialState::kPruned
                                       : TrialState::kFailed;
    for (const auto& value : line.at("values")) {
      result.values.push_back(number_from(value));
    }
    for (const auto& step : line.at("steps")) {
      result.steps.emplace_back(step.at(0).get<int64_t>(), number_from(step.at(1)));
    }
    result.error = line.value("error", "");
    result.note = line.value("note", nlohmann::json());
  } catch (const nlohmann::json::exception&) {
    throw Error(ErrorKind::kInput, "the result of a job cannot be read");
  }
  return result;
}

namespace {

// Each whole line with its number, from 1.
template <class Each>
void each_line(const fs::path& path, const Each& each) {
  if (!fs::exists(path) || fs::file_size(path) == 0) {
    return;
  }
  const MappedFile file(path);
  const std::string_view text = file.text();
  size_t number_of_line = 0;
  for (size_t at = 0, end = 0; (end = text.find('\n', at)) != std::string_view::npos; at = end + 1) {
    const auto line = nlohmann::json::parse(text.substr(at, end - at), nullptr, false);
    ++number_of_line;
    if (!line.is_object() || !line.contains("job") || !line["job"].is_number_integer()) {
      fail(path, number_of_line, "a line of the study's journal cannot be read");
    }
    each(line, number_of_line);
  }
}

void cut_torn_line(const fs::path& path) {
  if (!fs::exists(path) || fs::file_size(path) == 0) {
    return;
  }
  size_t whole = 0;
  size_t size = 0;
  {
    const MappedFile file(path);
    size = file.size();
    whole = file.text().rfind('\n') + 1;  // npos + 1 is 0
  }
  if (whole < size) {
    fs::resize_file(path, whole);
  }
}

}  // namespace

StudyJournal::StudyJournal(const fs::path& path, Search& search,
                           const std::function<void(const nlohmann::json& line)>& seen) {
  cut_torn_line(path);
  each_line(path, [&](const nlohmann::json& line, size_t number_of_line) {
    if (line.value("type", "") == "ask") {
      const auto job = search.next();
      if (!job) {
        fail(path, number_of_line, "the study would not ask for another trial here");
      }
      const auto asked = ask_json(*job, search);
      for (const char* key : {"job", "trial", "to", "values"}) {
        if (line.value(key, nlohmann::json()) != asked[key]) {
          fail(path, number_of_line, std::string("the study would ask for another ") + key + " here: " + asked[key].dump());
        }
      }
      open_.push_back(*job);
    } else {
      const auto job = std::find_if(open_.begin(), open_.end(), [&](const Job& open) { return open.index == line["job"]; });
      if (job == open_.end()) {
        fail(path, number_of_line, "a job has a result that was not asked for");
      }
      open_.erase(job);
      search.report(line["job"], result_from(line));
    }
    if (seen) {
      seen(line);
    }
  });
  file_ = std::make_unique<FileWriter>(path, FileWriter::Mode::kAppend);
}

namespace {

// What a result adds to a trial's entry of study.json, as Search::report does it.
void add_result(nlohmann::json& trial, const JobResult& result) {
  trial["state"] = name_of(result.state);
  trial.erase("error");
  if (!result.error.empty()) {
    trial["error"] = result.error;
  }
  if (!result.values.empty()) {
    trial["values"] = result.values;
  }
  for (const auto& [step, value] : result.steps) {
    if (trial["steps"].empty() || step > trial["steps"].back()[0].get<int64_t>()) {
      trial["steps"].push_back({step, std::isfinite(value) ? nlohmann::json(value) : nlohmann::json()});
    }
  }
  if (result.note.is_object()) {
    trial["run"] = result.note.value("run", "");
  }
}

}  // namespace

void read_trials(const fs::path& path, const std::function<void(const nlohmann::json& trial)>& each) {
  struct Pending {
    nlohmann::json trial;
    bool over = false;
  };
  std::map<int64_t, Pending> pending;
  std::map<int64_t, std::pair<int64_t, bool>> open;  // job: trial, pauses on its way
  each_line(path, [&](const nlohmann::json& line, size_t number_of_line) {
    if (line.value("type", "") == "ask") {
      const int64_t number = line.value("trial", int64_t{-1});
      open[line["job"]] = {number, line.value("to", int64_t{0}) > 0};
      if (!pending.contains(number)) {
        pending[number].trial = {{"number", number}, {"state", "running"}, {"values", nlohmann::json::array()},
                                 {"params", line.value("values", nlohmann::json::object())},
                                 {"steps", nlohmann::json::array()}, {"run", ""}};
      }
      return;
    }
    const auto job = open.find(line["job"]);
    if (job == open.end()) {
      fail(path, number_of_line, "a job has a result that was not asked for");
    }
    const auto [number, pauses] = job->second;
    open.erase(job);
    const JobResult result = result_from(line);
    add_result(pending[number].trial, result);
    pending[number].over = !pauses || result.state == TrialState::kFailed;
    while (!pending.empty() && pending.begin()->second.over) {
      each(pending.begin()->second.trial);
      pending.erase(pending.begin());
    }
  });
  for (const auto& [number, trial] : pending) {
    each(trial.trial);
  }
}

void StudyJournal::write(const nlohmann::json& line) {
  file_->write(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n");
  file_->sync();
}

void StudyJournal::ask(const Job& job, const Search& search, double time) {
  auto line = ask_json(job, search);
  line["t"] = time;
  write(line);
}

void StudyJournal::tell(const Job& job, const JobResult& result, double time) {
  auto line = result_json(result);
  line["type"] = "tell";
  line["job"] = job.index;
  line["t"] = time;
  write(line);
}

}  // namespace athanor::tune
