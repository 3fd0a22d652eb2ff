// Pruners: which trials are not worth their remaining steps.
//
// median and percentile look at a running trial's values on the way and end it. asha and hyperband cut every trial's way
// into rungs: a trial pauses at a rung, keeps its state, and is resumed by the same id only when it is among the best
// 1/reduction of its rung (Li et al. 2018; nothing is thrown away and nothing is computed twice). Never more than that share
// of a rung goes on in all, so that a sampler which improves does not have every newcomer resumed: the steps of a study are
// known beforehand. And a rung first waits for reduction^2 trials, as many as let one go on from the rung above: the best of
// four is hardly chosen, and what is resumed early takes the place of the better ones that come later.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "athanor/run/fields.h"
#include "athanor/tune/sampler.h"

namespace athanor::tune {

struct PrunerOptions {
  std::string kind = "none";
  int64_t startup = 5;
  int64_t warmup = 0;
  double percentile = 25;
  int64_t reduction = 4;
  int64_t min_steps = 0;
  static void fields(Fields<PrunerOptions>& f) {
    f.add("kind", &PrunerOptions::kind, "what ends trials early: median and percentile compare values at the same step; asha "
          "and hyperband pause at rungs and resume the best")
        .choices({"none", "median", "percentile", "asha", "hyperband"});
    f.add("startup", &PrunerOptions::startup, "median, percentile: trials that always finish").range(0, 1e9);
    f.add("warmup", &PrunerOptions::warmup, "median, percentile: steps in which no trial is ended").range(0, 1e15);
    f.add("percentile", &PrunerOptions::percentile, "percentile: the share of trials, in %, that go on").range(0, 100);
    f.add("reduction", &PrunerOptions::reduction, "asha, hyperband: of so many trials of a rung one goes on").range(2, 1000);
    f.add("min_steps", &PrunerOptions::min_steps,
          "asha, hyperband: steps up to the first rung; 0: the whole way divided by reduction three times")
        .range(0, 1e15);
  }
  bool rungs() const { return kind == "asha" || kind == "hyperband"; }
  bool live() const { return kind == "median" || kind == "percentile"; }
};

// median, percentile: whether a trial with these values so far ends now. finished: the trials that it is compared with.
bool should_prune(const PrunerOptions& options, const std::vector<std::pair<int64_t, double>>& steps,
                  const std::vector<const Trial*>& finished);

// The steps at which trials pause, ascending, multiples of unit (steps between two values); the last is the whole way.
std::vector<int64_t> rung_steps(int64_t min_steps, int64_t max_steps, int64_t reduction, int64_t unit);

// Who pauses where, and who goes on. One bracket is ASHA; Hyperband is several, which start at higher and higher rungs,
// trials being dealt out so that each bracket gets about the same number of steps.
class Rungs {
 public:
  Rungs(const PrunerOptions& options, int64_t max_steps, int64_t unit = 1);

  const std::vector<int64_t>& steps() const { return steps_; }
  int bracket_of(int64_t trial) const;
  int64_t first_steps(int64_t trial) const;  // where the new trial pauses first

  // The trial paused (or ended) at this step with this value; NaN is the worst.
  void reached(int64_t trial, int64_t steps, double value);
  void failed(int64_t trial);

  struct Promotion {
    int64_t trial;
    int64_t steps;  // the next pause
  };
  // The best trial that may go on, of the highest rung that has one; it counts as gone on. last: no trial runs and no new one
  // will come, so no rung waits for more.
  std::optional<Promotion> promote(bool last = false);
  // For the end of a study, after promote(true). ASHA: when no trial came to its end, the best of the highest rung goes the
  // whole way. Hyperband: what is best in its rung goes on to the next one, however small the rung and whoever went on before
  // it, so that each bracket brings its best to the end: trials of a bracket that starts high say nothing of those that pause.
  std::optional<Promotion> promote_best();

 private:
  struct Entry {
    int64_t trial;
    double value;
    bool promoted = false;
    bool failed = false;
  };
  std::optional<Promotion> promote_best_to_end(std::vector<std::vector<Entry>>& bracket);
  std::optional<Promotion> promote_best_of_rungs(std::vector<std::vector<Entry>>& bracket);
  PrunerOptions options_;
  std::vector<int64_t> steps_;
  std::vector<std::vector<std::vector<Entry>>> rungs_;  // bracket, rung, best first
  std::vector<double> budget_;                          // expected steps a trial, by bracket
};

}  // namespace athanor::tune
