// Extra trees: one threshold at random a feature, and what it would win.
#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/classic/trees/exact_tree.h"

namespace athanor {

namespace {

constexpr uint64_t kCutSalt = 0x637574;

}  // namespace

ExactGrower::Found ExactGrower::random_cut(const Node& node, uint32_t column, uint64_t key,
                                           Scratch& scratch) const {
  const auto& values = x_.values[column];
  uint32_t low = kMissingRank, high = 0;
  for (const uint32_t rank : scratch.ranks) {
    low = rank == kMissingRank ? low : std::min(low, rank);
    high = rank == kMissingRank ? high : std::max(high, rank);
  }
  Found found;
  const double from = values[low], to = values[high];
  double threshold = from + to_unit(random_at(key, kCutSalt, column)) * (to - from);
  threshold = threshold < to ? threshold : from;
  const auto cut = static_cast<uint32_t>(std::upper_bound(values.begin(), values.end(), threshold) -
                                         values.begin()) -
                   1;
  const bool missing_left = (random_at(key, kCutSalt, column, 1) & 1) != 0;
  const uint32_t count = node.rows();
  scratch.left.assign(std::max(truth_.outputs, truth_.classes), 0);
  double weight = 0;
  uint32_t rows = 0;
  bool has_missing = false;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t rank = scratch.ranks[i];
    has_missing = has_missing || rank == kMissingRank;
    if (rank == kMissingRank ? !missing_left : rank > cut) {
      continue;
    }
    ++rows;
    weight += node.weights[i];
    if (truth_.is_codes()) {
      scratch.left[static_cast<size_t>(node.codes[i])] += node.weights[i];
    } else {
      for (uint64_t k = 0; k < truth_.outputs; ++k) {
        scratch.left[k] += node.weights[i] * node.values[i * truth_.outputs + k];
      }
    }
  }
  if (rows < options_.min_samples_leaf || count - rows < options_.min_samples_leaf) {
    return found;
  }
  const double rest = node.weight - weight;
  double score = 0;
  for (size_t k = 0; k < node.sums.size(); ++k) {
    if (options_.criterion == Criterion::kEntropy) {
      const auto term = [](double part, double all) {
        return part > 0 ? part * std::log2(part / all) : 0;
      };
      score += term(scratch.left[k], weight) + term(node.sums[k] - scratch.left[k], rest) -
               term(node.sums[k], node.weight);
    } else {
      const double apart = scratch.left[k] * node.weight - node.sums[k] * weight;
      score += apart * apart / (weight * rest * node.weight);
    }
  }
  found = {static_cast<int32_t>(column),
           std::max(0.0, score),
           cut,
           threshold,
           missing_left,
           has_missing};
  return found;
}

}  // namespace athanor
