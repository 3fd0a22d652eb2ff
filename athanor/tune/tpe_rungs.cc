#include "athanor/tune/tpe_rungs.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace athanor::tune {

namespace {

constexpr size_t kMaxEntries = 1024;
constexpr size_t kLeast = 4;          // trials of a rung that has a model
constexpr size_t kGoodShare = 4;      // one of so many is good
constexpr size_t kMaxGood = 25;
constexpr double kLowerWeight = 0.25;  // of all rungs below the highest that has a model
constexpr double kPriorWeight = 1;    // wider and flatter than TPE's own: few values, and noisy ones
constexpr double kSharpening = 1;

}  // namespace

RungModel::RungModel(const Space& space, std::vector<size_t> dims, std::vector<int64_t> steps)
    : space_(space), dims_(std::move(dims)), steps_(std::move(steps)), rungs_(steps_.size()) {}

void RungModel::tell(const Trial& trial) {
  for (size_t r = 0; r < steps_.size(); ++r) {
    auto& rung = rungs_[r];
    std::erase_if(rung, [&](const Entry& entry) { return entry.number == trial.number; });
    if (trial.state != TrialState::kComplete && trial.state != TrialState::kPruned) {
      continue;
    }
    double value = std::numeric_limits<double>::quiet_NaN();
    bool came = false;
    for (const auto& [step, at_step] : trial.steps) {
      if (step == steps_[r]) {
        value = at_step;
        came = true;
      }
    }
    if (trial.state == TrialState::kComplete && r + 1 == steps_.size()) {
      value = trial.values.at(0);
      came = true;
    }
    if (!came) {
      continue;
    }
    Entry entry{std::isnan(value) ? std::numeric_limits<double>::infinity() : value, trial.number, trial.point};
    rung.insert(std::upper_bound(rung.begin(), rung.end(), entry), entry);
    if (rung.size() > kMaxEntries) {
      rung.erase(std::min_element(rung.begin(), rung.end(),
                                  [](const Entry& a, const Entry& b) { return a.number < b.number; }));
    }
  }
}

void RungModel::prepare(const std::map<int64_t, Point>& running) {
  models_.clear();
  for (size_t r = 0; r < rungs_.size(); ++r) {
    const auto& rung = rungs_[r];
    if (rung.size() < kLeast) {
      continue;
    }
    models_.push_back({Parzen(space_, dims_, kPriorWeight, kSharpening), Parzen(space_, dims_, kPriorWeight, kSharpening), 1});
    const size_t num_good = std::min(kMaxGood, (rung.size() + kGoodShare - 1) / kGoodShare);
    for (size_t i = 0; i < rung.size(); ++i) {
      Parzen& side = i < num_good ? models_.back().good : models_.back().others;
      side.add(rung[i].number, rung[i].point, Score{});
    }
    if (models_.size() == 1) {
      for (const auto& [number, point] : running) {
        models_.back().others.add(number, point, Score{2, 0, 0});
      }
    }
    models_.back().good.prepare();
    models_.back().others.prepare();
  }
  for (size_t i = 0; i + 1 < models_.size(); ++i) {
    models_[i].weight = kLowerWeight;
  }
}

double RungModel::log_odds(const std::vector<double>& x) const {
  double sum = 0;
  for (const Model& model : models_) {
    sum += model.weight * (model.good.log_density(x) - model.others.log_density(x));
  }
  return sum;
}

}  // namespace athanor::tune
