// What a search keeps of its trials in memory: those that run or may still go on, the best one (or the Pareto front), and of
// all others a sample of at most kKept, those with the smallest hashes of (seed, number). So memory is flat however long the
// study is, and what is kept depends on the trials alone, not on the order in which they ended. Every trial is on disk
// (StudyJournal, read_trials).
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>

#include "athanor/tune/sampler.h"

namespace athanor::tune {

class History {
 public:
  static constexpr size_t kKept = 4096;

  History(uint64_t seed, std::vector<bool> maximise) : seed_(seed), maximise_(std::move(maximise)) {}

  struct Entry {
    Trial trial;          // in the user's own direction
    nlohmann::json note;  // what the user keeps with it
  };

  void add(Trial trial);
  // Error(kInternal) for one that was never added or is forgotten.
  Entry& at(int64_t number);
  const Entry& at(int64_t number) const { return const_cast<History*>(this)->at(number); }

  // The trial's state and values are new; `before` is the state that it had.
  void changed(int64_t number, TrialState before);
  // Nothing will change it any more: it may be forgotten.
  void settle(int64_t number);

  int64_t size() const { return size_; }              // all that were added
  int64_t count(TrialState state) const { return counts_[static_cast<size_t>(state)]; }
  bool whole() const { return entries_.size() == static_cast<size_t>(size_); }  // nothing was forgotten
  std::vector<Trial> kept() const;                    // by number
  // Complete trials that no other is better than (one objective: at most one); earlier ones first among equals.
  const std::vector<int64_t>& best() const { return best_; }

 private:
  std::vector<double> minimised(const std::vector<double>& values) const;
  void join_best(int64_t number);

  uint64_t seed_;
  std::vector<bool> maximise_;
  int64_t size_ = 0;
  int64_t counts_[4] = {0, 0, 0, 0};
  std::map<int64_t, Entry> entries_;
  std::set<std::pair<uint64_t, int64_t>> sample_;  // of settled ones: hash, number
  std::vector<int64_t> best_;                      // ascending
  std::set<int64_t> only_best_;                    // of them: kept for that alone, no more in the sample
};

}  // namespace athanor::tune
