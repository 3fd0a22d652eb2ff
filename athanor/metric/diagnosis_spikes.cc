#include "athanor/metric/diagnosis_spikes.h"

#include <algorithm>
#include <map>

namespace athanor {

namespace {

constexpr double kMany = 0.01;      // of the steps
constexpr size_t kNoAccident = 3;   // spikes with one document: over several epochs two may well meet
constexpr size_t kNamedSteps = 4;
constexpr size_t kNamedDocuments = 5;

// "a, b, c and 4 more"
std::string listed(const std::vector<std::string>& names, size_t most) {
  std::string text;
  for (size_t i = 0; i < std::min(most, names.size()); ++i) {
    text += (i == 0 ? "" : ", ") + names[i];
  }
  return text + (names.size() > most ? " and " + std::to_string(names.size() - most) + " more" : "");
}

std::string what_was_done(const std::map<std::string, size_t>& actions) {
  const std::map<std::string, std::string> words = {{"skip", "left out"}, {"rollback", "rolled back"}, {"ignore", "let pass"},
                                                    {"stop", "ended the run"}};
  std::string text;
  for (const auto& [action, count] : actions) {
    const auto word = words.find(action);
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + (word == words.end() ? action : word->second);
  }
  return text;
}

}  // namespace

std::vector<Finding> diagnose_spikes(const RunFacts& facts) {
  if (facts.spikes.empty()) {
    return {};
  }
  std::map<std::string, size_t> actions;
  std::map<std::string, size_t> documents;  // spikes that each was in
  std::vector<std::string> steps;
  for (const auto& spike : facts.spikes) {
    ++actions[spike.action];
    steps.push_back(std::to_string(static_cast<uint64_t>(spike.step)));
    for (const std::string& id : spike.documents) {
      ++documents[id];
    }
  }
  std::vector<std::string> again;
  for (const auto& [id, count] : documents) {
    if (count >= kNoAccident && 2 * count > facts.spikes.size()) {
      again.push_back(id);
    }
  }
  const double last = facts.train_loss.empty() ? 0 : facts.train_loss.back().step;
  const bool many = static_cast<double>(facts.spikes.size()) > kMany * std::max(last, facts.spikes.back().step);
  const std::string places = listed(steps, kNamedSteps);
  const std::string where = " at step" + std::string(steps.size() > 1 ? "s " : " ") + places;
  const std::string count = steps.size() == 1 ? "one" : std::to_string(steps.size());
  const std::string advice =
      again.empty() ? "look at the documents that the run's events name there; where they share nothing: a lower rate, or clipping"
                    : "look at " + listed(again, kNamedDocuments) + ": in most of them";
  return {{"loss spikes", count + where + ": " + what_was_done(actions), advice, "", many}};
}

}  // namespace athanor
