// A Parzen estimator over some parameters of a space, kept up to date trial by trial: a mixture of products of truncated
// normals (numbers), cell masses of them (numbers with steps) and smoothed one-hot tables (choices), one kernel a trial and
// a wide one as the prior, of half a trial's weight. Bandwidths are the larger of the gaps to a kernel's neighbours on the
// axis, between range / min(100, (trials + 2)^1.5) and the range ("magic clip" of Bergstra 2011 with the exponent of Watanabe,
// arXiv:2304.11127: narrow sooner). Old trials weigh less: of n, the last 25 count 1, those before ramp down to 1/n.
//
// At most kMaxKernels stand: beyond, every second one of the older half goes and its neighbour takes its weight. So time
// and memory stay flat however long the study is.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/rng.h"
#include "athanor/tune/space.h"

namespace athanor::tune {

// How good a trial is, for ordering: complete before pruned, pruned by their last step and then the value.
struct Score {
  int rank = 0;  // 0 complete, 1 pruned, 2 running: never among the good
  double first = 0;
  double second = 0;
  auto operator<=>(const Score&) const = default;
};

class Parzen {
 public:
  static constexpr size_t kMaxKernels = 1024;

  // dims: indices into the space; all exist together. The space must outlive it.
  // sharpening: the exponent above; 1 is Optuna's.
  Parzen(const Space& space, std::vector<size_t> dims, double prior_weight = 0.5, double sharpening = 1.5);

  void add(int64_t number, const Point& point, const Score& score);
  bool remove(int64_t number);
  uint64_t count() const { return count_; }  // trials that the kernels stand for

  struct Kernel {
    int64_t number = -1;
    Score score;
    Point point;  // over dims only
  };
  // The best by score, taken out; number -1 when there is none but running ones.
  Kernel take_best();

  // After changes, before sample and log_density.
  void prepare();
  // x: a place on the axis (a choice: its index) a dim.
  void sample(Rng& rng, std::vector<double>& x) const;
  double log_density(const std::vector<double>& x) const;

  size_t memory_bytes() const;

 private:
  struct Axis {
    bool choice = false;
    bool cells = false;      // masses of cells instead of densities
    double low = 0, high = 0, width = 0;  // of the axis
    double num_choices = 1;
    std::vector<double> mu;
    std::vector<double> sigma;
    std::vector<double> inverse;  // 1 / sigma
    std::vector<double> norm;     // log of what makes the kernel a density over [low, high]
    std::vector<uint32_t> sorted;  // slots by mu
    double log_hit = 0, log_miss = 0;
  };

  void unlink(Axis& axis, uint32_t slot);
  void link(Axis& axis, uint32_t slot);
  void refresh(Axis& axis, size_t place);  // bandwidth of the kernel at a place of `sorted`
  void set_bandwidth(Axis& axis, uint32_t slot, double sigma);
  void thin();
  double smallest(const Axis& axis) const;
  double cell_mass(size_t dim, double x, double mu, double sigma) const;
  void add_cells(size_t dim, double x) const;

  const Space& space_;
  std::vector<size_t> dims_;
  double prior_weight_;
  double sharpening_;
  uint64_t clipped_from_;  // trials from which kernels may be as narrow as any
  std::vector<Axis> axes_;
  std::vector<int64_t> numbers_;     // by slot
  std::vector<Score> scores_;
  std::vector<double> multiples_;    // trials that the kernel stands for
  std::vector<uint32_t> by_number_;  // slots
  uint64_t count_ = 0;
  uint64_t bandwidth_count_ = ~uint64_t{0};  // of which `smallest` was taken
  std::vector<double> base_;         // log weight + norms, by slot
  std::vector<double> cumulative_;   // weights by slot, then the prior
  double log_prior_ = 0;             // log weight of the prior
  mutable std::vector<double> work_;
  mutable std::vector<std::vector<double>> tables_;
};

}  // namespace athanor::tune
