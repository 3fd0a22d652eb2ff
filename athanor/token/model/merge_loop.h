// The merging of BPE, over symbols of any kind: again and again the pair with the lowest rank, the leftmost of
// equals, becomes one symbol.
//
// Rules has find(left, right) -> rank or Rules::kNone, result(rank) -> id, and size(), above all ranks.
#pragma once

#include <limits>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/token/model/model.h"

namespace athanor::token {

inline constexpr size_t kShortMerge = 48;  // up to here a linear search for the lowest rank beats a queue

// Merges symbols[0, count) in place; count is at most kShortMerge. Returns how many are left.
template <typename Rules>
size_t merge_short(const Rules& rules, int32_t* symbols, size_t count) {
  uint32_t ranks[kShortMerge];  // of the pair that begins here
  for (size_t i = 0; i + 1 < count; ++i) {
    ranks[i] = rules.find(symbols[i], symbols[i + 1]);
  }
  while (count > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < count; ++i) {
      best = ranks[i] < ranks[best] ? i : best;
    }
    if (ranks[best] == Rules::kNone) {
      break;
    }
    symbols[best] = rules.result(ranks[best]);
    --count;
    for (size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      ranks[i - 1] = ranks[i];
    }
    if (best + 1 < count) {
      ranks[best] = rules.find(symbols[best], symbols[best + 1]);
    }
    if (best > 0) {
      ranks[best - 1] = rules.find(symbols[best - 1], symbols[best]);
    }
  }
  return count;
}

// Merges work.symbols, of any number: those left are at 0, work.next[0], ... up to work.symbols.size(), each in the
// place of the first that it is made of. dropout: each time a pair's turn comes it is passed over with this chance,
// until the next one merges (as HF tokenizers does it); rng may be null when it is 0.
template <typename Rules>
void merge_long(const Rules& rules, Workspace& work, double dropout, Rng* rng) {
  if (work.symbols.size() >= std::numeric_limits<uint32_t>::max()) {
    throw Error(ErrorKind::kInput, "one pre-token of 2^32 characters or more");
  }
  const uint32_t end = static_cast<uint32_t>(work.symbols.size());
  work.previous.resize(end);
  work.next.resize(end);
  work.ranks.assign(end, Rules::kNone);
  work.queue.reset(rules.size());
  const auto update = [&](uint32_t at) {
    const uint32_t next = work.next[at];
    work.ranks[at] = next < end ? rules.find(work.symbols[at], work.symbols[next]) : Rules::kNone;
    if (work.ranks[at] != Rules::kNone) {
      work.queue.push(work.ranks[at], at);
    }
  };
  for (uint32_t i = 0; i < end; ++i) {
    work.previous[i] = i - 1;
    work.next[i] = i + 1;
  }
  for (uint32_t i = 0; i < end; ++i) {
    update(i);
  }
  std::vector<MergeQueue::Entry> passed_over;
  while (!work.queue.empty()) {
    const MergeQueue::Entry top = work.queue.pop();
    if (dropout > 0 && rng->uniform() < dropout) {
      passed_over.push_back(top);
      continue;
    }
    for (const MergeQueue::Entry& entry : passed_over) {
      work.queue.push(entry.rank, entry.place);
    }
    passed_over.clear();
    const uint32_t at = top.place;
    if (work.ranks[at] != top.rank) {
      continue;  // the pair there is another by now
    }
    const uint32_t gone = work.next[at];
    work.symbols[at] = rules.result(top.rank);
    work.ranks[gone] = Rules::kNone;
    work.next[at] = work.next[gone];
    if (work.next[at] < end) {
      work.previous[work.next[at]] = at;
    }
    if (at > 0) {
      update(work.previous[at]);
    }
    update(at);
  }
}

}  // namespace athanor::token
