#include "athanor/stage/doctor_study.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <utility>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/run/event.h"
#include "athanor/run/recipe.h"
#include "athanor/stage/doctor_run.h"
#include "athanor/tune/space.h"

namespace athanor {

namespace {

double number_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_number() ? found->get<double>() : std::nan("");
}

// The space with another range for one parameter, as a change of the study's recipe.
std::string with_range(const nlohmann::json& space, const tune::Parameter& parameter, double low, double high) {
  nlohmann::json changed = space;
  const bool whole = parameter.kind == tune::ParameterKind::kInt;
  for (const char* key : {"float", "int", "log"}) {
    auto& field = changed[parameter.name];
    if (field.is_object() && field.contains(key) && field[key].is_array()) {
      field[key] = whole ? nlohmann::json{std::llround(low), std::llround(high)} : nlohmann::json{low, high};
    }
  }
  return "space=" + changed.dump();
}

// Two digits are enough for the end of a range.
double rounded(double value) {
  char buffer[32];
  std::snprintf(buffer, sizeof buffer, "%.2g", value);
  return std::strtod(buffer, nullptr);
}

void add_ranges(const nlohmann::json& space, const tune::Parameter& parameter, double good_low, double good_high,
                StudyFacts::Field& field) {
  const double low = parameter.low, high = parameter.high;
  double below = low - (high - low) / 2, above = high + (high - low) / 2;
  if (parameter.log) {
    const double factor = std::clamp(std::sqrt(high / low), 2.0, 100.0);
    below = low / factor;
    above = high * factor;
  }
  if (!parameter.log && low >= 0 && below < 0) {
    below = low / 2;  // a length or a share is not negative
  }
  if (parameter.kind == tune::ParameterKind::kInt && low >= 1) {
    below = std::max(1.0, below);
  }
  field.wider_above = with_range(space, parameter, low, rounded(above));
  field.wider_below = below < low ? with_range(space, parameter, rounded(below), high) : "";
  if (good_low < good_high) {
    field.narrower = with_range(space, parameter, rounded(good_low), rounded(good_high));
  }
}

StudyFacts facts_of_study(const nlohmann::json& study) {
  StudyFacts facts;
  const auto metrics = study.at("metrics");
  facts.metric = metrics.at(0).get<std::string>();
  facts.higher_is_better = study.at("directions").at(0) != "minimize";
  const auto& json_space = study.at("space");
  const tune::Space space = tune::Space::from_json(json_space);
  for (const auto& parameter : space.parameters()) {
    StudyFacts::Field field;
    field.name = parameter.name;
    if (!parameter.is_choice()) {
      field.low = parameter.low;
      field.high = parameter.high;
    }
    field.importance = number_of(study.value("importance", nlohmann::json::object()), parameter.name.c_str());
    facts.fields.push_back(std::move(field));
  }
  for (const auto& trial : study.at("trials")) {
    ++facts.trials;
    const std::string state = trial.value("state", "");
    if (state == "failed") {
      ++facts.failed;
      facts.error = facts.error.empty() ? trial.value("error", "") : facts.error;
    }
    const auto values = trial.value("values", nlohmann::json::array());
    if (state != "complete" || values.empty() || !values[0].is_number() || metrics.size() > 1) {
      continue;
    }
    facts.values.push_back(values[0].get<double>());
    for (size_t i = 0; i < space.size(); ++i) {
      const double value = number_of(trial.value("params", nlohmann::json::object()), space[i].name.c_str());
      const double span = space[i].axis(space[i].high) - space[i].axis(space[i].low);
      const bool known = !space[i].is_choice() && std::isfinite(value) && span > 0;
      facts.fields[i].places.push_back(known ? (space[i].axis(value) - space[i].axis(space[i].low)) / span : std::nan(""));
    }
  }
  const auto better = [&](double a, double b) { return facts.higher_is_better ? a > b : a < b; };
  std::vector<size_t> order(facts.values.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
  }
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) { return better(facts.values[a], facts.values[b]); });
  for (size_t i = 0; i < space.size() && !order.empty(); ++i) {
    const tune::Parameter& parameter = space[i];
    StudyFacts::Field& field = facts.fields[i];
    if (parameter.is_choice()) {
      continue;
    }
    const auto value_at = [&](double place) {
      return parameter.value_at(parameter.axis(parameter.low) + place * (parameter.axis(parameter.high) - parameter.axis(parameter.low)));
    };
    double low = 1, high = 0;  // of the best quarter, with a margin
    for (size_t k = 0; k < std::max<size_t>(1, order.size() / 4); ++k) {
      const double place = field.places[order[k]];
      low = std::isfinite(place) ? std::min(low, std::max(0.0, place - 0.1)) : low;
      high = std::isfinite(place) ? std::max(high, std::min(1.0, place + 0.1)) : high;
    }
    field.best = value_at(field.places[order[0]]);
    add_ranges(json_space, parameter, value_at(low), value_at(high), field);
  }
  return facts;
}

// What the runs of one recipe's folds say in the mean. Nothing when a fold's run is gone.
std::vector<Finding> findings_of_children(const std::vector<std::string>& names, const FoldFacts& folds, const RunStore& store) {
  RunFacts all;
  double train = 0, valid = 0;
  uint64_t rows = 0;
  for (size_t i = 0; i < names.size(); ++i) {
    const auto run = store.find(names[i]);
    if (!run || run->status != "done") {
      return {};
    }
    const RunFacts facts = facts_of(*run, load_recipe(run->dir / "recipe.yaml").to_json());
    all = i == 0 ? facts : all;
    train += facts.train_score / static_cast<double>(names.size());
    valid += facts.valid_score / static_cast<double>(names.size());
    rows += facts.valid_rows;
  }
  if (names.empty() || !all.train_loss.empty()) {
    return {};  // curves of several runs have no mean
  }
  all.train_score = train;
  all.valid_score = valid;
  all.valid_rows = rows;
  all.valid_low = all.valid_high = all.train_balanced = all.residual_gain = std::nan("");
  std::vector<Finding> findings = diagnose(all);
  std::erase_if(findings, [](const Finding& finding) { return finding.name == "drift"; });  // folds are drawn at random
  for (Finding& finding : findings) {
    finding.evidence = (folds.name.empty() ? "" : folds.name + ": ") + finding.evidence + " (mean of the folds)";
    finding.change.clear();  // a change of the recipe that is validated, not of this one
  }
  return findings;
}

}  // namespace

std::vector<Finding> findings_of_study(const RunSummary& run) {
  const fs::path path = run.dir / "out" / "study.json";
  const auto study = nlohmann::json::parse(read_file(path), nullptr, false);
  try {
    return diagnose_study(facts_of_study(study));
  } catch (const nlohmann::json::exception& error) {
    throw Error(ErrorKind::kInput, path.string() + " is not what tune writes", "doctor", error.what());
  }
}

std::vector<Finding> findings_of_folds(const RunSummary& run, const RunStore& store) {
  std::map<std::string, std::vector<std::string>> runs;  // of a recipe with values, at full share
  int64_t repeats = 0;
  read_events(run.dir / "events.jsonl", [&](const nlohmann::json& event) {
    if (event.value("type", "") == "fold" && !event.contains("inner_fold") && event.value("share", 1.0) == 1.0) {
      repeats = std::max(repeats, event.value("repeat", int64_t{0}));
      if (event.contains("run")) {
        runs[event.value("recipe", "") + event.value("params", nlohmann::json::object()).dump()].push_back(event.value("run", ""));
      }
    }
  });
  std::vector<Finding> all;
  const auto& scores = run.info.value("result", nlohmann::json::object()).value("scores", nlohmann::json::array());
  std::map<std::string, bool> looked;
  for (const auto& score : scores) {
    if (score.value("share", 1.0) != 1.0) {
      continue;
    }
    FoldFacts facts;
    const std::string recipe = score.value("recipe", "");
    const auto values = score.value("values", nlohmann::json::object());
    facts.name = (recipe == "recipe" ? "" : recipe) + (values.empty() ? "" : (recipe == "recipe" ? "" : " ") + values.dump());
    facts.metric = score.value("metric", "");
    for (const auto& value : score.value("folds", nlohmann::json::array())) {
      facts.values.push_back(value.is_number() ? value.get<double>() : std::nan(""));
    }
    std::erase_if(facts.values, [](double value) { return !std::isfinite(value); });
    facts.low = number_of(score, "low");
    facts.high = number_of(score, "high");
    facts.repeats = static_cast<uint64_t>(repeats) + 1;
    facts.drawn = run.info.value("result", nlohmann::json::object()).value("by", "") != "time";
    std::vector<Finding> findings = diagnose_folds(facts);
    if (!std::exchange(looked[recipe + values.dump()], true)) {
      for (auto& finding : findings_of_children(runs[recipe + values.dump()], facts, store)) {
        findings.push_back(std::move(finding));
      }
    }
    all.insert(all.end(), findings.begin(), findings.end());
  }
  return all;
}

}  // namespace athanor
