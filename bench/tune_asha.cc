// ASHA over made-up learning curves, many seeds in a second: tune_asha SAMPLER TRIALS SEEDS [RANDOM_TRIALS [BIAS]].
//
// The space is that of bench/asha.py. Each seed draws a landscape of its own: where the best rate is, how far above it the
// rate lies that looks best after few steps, what width and depth bring early and late, the noise. Printed: in how many
// seeds ASHA (rungs at 24 and 96 of 384 steps, one of four goes on) ends at least as low as random search of RANDOM_TRIALS
// (16) trials trained to the end, its steps as a share of theirs, and the mean and median distance to the least loss there is.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/tune/search.h"

using namespace athanor;
using namespace athanor::tune;

namespace {

constexpr int64_t kSteps = 384;
constexpr int64_t kFirst = 24;

Space space() {
  return Space::from_json({{"lr", {{"log", {1e-5, 0.3}}}},
                           {"batch", {{"choice", {2, 4, 8, 16}}}},
                           {"layers", {{"int", {1, 3}}}},
                           {"width", {{"choice", {32, 64, 96}}}},
                           {"decay", {{"float", {0, 0.3}}, {"step", 0.05}}}});
}

class Landscape {
 public:
  Landscape(const Space& space, uint64_t seed, double bias) : seed_(seed) {
    Rng rng(random_at(seed, 0xa54a));
    for (size_t i = 0; i < 5; ++i) {
      at_[i] = static_cast<size_t>(space.find(std::vector<std::string>{"lr", "batch", "layers", "width", "decay"}[i]));
    }
    best_rate_ = -3.5 + 2 * rng.uniform();
    shift_ = 0.8 * rng.uniform();
    slope_ = 0.15 + 0.25 * rng.uniform();
    batch_ = 0.05 + 0.1 * rng.uniform();
    for (double* list : {early_, late_}) {
      list[0] = 0.3 * rng.uniform() - 0.1;  // a layer more
      list[1] = 0.3 * rng.uniform() - 0.1;  // a width more
    }
    shift_ *= bias;
    for (int i = 0; i < 2; ++i) {
      early_[i] = late_[i] + bias * (early_[i] - late_[i]);
    }
    decay_ = 0.3 * rng.uniform();
    noise_ = 0.02 * rng.uniform();
  }

  double loss(const Point& point, int64_t trial, int64_t step) const {
    const double place = std::log(static_cast<double>(step) / kFirst) / std::log(static_cast<double>(kSteps) / kFirst);
    const double rate = std::log10(point[at_[0]]) - (best_rate_ + shift_ * (1 - place));
    double loss = 1.5 + 2.5 * std::pow(static_cast<double>(step) / kFirst, -0.35);
    loss += std::min(3.0, slope_ * rate * rate * (rate > 0 ? 3 : 1));
    loss += batch_ * (3 - point[at_[1]]);
    loss += (late_[0] * place + early_[0] * (1 - place)) * (3 - point[at_[2]]);
    loss += (late_[1] * place + early_[1] * (1 - place)) * (2 - point[at_[3]]);
    loss += 0.5 * std::pow(point[at_[4]] - decay_, 2);
    Rng rng(random_at(seed_, static_cast<uint64_t>(trial), static_cast<uint64_t>(step)));
    return loss + noise_ * (1 + 2 * (1 - place)) * rng.normal();
  }

  double least(const Space& space) const {
    double least = 1e300;
    Rng rng(random_at(seed_, 1));
    for (int i = 0; i < 3000; ++i) {
      Point point = space.random(rng);
      point[at_[0]] = std::pow(10, best_rate_);
      Landscape still = *this;
      still.noise_ = 0;
      least = std::min(least, still.loss(point, 0, kSteps));
    }
    return least;
  }

 private:
  uint64_t seed_;
  size_t at_[5];
  double best_rate_, shift_, slope_, batch_, early_[2], late_[2], decay_, noise_;
};

struct Outcome {
  double best = 1e300;
  int64_t steps = 0;
};

Outcome study(const Space& space, const Landscape& landscape, SearchOptions options) {
  Search search(space, options);
  Outcome outcome;
  while (const auto next = search.next()) {
    const Job job = *next;
    const int64_t to = job.to_step == 0 ? kSteps : job.to_step;
    JobResult result;
    for (int64_t step = job.from_step + kFirst; step <= to; step += kFirst) {
      result.steps.emplace_back(step, landscape.loss(search.trial(job.trial).point, job.trial, step));
    }
    result.values = {result.steps.back().second};
    result.state = job.to_step == 0 ? TrialState::kComplete : TrialState::kPruned;
    outcome.steps += to - job.from_step;
    outcome.best = job.to_step == 0 ? std::min(outcome.best, result.values[0]) : outcome.best;
    search.report(job.index, std::move(result));
  }
  return outcome;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 4) {
    std::fprintf(stderr, "tune_asha SAMPLER TRIALS SEEDS [RANDOM_TRIALS [BIAS]]\n");
    return 2;
  }
  const Space all = space();
  SearchOptions options;
  options.sampler.kind = argv[1];
  options.trials = std::atoll(argv[2]);
  const int seeds = std::atoi(argv[3]);
  SearchOptions every;
  every.sampler.kind = "random";
  every.trials = argc > 4 ? std::atoll(argv[4]) : 16;
  const double bias = argc > 5 ? std::atof(argv[5]) : 1;
  options.pruner.kind = "asha";
  options.pruner.reduction = 4;
  options.pruner.min_steps = kFirst;
  options.max_steps = kSteps;
  options.step_unit = kFirst;
  int reached = 0;
  double share = 0;
  std::vector<double> regrets;
  double theirs = 0;
  try {
    for (int seed = 0; seed < seeds; ++seed) {
      const Landscape landscape(all, static_cast<uint64_t>(seed), bias);
      every.seed = static_cast<uint64_t>(seed) + 1;
      options.seed = every.seed + static_cast<uint64_t>(seeds);  // points of its own: those of random search would be a head start
      const Outcome random = study(all, landscape, every);
      const Outcome asha = study(all, landscape, options);
      const double least = landscape.least(all);
      reached += asha.best <= random.best ? 1 : 0;
      share += static_cast<double>(asha.steps) / static_cast<double>(random.steps) / seeds;
      regrets.push_back(asha.best - least);
      theirs += (random.best - least) / seeds;
    }
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.message().c_str());
    return 1;
  }
  std::sort(regrets.begin(), regrets.end());
  double mean = 0;
  for (const double regret : regrets) {
    mean += regret / seeds;
  }
  std::printf("%-7s %lld trials, %d seeds: as low as random search in %.3f, steps %.3f of its; above the least: mean %.4f, median %.4f"
              " (random search %.4f)\n", argv[1], static_cast<long long>(options.trials), seeds, static_cast<double>(reached) / seeds,
              share, mean, regrets[regrets.size() / 2], theirs);
  return 0;
}
