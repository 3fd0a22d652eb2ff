// TPE where trials pause at rungs (ASHA, Hyperband). Values of different steps are not compared, and an early rung's word is
// not taken for the end's: early values favour what learns fast, such as rates that are too high, and a model of them alone
// draws every new trial there. So each rung has a model of its own, over the trials that came to it: how likely is a point
// among its best quarter? The candidate with the largest product of these odds is taken, lower rungs counting a quarter. The
// candidates are spread over the whole space instead of being drawn from the good ones, and every third trial is asked no
// model at all (as in BOHB, Falkner 2018): who goes on is decided by the rungs, which need something to choose from. bench/tune_asha.cc compares the ways.
#pragma once

#include <map>
#include <vector>

#include "athanor/tune/parzen.h"
#include "athanor/tune/sampler.h"

namespace athanor::tune {

class RungModel {
 public:
  // steps: where trials pause, ascending, the last the whole way. dims: indices into the space, which must outlive it.
  RungModel(const Space& space, std::vector<size_t> dims, std::vector<int64_t> steps);

  void tell(const Trial& trial);  // minimised; replaces what it said before. A failed one is forgotten.

  // After changes, before log_odds. running: points that are tried now, bad until told (constant liar).
  void prepare(const std::map<int64_t, Point>& running);
  bool ready() const { return !models_.empty(); }  // some rung has enough trials
  // x: places on the axes of dims (a choice: its index).
  double log_odds(const std::vector<double>& x) const;

 private:
  struct Entry {
    double value;
    int64_t number;
    Point point;
    bool operator<(const Entry& other) const { return value != other.value ? value < other.value : number < other.number; }
  };
  struct Model {
    Parzen good, others;
    double weight;
  };

  const Space& space_;
  std::vector<size_t> dims_;
  std::vector<int64_t> steps_;
  std::vector<std::vector<Entry>> rungs_;  // best first; the newest kMaxEntries of each
  std::vector<Model> models_;
};

}  // namespace athanor::tune
