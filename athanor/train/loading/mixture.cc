#include "athanor/train/loading/mixture.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

constexpr double kLeastShare = 1e-6;  // below it rounding could give a sample twice

// Of the first n samples of sources 0 .. s, so many belong to 0 .. s-1.
uint64_t share_of(uint64_t n, double ratio) {
  return static_cast<uint64_t>(std::floor(static_cast<double>(n) * ratio + 0.5));
}

// ratios[s]: weight of the sources before s over the weight of those up to s.
std::vector<double> ratios_of(const std::vector<double>& weights) {
  std::vector<double> ratios(weights.size(), 0);
  double before = 0;
  for (size_t s = 0; s < weights.size(); ++s) {
    const double with = before + weights[s];
    ratios[s] = weights[s] == 0 ? 1 : before / with;
    before = with;
  }
  return ratios;
}

[[noreturn]] void fail(const std::string& what, const std::string& hint = "") {
  throw Error(ErrorKind::kUsage, what, "mixture", hint);
}

std::vector<double> weights_of(const nlohmann::json& map, const std::vector<std::string>& names) {
  if (!map.is_object()) {
    fail("weights must be a map from inputs to numbers, not " + map.dump(), "for example {web: 0.8, books: 0.2}");
  }
  std::vector<double> weights(names.size(), 0);
  for (const auto& [name, value] : map.items()) {
    const auto found = std::find(names.begin(), names.end(), name);
    if (found == names.end()) {
      fail("there is no input '" + name + "' to mix", did_you_mean(name, names));
    }
    if (!value.is_number() || !(value.get<double>() >= 0) || !std::isfinite(value.get<double>())) {
      fail("the weight of '" + name + "' must be a number from 0, not " + value.dump());
    }
    weights[static_cast<size_t>(found - names.begin())] = value.get<double>();
  }
  double sum = 0;
  for (const double weight : weights) {
    sum += weight;
  }
  if (!(sum > 0)) {
    fail("all weights are 0");
  }
  for (double& weight : weights) {
    weight = weight / sum < kLeastShare ? 0 : weight / sum;
  }
  return weights;
}

}  // namespace

Mixture::Mixture(std::vector<MixtureStage> stages) : stages_(std::move(stages)) {
  uint64_t begin = 0;
  std::vector<uint64_t> given(stages_.at(0).weights.size(), 0);
  for (const MixtureStage& stage : stages_) {
    begins_.push_back(begin);
    before_.push_back(given);
    if (&stage != &stages_.back()) {
      const std::vector<uint64_t> counts = stage_counts(stage, stage.end - begin);
      for (size_t s = 0; s < given.size(); ++s) {
        given[s] += counts[s];
      }
      begin = stage.end;
    }
  }
}

std::vector<uint64_t> Mixture::stage_counts(const MixtureStage& stage, uint64_t num_samples) const {
  const std::vector<double> ratios = ratios_of(stage.weights);
  std::vector<uint64_t> counts(stage.weights.size(), 0);
  uint64_t left = num_samples;
  for (size_t s = counts.size(); s-- > 0;) {
    const uint64_t lower = s == 0 ? 0 : share_of(left, ratios[s]);
    counts[s] = left - lower;
    left = lower;
  }
  return counts;
}

Mixture::Place Mixture::at(uint64_t sample) const {
  const size_t stage = static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), sample) - begins_.begin()) - 1;
  const std::vector<double> ratios = ratios_of(stages_[stage].weights);
  uint64_t n = sample - begins_[stage];
  for (size_t s = ratios.size() - 1; s > 0; --s) {
    const uint64_t lower = share_of(n, ratios[s]);
    if (share_of(n + 1, ratios[s]) == lower) {
      return {s, before_[stage][s] + n - lower};
    }
    n = lower;
  }
  return {0, before_[stage][0] + n};
}

std::vector<uint64_t> Mixture::counts(uint64_t num_samples) const {
  const size_t stage =
      static_cast<size_t>(std::upper_bound(begins_.begin(), begins_.end(), num_samples) - begins_.begin()) - 1;
  std::vector<uint64_t> counts = stage_counts(stages_[stage], num_samples - begins_[stage]);
  for (size_t s = 0; s < counts.size(); ++s) {
    counts[s] += before_[stage][s];
  }
  return counts;
}

Mixture parse_mixture(const nlohmann::json& given, const std::vector<std::string>& names,
                      const std::vector<double>& sizes, uint64_t num_samples) {
  nlohmann::json stages = given;
  if (given.is_null() || given.empty()) {
    nlohmann::json by_size = nlohmann::json::object();
    for (size_t s = 0; s < names.size(); ++s) {
      by_size[names[s]] = sizes[s];
    }
    stages = nlohmann::json::array({{{"weights", by_size}}});
  } else if (given.is_object()) {
    stages = nlohmann::json::array({{{"weights", given}}});
  } else if (!given.is_array()) {
    fail("must be a map of weights, or a list of stages", "for example mixture: {web: 0.8, books: 0.2}");
  }
  std::vector<MixtureStage> parsed;
  std::vector<bool> used(names.size(), false);
  double previous = 0;
  for (size_t i = 0; i < stages.size(); ++i) {
    const auto& entry = stages[i];
    if (!entry.is_object() || !entry.contains("weights")) {
      fail("stage " + std::to_string(i + 1) + " must be {until: SHARE, weights: {...}}");
    }
    for (const auto& [key, value] : entry.items()) {
      if (key != "weights" && (key != "until" || i + 1 == stages.size())) {
        fail("stage " + std::to_string(i + 1) + " has no use for '" + key + "'",
             key == "until" ? "the last stage lasts to the end" : "a stage is {until: SHARE, weights: {...}}");
      }
    }
    MixtureStage stage;
    stage.weights = weights_of(entry["weights"], names);
    for (size_t s = 0; s < names.size(); ++s) {
      used[s] = used[s] || stage.weights[s] > 0;
    }
    const bool last = i + 1 == stages.size();
    if (!last) {
      const auto until = entry.find("until");
      if (until == entry.end() || !until->is_number() || until->get<double>() <= previous || until->get<double>() >= 1) {
        fail("stage " + std::to_string(i + 1) + " needs until: a share of the run above " + std::to_string(previous) +
             " and below 1; only the last stage has none");
      }
      previous = until->get<double>();
      stage.end = static_cast<uint64_t>(std::llround(previous * static_cast<double>(num_samples)));
      if (!parsed.empty() && stage.end <= parsed.back().end) {
        fail("stage " + std::to_string(i + 1) + " holds no sample");
      }
    }
    parsed.push_back(std::move(stage));
  }
  for (size_t s = 0; s < names.size(); ++s) {
    if (!used[s]) {
      fail("the input '" + names[s] + "' has no weight", "give it one, or leave the input out");
    }
  }
  return Mixture(std::move(parsed));
}

}  // namespace athanor
