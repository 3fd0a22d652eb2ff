// Terms of many texts counted with all cores, in an order that does not depend on how many there
// are: texts are cut into stretches of about a megabyte, each stretch counts into a table of its
// own, tables are joined in order. Private to this room.
#pragma once

#include <algorithm>

#include "athanor/feature/text/stretch_terms.h"

namespace athanor {

// Stretches [begin, end) of texts with about `bytes` in each.
std::vector<std::pair<size_t, size_t>> stretches_of(const std::vector<std::string>& texts,
                                                    size_t bytes);

struct VocabularyLimits {
  double min_df = 1;          // below 1: share of texts; else a number
  double max_df = 1;          // up to 1: share
  uint64_t max_features = 0;  // the most frequent ones; 0: all
};

struct CountedTexts {
  TermTable terms;                 // in the order of their bytes
  std::vector<int64_t> documents;  // texts that hold each
  SparseRows rows;                 // counts, columns ascending
};

CountedTexts count_terms(const std::vector<std::string>& texts, const Analyzer& analyzer,
                         const VocabularyLimits& limits, FitContext& context);
// The same rows by terms that are known; others are left out.
SparseRows count_known(const std::vector<std::string>& texts, const Analyzer& analyzer,
                       const TermTable& terms, ThreadPool& pool);

// In parallel.
SparseRows joined(std::vector<RowsPart> parts, ThreadPool& pool);

// One text's counts by number, in a vector as wide as there are numbers so far.
class RowCounter {
 public:
  void add(uint32_t number) {
    if (number >= counts_.size()) {
      counts_.resize(std::max<size_t>(number + 1, counts_.size() * 2), 0);
    }
    if (counts_[number]++ == 0) {
      touched_.push_back(number);
    }
  }
  // fn(number, count), then empty again. sorted: numbers ascending.
  template <class Fn>
  void take(bool sorted, const Fn& fn) {
    if (sorted) {
      std::sort(touched_.begin(), touched_.end());
    }
    for (const uint32_t number : touched_) {
      fn(number, counts_[number]);
      counts_[number] = 0;
    }
    touched_.clear();
  }

 private:
  std::vector<int32_t> counts_;
  std::vector<uint32_t> touched_;
};

}  // namespace athanor
