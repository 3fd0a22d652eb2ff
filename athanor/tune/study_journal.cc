#include "athanor/tune/study_journal.h"

#include <cmath>
#include <limits>

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

StudyJournal::StudyJournal(const fs::path& path, Search& search,
                           const std::function<void(const nlohmann::json& line)>& seen) {
  std::string text = fs::exists(path) ? read_file(path) : "";
  const size_t whole = text.rfind('\n') == std::string::npos ? 0 : text.rfind('\n') + 1;
  if (whole < text.size()) {
    text.resize(whole);
    fs::resize_file(path, whole);
  }
  size_t number_of_line = 0;
  for (size_t at = 0; at < text.size();) {
    const size_t end = text.find('\n', at);
    const auto line = nlohmann::json::parse(text.substr(at, end - at), nullptr, false);
    at = end + 1;
    ++number_of_line;
    if (!line.is_object() || !line.contains("job") || !line["job"].is_number_integer()) {
      fail(path, number_of_line, "a line of the study's journal cannot be read");
    }
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
  }
  file_ = std::make_unique<FileWriter>(path, FileWriter::Mode::kAppend);
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
