// Repeated n-grams of one sequence of words, level by level: a 3-gram can only repeat where its two 2-grams do, so
// that each level looks only at the places the one before left over. Most of a text is out after the 3-grams.
//
//   NgramLevels levels;
//   levels.start(hashes);                    // n = 1
//   while (levels.n() < 4) { levels.next(); use(levels.most(), levels.most_at()); }
//
// Words are compared by the 64-bit hashes given; n-grams of equal words are then told apart without further chance.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "athanor/clean/hash_counter.h"

namespace athanor {

class NgramLevels {
 public:
  void start(std::span<const uint64_t> word_hashes);
  // From n-grams to (n+1)-grams.
  void next();

  size_t n() const { return n_; }
  // How often the commonest n-gram occurs, and where it (of equals the first) begins. 0 when there are no n-grams.
  uint32_t most() const { return most_; }
  size_t most_at() const { return most_at_; }
  // The places, ascending, whose n-gram occurs more than once...
  const std::vector<uint32_t>& places() const { return places_; }
  // ... and whether that at places()[i] has occurred before.
  bool seen_before(size_t i) const { return seen_before_[i] != 0; }

 private:
  void count(std::span<const uint64_t> keys);

  size_t n_ = 0;
  size_t num_words_ = 0;
  uint32_t most_ = 0;
  size_t most_at_ = 0;
  std::vector<uint32_t> places_;
  std::vector<uint32_t> ids_;  // one a place: equal n-grams have equal ids
  std::vector<uint8_t> seen_before_;
  std::vector<uint64_t> keys_;
  std::vector<uint32_t> counts_;
  HashCounter table_;
};

}  // namespace athanor
