// A Gaussian process over the unit cube, and the point of the largest expected improvement. Running trials are believed to
// turn out as the model expects. Of long studies the best and the newest trials are kept.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <map>

#include "athanor/tune/gaussian_process.h"
#include "athanor/tune/sampler.h"
#include "athanor/tune/sobol.h"

namespace athanor::tune {

namespace {

using Eigen::VectorXd;

constexpr size_t kMaxTrials = 200;
constexpr size_t kMaxBest = 100;
constexpr uint32_t kSpread = 1024;  // candidates all over the cube
constexpr size_t kNear = 10;        // of the best trials, surrounded by
constexpr int kAround = 20;         // candidates each
constexpr size_t kStarts = 5;       // of the best candidates, improved

struct Known {
  int64_t number;
  VectorXd x;
  double value;
};

struct Candidate {
  VectorXd x;
  double gain;
};

class GpSampler : public Sampler {
 public:
  GpSampler(const SamplerOptions& options, const Space& space, uint64_t seed)
      : options_(options), space_(space), seed_(seed) {
    for (const Parameter& parameter : space_.parameters()) {
      choice_.push_back(parameter.is_choice());
    }
  }

  Point suggest(int64_t number) override {
    std::vector<double> units(space_.size());
    if (known_.size() < static_cast<size_t>(std::max<int64_t>(2, options_.startup))) {
      for (size_t i = 0; i < units.size(); ++i) {
        units[i] = sobol_unit(seed_, static_cast<uint32_t>(number), static_cast<int>(i));
      }
      return space_.from_units(units);
    }
    const VectorXd x = best_gain(number);
    Point point(space_.size());
    for (size_t i = 0; i < units.size(); ++i) {
      point[i] = value_of(i, x[static_cast<Eigen::Index>(i)]);
    }
    space_.settle(point);
    return point;
  }

  void note(int64_t number, const Point& point) override { running_[number] = place_of(point); }

  void tell(const Trial& trial) override {
    running_.erase(trial.number);
    std::erase_if(known_, [&](const Known& known) { return known.number == trial.number; });
    if (trial.state == TrialState::kFailed || trial.values.empty() || !std::isfinite(trial.values[0])) {
      return;
    }
    known_.push_back({trial.number, place_of(trial.point), trial.values[0]});
    if (known_.size() > 2 * kMaxTrials) {
      known_ = kept();
    }
  }

 private:
  VectorXd place_of(const Point& point) const {
    VectorXd x(static_cast<Eigen::Index>(point.size()));
    for (size_t i = 0; i < point.size(); ++i) {
      const double value = std::isnan(point[i]) ? space_[i].from_unit(0.5) : point[i];
      x[static_cast<Eigen::Index>(i)] = choice_[i] ? value : space_[i].to_unit(value);
    }
    return x;
  }

  double value_of(size_t i, double x) const { return choice_[i] ? x : space_[i].from_unit(x); }

  // The same place with every coordinate on a value that the parameter can have.
  void snap(VectorXd& x) const {
    for (size_t i = 0; i < space_.size(); ++i) {
      const auto d = static_cast<Eigen::Index>(i);
      x[d] = choice_[i] ? x[d] : space_[i].to_unit(space_[i].from_unit(std::clamp(x[d], 0.0, 1.0)));
    }
  }

  std::vector<Known> kept() const {
    std::vector<Known> order = known_;
    std::stable_sort(order.begin(), order.end(), [](const Known& a, const Known& b) { return a.value < b.value; });
    if (order.size() <= kMaxTrials) {
      return order;
    }
    std::stable_sort(order.begin() + kMaxBest, order.end(), [](const Known& a, const Known& b) { return a.number > b.number; });
    order.resize(kMaxTrials);
    return order;
  }

  VectorXd best_gain(int64_t number) const {
    const std::vector<Known> trials = kept();
    const auto n = static_cast<Eigen::Index>(trials.size());
    Eigen::MatrixXd x(n, static_cast<Eigen::Index>(space_.size()));
    VectorXd y(n);
    for (Eigen::Index i = 0; i < n; ++i) {
      x.row(i) = trials[static_cast<size_t>(i)].x.transpose();
      y[i] = trials[static_cast<size_t>(i)].value;
    }
    GaussianProcess model(x, y, choice_);
    for (const auto& [other, place] : running_) {
      model.believe(place);
    }
    const double best = y.minCoeff();
    const auto gain = [&](const VectorXd& place) {
      const auto prediction = model.predict(place);
      return log_expected_improvement(prediction.mean, prediction.variance, best);
    };
    Rng rng(random_at(seed_, 0x69, static_cast<uint64_t>(number)));
    std::vector<Candidate> candidates = spread(number, trials, rng);
    for (Candidate& candidate : candidates) {
      candidate.gain = gain(candidate.x);
    }
    std::stable_sort(candidates.begin(), candidates.end(),
                     [](const Candidate& a, const Candidate& b) { return a.gain > b.gain; });
    Candidate top = candidates[0];
    for (size_t i = 0; i < std::min(kStarts, candidates.size()); ++i) {
      climb(candidates[i], gain);
      top = candidates[i].gain > top.gain ? candidates[i] : top;
    }
    return top.x;
  }

  std::vector<Candidate> spread(int64_t number, const std::vector<Known>& trials, Rng& rng) const {
    std::vector<Candidate> list;
    const uint64_t key = random_at(seed_, 0x67, static_cast<uint64_t>(number));
    std::vector<double> units(space_.size());
    for (uint32_t i = 0; i < kSpread; ++i) {
      for (size_t d = 0; d < units.size(); ++d) {
        units[d] = sobol_unit(key, i, static_cast<int>(d));
      }
      list.push_back({place_of(space_.from_units(units)), 0});
    }
    for (size_t t = 0; t < std::min(kNear, trials.size()); ++t) {
      for (int i = 0; i < kAround; ++i) {
        VectorXd x = trials[t].x;
        const double width = std::pow(10.0, -1 - i % 3);
        for (size_t d = 0; d < space_.size(); ++d) {
          const auto at = static_cast<Eigen::Index>(d);
          if (choice_[d]) {
            x[at] = rng.uniform() < 0.1 ? space_[d].from_unit(rng.uniform()) : x[at];
          } else {
            x[at] = std::clamp(x[at] + width * rng.normal(), 0.0, 1.0);
          }
        }
        snap(x);
        list.push_back({x, 0});
      }
    }
    return list;
  }

  // Coordinate search: each coordinate a step up and down, the step halved when none helps.
  template <class Gain>
  void climb(Candidate& candidate, const Gain& gain) const {
    for (double step = 0.1; step > 1e-4;) {
      bool better = false;
      for (size_t d = 0; d < space_.size(); ++d) {
        const auto at = static_cast<Eigen::Index>(d);
        const auto attempt = [&](double place) {
          VectorXd x = candidate.x;
          x[at] = place;
          snap(x);
          const double value = gain(x);
          if (value > candidate.gain + 1e-12) {
            candidate = {x, value};
            better = true;
          }
        };
        if (choice_[d]) {
          for (size_t c = 0; c < std::min<size_t>(space_[d].choices.size(), 20) && step == 0.1; ++c) {
            attempt(static_cast<double>(c));
          }
        } else {
          const double reach = std::max(step, space_[d].num_cells() > 0 ? 1.0 / static_cast<double>(space_[d].num_cells()) : 0);
          const double from = candidate.x[at];
          attempt(std::min(1.0, from + reach));
          attempt(std::max(0.0, from - reach));
        }
      }
      step = better ? step : step / 3;
    }
  }

  SamplerOptions options_;
  Space space_;
  uint64_t seed_;
  std::vector<bool> choice_;
  std::vector<Known> known_;
  std::map<int64_t, VectorXd> running_;
};

}  // namespace

std::unique_ptr<Sampler> make_gp(const SamplerOptions& options, const Space& space, uint64_t seed) {
  return std::make_unique<GpSampler>(options, space, seed);
}

}  // namespace athanor::tune
