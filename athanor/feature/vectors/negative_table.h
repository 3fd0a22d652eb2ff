// Words drawn as wrong answers.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

#include "athanor/base/rng.h"

namespace athanor {

// Draws words by their count to the power 0.75 in constant time (Walker 1977, Vose 1991).
class NegativeTable {
 public:
  explicit NegativeTable(const std::vector<uint64_t>& counts) : share_(counts.size(), 1.0), other_(counts.size(), 0) {
    std::vector<double> weights;
    double total = 0;
    for (const uint64_t count : counts) {
      weights.push_back(std::pow(static_cast<double>(count), 0.75));
      total += weights.back();
    }
    std::vector<uint32_t> small;
    std::vector<uint32_t> large;
    for (uint32_t i = 0; i < weights.size(); ++i) {
      weights[i] *= static_cast<double>(weights.size()) / total;
      (weights[i] < 1 ? small : large).push_back(i);
    }
    while (!small.empty() && !large.empty()) {
      const uint32_t low = small.back();
      const uint32_t high = large.back();
      small.pop_back();
      share_[low] = weights[low];
      other_[low] = high;
      weights[high] -= 1 - weights[low];
      if (weights[high] < 1) {
        large.pop_back();
        small.push_back(high);
      }
    }
  }
  uint32_t draw(uint64_t bits) const {
    const auto place = static_cast<uint32_t>((static_cast<unsigned __int128>(bits) * share_.size()) >> 64);
    return to_unit(mix64(bits)) < share_[place] ? place : other_[place];
  }

 private:
  std::vector<double> share_;
  std::vector<uint32_t> other_;
};

}  // namespace athanor
