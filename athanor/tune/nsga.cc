// NSGA-II (Deb et al. 2002) as a sampler: a generation is told, then the best half of parents and children by front and
// crowding are the next parents. Children by simulated binary crossover and polynomial mutation on the unit cube; choices
// are taken from either parent and redrawn.
#include <algorithm>
#include <cmath>
#include <numeric>

#include "athanor/tune/pareto.h"
#include "athanor/tune/sampler.h"
#include "athanor/tune/sobol.h"

namespace athanor::tune {

namespace {

constexpr double kCrossoverIndex = 15;  // larger: children nearer to their parents
constexpr double kMutationIndex = 20;
constexpr double kCrossoverShare = 0.9;

struct Member {
  Point point;
  std::vector<double> values;
  int rank = 0;
  double crowd = 0;
};

class Nsga2Sampler : public Sampler {
 public:
  Nsga2Sampler(const SamplerOptions& options, const Space& space, uint64_t seed)
      : space_(space), seed_(seed), size_(options.population > 0 ? static_cast<size_t>(options.population) : 50) {}

  Point suggest(int64_t number) override {
    if (parents_.empty()) {
      std::vector<double> units(space_.size());
      for (size_t i = 0; i < units.size(); ++i) {
        units[i] = sobol_unit(seed_, static_cast<uint32_t>(number), static_cast<int>(i));
      }
      return space_.from_units(units);
    }
    Rng rng(random_at(seed_, 0x4564, static_cast<uint64_t>(number)));
    const Point& a = tournament(rng).point;
    const Point& b = tournament(rng).point;
    Point child(space_.size());
    const bool cross = rng.uniform() < kCrossoverShare;
    for (size_t i = 0; i < child.size(); ++i) {
      child[i] = gene(i, a[i], b[i], cross, rng);
    }
    space_.settle(child);
    return child;
  }

  void note(int64_t, const Point&) override {}

  void tell(const Trial& trial) override {
    if (trial.state != TrialState::kComplete) {
      return;
    }
    children_.push_back({trial.point, trial.values, 0, 0});
    if (children_.size() < size_) {
      return;
    }
    children_.insert(children_.end(), parents_.begin(), parents_.end());
    parents_ = select(std::move(children_));
    children_.clear();
  }

 private:
  const Member& tournament(Rng& rng) const {
    const Member& a = parents_[rng.below(parents_.size())];
    const Member& b = parents_[rng.below(parents_.size())];
    return b.rank < a.rank || (b.rank == a.rank && b.crowd > a.crowd) ? b : a;
  }

  double gene(size_t i, double a, double b, bool cross, Rng& rng) const {
    const Parameter& parameter = space_[i];
    const double pick = rng.uniform();
    const double u = rng.uniform();
    const double mutate = rng.uniform();
    const double v = rng.uniform();
    const bool mutated = mutate * static_cast<double>(space_.size()) < 1;
    if (std::isnan(a) || std::isnan(b)) {  // exists in one of them, or in none
      const double known = std::isnan(a) ? b : a;
      return std::isnan(known) || mutated ? parameter.from_unit(v) : known;
    }
    if (parameter.is_choice()) {
      return mutated ? parameter.from_unit(v) : (cross && pick < 0.5 ? b : a);
    }
    double x = parameter.to_unit(a);
    if (cross && pick < 0.5) {
      const double y = parameter.to_unit(b);
      const double spread = u < 0.5 ? std::pow(2 * u, 1 / (kCrossoverIndex + 1))
                                    : std::pow(1 / (2 - 2 * u), 1 / (kCrossoverIndex + 1));
      x = 0.5 * ((1 + spread) * x + (1 - spread) * y);
    }
    if (mutated) {
      x += v < 0.5 ? std::pow(2 * v, 1 / (kMutationIndex + 1)) - 1 : 1 - std::pow(2 - 2 * v, 1 / (kMutationIndex + 1));
    }
    return parameter.from_unit(std::clamp(x, 0.0, 1.0));
  }

  std::vector<Member> select(std::vector<Member> all) const {
    std::vector<std::vector<double>> values;
    for (const Member& member : all) {
      values.push_back(member.values);
    }
    const std::vector<int> ranks = pareto_ranks(values);
    std::vector<std::vector<size_t>> fronts(static_cast<size_t>(*std::max_element(ranks.begin(), ranks.end())) + 1);
    for (size_t i = 0; i < all.size(); ++i) {
      all[i].rank = ranks[i];
      fronts[static_cast<size_t>(ranks[i])].push_back(i);
    }
    for (const auto& front : fronts) {
      const auto distances = crowding(values, front);
      for (size_t i = 0; i < front.size(); ++i) {
        all[front[i]].crowd = distances[i];
      }
    }
    std::stable_sort(all.begin(), all.end(), [](const Member& a, const Member& b) {
      return a.rank != b.rank ? a.rank < b.rank : a.crowd > b.crowd;
    });
    all.resize(std::min(all.size(), size_));
    return all;
  }

  Space space_;
  uint64_t seed_;
  size_t size_;
  std::vector<Member> parents_;
  std::vector<Member> children_;
};

}  // namespace

std::unique_ptr<Sampler> make_nsga2(const SamplerOptions& options, const Space& space, uint64_t seed) {
  return std::make_unique<Nsga2Sampler>(options, space, seed);
}

}  // namespace athanor::tune
