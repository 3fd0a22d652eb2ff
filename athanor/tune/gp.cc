// A Gaussian process over the unit cube, and the point of the largest expected improvement. Running trials are believed to
// turn out as the model expects. Of long studies the best and the newest trials are kept.
#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
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
constexpr int kMaxPower = 20;        // tenths that the power of the transform may differ from 1
constexpr int kAscent = 40;         // steps of BFGS
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

// Yeo and Johnson's power transform with the exponent of the largest normal likelihood, after standardising: losses often
// have a long tail upwards, beside which what is good would look all the same. Keeps the order.
VectorXd warped(const VectorXd& y) {
  const double mean = y.mean();
  const double deviation = std::sqrt((y.array() - mean).square().mean());
  if (!(deviation > 0)) {
    return y;
  }
  const VectorXd z = (y.array() - mean) / deviation;
  const auto transform = [&](double power) -> VectorXd {
    return z.unaryExpr([power](double v) {
      if (v >= 0) {
        return std::abs(power) < 1e-9 ? std::log1p(v) : (std::pow(v + 1, power) - 1) / power;
      }
      return std::abs(power - 2) < 1e-9 ? -std::log1p(-v) : -(std::pow(1 - v, 2 - power) - 1) / (2 - power);
    });
  };
  const double slopes = z.unaryExpr([](double v) { return std::copysign(std::log1p(std::abs(v)), v); }).sum();
  VectorXd best = z;
  double most = -std::numeric_limits<double>::infinity();
  for (int i = -kMaxPower; i <= kMaxPower; ++i) {
    const double power = 1 + 0.1 * i;
    const VectorXd t = transform(power);
    const double variance = (t.array() - t.mean()).square().mean();
    const double likelihood = -0.5 * static_cast<double>(z.size()) * std::log(variance) + (power - 1) * slopes;
    if (likelihood > most) {
      most = likelihood;
      best = t;
    }
  }
  return best;
}

class GpSampler : public Sampler {
 public:
  GpSampler(const SamplerOptions& options, const Space& space, uint64_t seed)
      : options_(options), space_(space), seed_(seed) {
    for (const Parameter& parameter : space_.parameters()) {
      choice_.push_back(parameter.is_choice());
      fixed_.push_back(parameter.num_cells() > 0);
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
    y = number % 2 == 0 ? y : warped(y);  // in turn: the warped one is sharper near the best, the plain one sees further
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
      ascend(candidates[i], model, best);
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

  // BFGS on what is continuous, inside the cube: a coordinate at its bound that wants to leave stays there.
  void ascend(Candidate& candidate, const GaussianProcess& model, double best) const {
    const auto size = static_cast<Eigen::Index>(space_.size());
    VectorXd mean_slope;
    VectorXd variance_slope;
    const auto at = [&](const VectorXd& x, VectorXd& slope) {
      const auto prediction = model.predict(x, mean_slope, variance_slope);
      const auto by = log_expected_improvement_slopes(prediction.mean, prediction.variance, best);
      slope = by.by_mean * mean_slope + by.by_variance * variance_slope;
      for (Eigen::Index d = 0; d < size; ++d) {
        const bool out = (x[d] <= 0 && slope[d] < 0) || (x[d] >= 1 && slope[d] > 0);
        slope[d] = fixed_[static_cast<size_t>(d)] || out ? 0 : slope[d];
      }
      return log_expected_improvement(prediction.mean, prediction.variance, best);
    };
    VectorXd x = candidate.x;
    VectorXd slope;
    VectorXd next_slope;
    double gain = at(x, slope);
    Eigen::MatrixXd h = Eigen::MatrixXd::Identity(size, size) * 1e-4;
    for (int step = 0; step < kAscent && slope.norm() > 1e-5; ++step) {
      VectorXd direction = h * slope;
      for (Eigen::Index d = 0; d < size; ++d) {
        direction[d] = slope[d] == 0 ? 0 : direction[d];
      }
      if (!(direction.dot(slope) > 0)) {
        h.setIdentity();
        h *= 1e-4;
        direction = h * slope;
      }
      double length = std::min(1.0, 0.2 / std::max(1e-12, direction.cwiseAbs().maxCoeff()));
      VectorXd next;
      double next_gain = gain;
      int tries = 0;
      for (; tries < 12; ++tries, length *= 0.3) {
        next = (x + length * direction).cwiseMax(0).cwiseMin(1);
        next_gain = at(next, next_slope);
        if (next_gain >= gain + 1e-4 * slope.dot(next - x)) {
          break;
        }
      }
      if (tries == 12 || !(next_gain > gain)) {
        break;
      }
      const VectorXd s = next - x;
      const VectorXd y = slope - next_slope;  // of the function that falls
      const double sy = s.dot(y);
      if (sy > 1e-14) {
        const Eigen::MatrixXd left = Eigen::MatrixXd::Identity(size, size) - s * y.transpose() / sy;
        h = (left * h * left.transpose() + s * s.transpose() / sy).eval();
      }
      x = next;
      slope = next_slope;
      gain = next_gain;
    }
    if (gain > candidate.gain) {
      candidate = {x, gain};
    }
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
  std::vector<bool> fixed_;  // has steps: no slope to follow
  std::vector<Known> known_;
  std::map<int64_t, VectorXd> running_;
};

}  // namespace

std::unique_ptr<Sampler> make_gp(const SamplerOptions& options, const Space& space, uint64_t seed) {
  return std::make_unique<GpSampler>(options, space, seed);
}

}  // namespace athanor::tune
