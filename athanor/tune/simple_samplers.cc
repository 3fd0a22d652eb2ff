// The samplers that do not look back: random, Sobol, grid.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/tune/sampler.h"
#include "athanor/tune/sobol.h"

namespace athanor::tune {

namespace {

class RandomSampler : public Sampler {
 public:
  RandomSampler(const Space& space, uint64_t seed) : space_(space), seed_(seed) {}
  Point suggest(int64_t number) override {
    Rng rng(random_at(seed_, 0x7a4d, static_cast<uint64_t>(number)));
    return space_.random(rng);
  }
  void note(int64_t, const Point&) override {}
  void tell(const Trial&) override {}

 private:
  Space space_;
  uint64_t seed_;
};

class SobolSampler : public Sampler {
 public:
  SobolSampler(const Space& space, uint64_t seed) : space_(space), seed_(seed) {}
  Point suggest(int64_t number) override {
    std::vector<double> units(space_.size());
    for (size_t i = 0; i < units.size(); ++i) {
      units[i] = sobol_unit(seed_, static_cast<uint32_t>(number), static_cast<int>(i));
    }
    return space_.from_units(units);
  }
  void note(int64_t, const Point&) override {}
  void tell(const Trial&) override {}

 private:
  Space space_;
  uint64_t seed_;
};

// Walks the combinations as an odometer whose last parameter turns fastest; a parameter that does not exist has one
// position.
class GridSampler : public Sampler {
 public:
  GridSampler(const SamplerOptions& options, const Space& space) : space_(space), points_(options.points) { reset(); }

  Point suggest(int64_t) override {
    if (done_) {
      throw Error(ErrorKind::kInternal, "the grid has no point left");
    }
    return current();
  }
  void note(int64_t, const Point&) override { advance(); }
  void tell(const Trial&) override {}
  bool exhausted() const override { return done_; }

  uint64_t count(uint64_t limit) {
    reset();
    uint64_t n = 0;
    for (; !done_ && n < limit; ++n) {
      advance();
    }
    reset();
    return n;
  }

 private:
  uint64_t cells(size_t i) const {
    const uint64_t cells = space_[i].num_cells();
    // A wide integer is cut as a continuum is, where it is on a log scale: equal ratios.
    return cells == 0 || (space_[i].log && cells > static_cast<uint64_t>(points_)) ? static_cast<uint64_t>(points_) : cells;
  }

  double value(size_t i, uint64_t cell) const {
    const Parameter& parameter = space_[i];
    const uint64_t n = cells(i);
    if (n == parameter.num_cells() && parameter.step > 0) {
      return parameter.low + static_cast<double>(cell) * parameter.step;
    }
    const double share = n < 2 ? 0.5 : static_cast<double>(cell) / static_cast<double>(n - 1);
    return parameter.value_at(parameter.axis(parameter.low) +
                              share * (parameter.axis(parameter.high) - parameter.axis(parameter.low)));
  }

  Point current() const {
    Point point(space_.size());
    for (size_t i = 0; i < point.size(); ++i) {
      point[i] = value(i, at_[i]);
    }
    space_.settle(point);
    return point;
  }

  void advance() {
    const Point point = current();
    for (size_t i = space_.size(); i-- > 0;) {
      if (std::isnan(point[i])) {
        continue;
      }
      if (++at_[i] < cells(i)) {
        return;
      }
      at_[i] = 0;
    }
    done_ = true;
  }

  void reset() {
    at_.assign(space_.size(), 0);
    done_ = false;
  }

  Space space_;
  int64_t points_;
  std::vector<uint64_t> at_;
  bool done_ = false;
};

}  // namespace

std::unique_ptr<Sampler> make_random(const SamplerOptions&, const Space& space, uint64_t seed) {
  return std::make_unique<RandomSampler>(space, seed);
}

std::unique_ptr<Sampler> make_sobol(const SamplerOptions&, const Space& space, uint64_t seed) {
  return std::make_unique<SobolSampler>(space, seed);
}

std::unique_ptr<Sampler> make_grid(const SamplerOptions& options, const Space& space, uint64_t) {
  return std::make_unique<GridSampler>(options, space);
}

uint64_t grid_size(const SamplerOptions& options, const Space& space, uint64_t limit) {
  return GridSampler(options, space).count(limit);
}

}  // namespace athanor::tune
