#include "athanor/tune/history.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/tune/pareto.h"

namespace athanor::tune {

void History::add(Trial trial) {
  const int64_t number = trial.number;
  ++size_;
  ++counts_[static_cast<size_t>(trial.state)];
  entries_.emplace(number, Entry{std::move(trial), nullptr});
}

History::Entry& History::at(int64_t number) {
  const auto found = entries_.find(number);
  if (found == entries_.end()) {
    throw Error(ErrorKind::kInternal, "trial " + std::to_string(number) + " of the search is not kept in memory");
  }
  return found->second;
}

std::vector<double> History::minimised(const std::vector<double>& values) const {
  std::vector<double> flipped = values;
  for (size_t i = 0; i < flipped.size(); ++i) {
    flipped[i] = maximise_[i] ? -flipped[i] : flipped[i];
  }
  return flipped;
}

void History::changed(int64_t number, TrialState before) {
  const TrialState now = at(number).trial.state;
  --counts_[static_cast<size_t>(before)];
  ++counts_[static_cast<size_t>(now)];
  if (now == TrialState::kComplete) {
    join_best(number);
  }
}

void History::join_best(int64_t number) {
  std::vector<int64_t> candidates = best_;
  candidates.insert(std::lower_bound(candidates.begin(), candidates.end(), number), number);
  std::vector<std::vector<double>> values;
  for (const int64_t candidate : candidates) {
    values.push_back(minimised(at(candidate).trial.values));
  }
  const std::vector<int64_t> before = std::move(best_);
  best_.clear();
  if (maximise_.size() == 1) {
    const auto least = std::min_element(values.begin(), values.end());  // the earliest among equals
    best_.push_back(candidates[static_cast<size_t>(least - values.begin())]);
  } else {
    for (const size_t i : pareto_front(values)) {
      best_.push_back(candidates[i]);
    }
  }
  for (const int64_t was : before) {
    if (!std::binary_search(best_.begin(), best_.end(), was) && only_best_.erase(was) > 0) {
      entries_.erase(was);
    }
  }
}

void History::settle(int64_t number) {
  sample_.emplace(random_at(seed_, 0x415, static_cast<uint64_t>(number)), number);
  if (sample_.size() <= kKept) {
    return;
  }
  const int64_t out = std::prev(sample_.end())->second;
  sample_.erase(std::prev(sample_.end()));
  if (std::binary_search(best_.begin(), best_.end(), out)) {
    only_best_.insert(out);
  } else {
    entries_.erase(out);
  }
}

std::vector<Trial> History::kept() const {
  std::vector<Trial> trials;
  for (const auto& [number, entry] : entries_) {
    trials.push_back(entry.trial);
  }
  return trials;
}

}  // namespace athanor::tune
