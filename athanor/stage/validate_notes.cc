#include "athanor/stage/validate_notes.h"

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/run/event.h"

namespace athanor {

namespace {

constexpr double kOverlap = 0.01;  // as the doctor has it: metric/diagnosis.cc
constexpr size_t kNamed = 10;      // folds in a sentence

std::string without_numbers(const std::string& text) {
  std::string out;
  for (const char c : text) {
    const bool number = c >= '0' && c <= '9';
    if (!number) {
      out += c;
    } else if (out.empty() || out.back() != '0') {
      out += '0';
    }
  }
  return out;
}

std::string listed(const std::vector<std::string>& names) {
  std::string out;
  for (size_t i = 0; i < std::min(names.size(), kNamed); ++i) {
    out += (out.empty() ? "" : "; ") + names[i];
  }
  return names.size() > kNamed ? out + "; and " + std::to_string(names.size() - kNamed) + " more" : out;
}

}  // namespace

void FoldNotes::add(const std::string& fold, const PipelinePlan& plan, const RunStore& store) {
  bool behind = false;
  for (const StepPlan& step : plan.steps) {
    behind = behind || step.verb->name == "fold";
    const auto done = behind ? store.find_done(step.verb->name, step.id) : std::nullopt;
    if (!done) {
      continue;
    }
    read_events(done->dir / "events.jsonl", [&](const nlohmann::json& event) {
      if (event.value("type", "") != "warning") {
        return;
      }
      const std::string text = step.label + ": " + event.value("what", "");
      Told& told = warned_[without_numbers(text)];
      told.text = told.text.empty() ? text : told.text;
      if (std::find(told.folds.begin(), told.folds.end(), fold) == told.folds.end()) {
        told.folds.push_back(fold);
      }
    });
    read_result(fold, step, done->info.value("result", nlohmann::json::object()));
  }
}

void FoldNotes::read_result(const std::string& fold, const StepPlan& step, const nlohmann::json& result) {
  const auto add_scores = [&](const nlohmann::json& scores, const std::string& name) {
    auto& told = told_[name][fold];
    for (const auto& [key, score] : scores.items()) {
      if (score.is_object() && score.contains("value")) {
        told.insert(key);
        scores_[name].insert(key);
      }
    }
  };
  if (step.verb->name == "evaluate") {
    add_scores(result, step.label);
  }
  if (const auto valid = result.find("valid"); valid != result.end() && valid->is_object()) {
    add_scores(*valid, step.label + ".valid");
  }
  const auto stopping = result.value("early_stopping", nlohmann::json::object());
  if (stopping.value("judged_by", "") == "valid" && (same_rows_ || metric_steps_.contains(step.label))) {
    stopped_.insert(step.label);
  }
  const auto checks = result.value("checks", nlohmann::json::object());
  if (checks.contains("overlap") && checks["overlap"].is_number()) {
    overlaps_[fold] = std::max(overlaps_[fold], checks["overlap"].get<double>());
  }
}

std::vector<std::string> FoldNotes::warnings() const {
  std::vector<std::string> out;
  for (const auto& [key, told] : warned_) {
    out.push_back(told.text + " (" + told.folds[0] +
                  (told.folds.size() > 1 ? "; the like in " + std::to_string(told.folds.size() - 1) + " other folds" : "") + ")");
  }
  for (const auto& [step, all] : scores_) {
    for (const std::string& score : all) {
      std::vector<std::string> without;
      for (const auto& [fold, told] : told_.at(step)) {
        if (!told.contains(score)) {
          without.push_back(fold);
        }
      }
      if (!without.empty()) {
        out.push_back(step + "." + score + " is not defined in " + listed(without) +
                      ": the rows held out there are of one class, or all alike; by=stratified or fewer folds");
      }
    }
  }
  double most = 0;
  std::string where;
  for (const auto& [fold, share] : overlaps_) {
    if (share > most) {
      most = share;
      where = fold;
    }
  }
  if (most > kOverlap) {
    out.push_back("up to " + fixed_number(100 * most, 1) + " % of the rows held out (" + where +
                  ") stand among the training rows too, the same in all: scores are too good; dedup first, or by=grouped");
  }
  for (const std::string& step : stopped_) {
    out.push_back(step + ": the rows that judge a fold told the model when to stop, so its scores are a little too good; valid=0.1 and a "
                         "metric of evaluate on the fold's test part keep them apart");
  }
  return out;
}

}  // namespace athanor
