// Tree-structured Parzen estimator (Bergstra et al. 2011; multivariate as Optuna's): of n trials the best
// min(ceil(n / 10), 25) are the good ones; candidates are drawn from their density l and the one with the largest l / g is
// tried, g being the density of all others, running ones included. Parameters that exist under the same condition form
// a group with densities of its own. Where trials pause at rungs, tpe_rungs.h has another way.
#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <optional>

#include "athanor/tune/parzen.h"
#include "athanor/tune/sampler.h"
#include "athanor/tune/sobol.h"
#include "athanor/tune/tpe_rungs.h"

namespace athanor::tune {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMaxGood = 25;
constexpr int64_t kEvenEvery = 3;  // among rungs: of so many trials one is spread evenly, whatever was learnt

struct Good {
  Score score;
  int64_t number;
  Point point;
  bool operator<(const Good& other) const {
    return score != other.score ? score < other.score : number < other.number;
  }
};

struct Group {
  Group(const Space& space, const std::vector<size_t>& all)
      : first(all[0]), dims(part(space, all, false)), single(part(space, all, true)), others(space, dims) {}

  static std::vector<size_t> part(const Space& space, const std::vector<size_t>& all, bool single) {
    std::vector<size_t> found;
    std::copy_if(all.begin(), all.end(), std::back_inserter(found),
                 [&](size_t i) { return (space[i].num_cells() == 1) == single; });
    return found;
  }

  size_t first;  // any of them, to ask whether they exist
  std::vector<size_t> dims;
  std::vector<size_t> single;  // parameters of one value: nothing to learn
  std::vector<Good> good;      // best first
  Parzen others;
  std::optional<RungModel> rungs;
  uint64_t running = 0;

  uint64_t finished() const { return good.size() + others.count() - running; }
};

Score score_of(const Trial& trial) {
  if (trial.state == TrialState::kComplete) {
    return {0, trial.values.at(0), 0};
  }
  if (trial.steps.empty()) {
    return {1, 1, 0};
  }
  const auto& [step, value] = trial.steps.back();
  return {1, -static_cast<double>(step), std::isnan(value) ? std::numeric_limits<double>::infinity() : value};
}

class TpeSampler : public Sampler {
 public:
  TpeSampler(const SamplerOptions& options, const Space& space, uint64_t seed)
      : options_(options), space_(space), seed_(seed) {
    std::map<std::pair<int, std::vector<double>>, std::vector<size_t>> conditions;  // a parent comes before its children
    for (size_t i = 0; i < space_.size(); ++i) {
      conditions[{space_[i].parent, space_[i].when_values}].push_back(i);
    }
    for (auto& [condition, dims] : conditions) {
      groups_.emplace_back(space_, dims);
    }
  }

  Point suggest(int64_t number) override {
    Point point(space_.size(), kNaN);
    Rng rng(random_at(seed_, 0x79e, static_cast<uint64_t>(number)));
    for (Group& group : groups_) {
      if (!space_.active(group.first, point)) {
        continue;
      }
      for (const size_t i : group.single) {
        point[i] = space_[i].low;
      }
      if (group.finished() < static_cast<uint64_t>(options_.startup)) {
        even(group, number, point);
      } else if (group.rungs) {
        suggest_among_rungs(group, number, rng, point);
      } else {
        suggest(group, rng, point);
      }
    }
    return point;
  }

  void note(int64_t number, const Point& point) override {
    for (Group& group : groups_) {
      if (space_.active(group.first, point)) {
        group.others.add(number, point, Score{2, 0, 0});
        ++group.running;
      }
    }
    running_.emplace(number, point);
  }

  void pauses_at(const std::vector<int64_t>& steps) override {
    for (Group& group : groups_) {
      group.rungs.emplace(space_, group.dims, steps);
    }
  }

  void tell(const Trial& trial) override {
    const bool was_running = running_.erase(trial.number) > 0;
    for (Group& group : groups_) {
      if (!space_.active(group.first, trial.point)) {
        continue;
      }
      group.running -= was_running ? 1 : 0;
      group.others.remove(trial.number);
      std::erase_if(group.good, [&](const Good& good) { return good.number == trial.number; });
      if (trial.state != TrialState::kFailed && trial.state != TrialState::kRunning) {
        learn(group, {score_of(trial), trial.number, trial.point});
      }
      if (group.rungs) {
        group.rungs->tell(trial);
      }
    }
  }

 private:
  static void learn(Group& group, Good trial) {
    const uint64_t n = group.finished() + 1;
    const size_t want = std::min<size_t>((n + 9) / 10, kMaxGood);
    if (group.good.empty() || trial < group.good.back()) {
      group.good.insert(std::upper_bound(group.good.begin(), group.good.end(), trial), trial);
    } else {
      group.others.add(trial.number, trial.point, trial.score);
    }
    while (group.good.size() > want) {
      const Good& worst = group.good.back();
      group.others.add(worst.number, worst.point, worst.score);
      group.good.pop_back();
    }
    while (group.good.size() < want) {
      const auto best = group.others.take_best();
      if (best.number < 0) {
        return;
      }
      const Good next{best.score, best.number, best.point};
      group.good.insert(std::upper_bound(group.good.begin(), group.good.end(), next), next);
    }
  }

  void even(const Group& group, int64_t number, Point& point) const {
    for (const size_t i : group.dims) {
      point[i] = space_[i].from_unit(sobol_unit(seed_, static_cast<uint32_t>(number), static_cast<int>(i)));
    }
  }

  void suggest_among_rungs(Group& group, int64_t number, Rng& rng, Point& point) {
    std::map<int64_t, Point> running = running_;
    std::erase_if(running, [&](const auto& trial) { return !space_.active(group.first, trial.second); });
    group.rungs->prepare(running);
    even(group, number, point);
    Point candidate = point;
    std::vector<double> x(group.dims.size());
    double best_odds = -std::numeric_limits<double>::infinity();
    const bool learnt = group.rungs->ready() && number % kEvenEvery != 0;
    for (int64_t c = 0; c < options_.candidates && learnt; ++c) {
      for (size_t d = 0; d < group.dims.size(); ++d) {
        const Parameter& parameter = space_[group.dims[d]];
        double& value = candidate[group.dims[d]];
        value = c == 0 ? value : parameter.from_unit(rng.uniform());
        x[d] = parameter.is_choice() ? value : parameter.axis(value);
      }
      const double odds = group.rungs->log_odds(x);
      if (odds > best_odds) {
        best_odds = odds;
        point = candidate;
      }
    }
  }

  void suggest(Group& group, Rng& rng, Point& point) {
    Parzen good(space_, group.dims);
    for (const Good& trial : group.good) {
      good.add(trial.number, trial.point, trial.score);
    }
    good.prepare();
    group.others.prepare();
    std::vector<double> x;
    std::vector<double> best;
    double best_ratio = -std::numeric_limits<double>::infinity();
    for (int64_t i = 0; i < options_.candidates; ++i) {
      good.sample(rng, x);
      const double ratio = good.log_density(x) - group.others.log_density(x);
      if (best.empty() || ratio > best_ratio) {
        best_ratio = ratio;
        best = x;
      }
    }
    for (size_t d = 0; d < group.dims.size(); ++d) {
      const Parameter& parameter = space_[group.dims[d]];
      point[group.dims[d]] = parameter.is_choice() ? best[d] : parameter.value_at(best[d]);
    }
  }

  SamplerOptions options_;
  Space space_;
  uint64_t seed_;
  std::vector<Group> groups_;
  std::map<int64_t, Point> running_;
};

}  // namespace

std::unique_ptr<Sampler> make_tpe(const SamplerOptions& options, const Space& space, uint64_t seed) {
  return std::make_unique<TpeSampler>(options, space, seed);
}

}  // namespace athanor::tune
