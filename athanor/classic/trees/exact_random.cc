// Extra trees: one threshold at random a feature, and what it would win.
#include <algorithm>
#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/classic/trees/exact_tree.h"

namespace athanor {

namespace {

constexpr uint64_t kCutSalt = 0x637574;

struct LeftSums {
  uint32_t rows = 0;
  uint32_t missing = 0;
  double weight = 0;
  double value = 0;  // weight x value
};

// Which side a row goes to cannot be foretold, so nothing jumps: what goes right adds nothing. Two sums a lane, added up in
// a fixed order.
LeftSums sum_left(const uint32_t* ranks, const double* weights, const double* values,
                  uint32_t count, uint32_t cut, bool missing_left) {
  constexpr uint32_t kLanes = 4;
  static_assert(kMissingRank == UINT32_MAX);
  const uint32_t turn = missing_left ? 1 : 0;  // wraps missing ranks to the least
  const uint32_t bound = cut + turn;
  LeftSums sums;
  double weight[kLanes] = {};
  double value[kLanes] = {};
  const auto add = [&](uint32_t i, uint32_t lane) {
    const uint32_t goes = ranks[i] + turn <= bound ? 1 : 0;
    const double share = goes * weights[i];
    sums.rows += goes;
    sums.missing += ranks[i] == kMissingRank ? 1 : 0;
    weight[lane] += share;
    value[lane] += share * values[i];
  };
  uint32_t i = 0;
  for (; i + kLanes <= count; i += kLanes) {
    for (uint32_t lane = 0; lane < kLanes; ++lane) {
      add(i + lane, lane);
    }
  }
  for (; i < count; ++i) {
    add(i, i % kLanes);
  }
  sums.weight = (weight[0] + weight[1]) + (weight[2] + weight[3]);
  sums.value = (value[0] + value[1]) + (value[2] + value[3]);
  return sums;
}

}  // namespace

ExactGrower::Found ExactGrower::random_cut(const Node& node, uint32_t column, uint32_t low,
                                           uint32_t high, uint64_t key, Scratch& scratch) const {
  const auto& values = x_.values[column];
  Found found;
  const double from = values[low], to = values[high];
  double threshold = from + to_unit(random_at(key, kCutSalt, column)) * (to - from);
  threshold = threshold < to ? threshold : from;
  const auto cut =
      static_cast<uint32_t>(std::upper_bound(values.begin() + low, values.begin() + high + 1, threshold) -
                            values.begin()) -
      1;
  const bool missing_left = (random_at(key, kCutSalt, column, 1) & 1) != 0;
  const uint32_t count = node.rows();
  scratch.left.assign(std::max(truth_.outputs, truth_.classes), 0);
  double weight = 0;
  uint32_t rows = 0;
  bool has_missing = false;
  if (!truth_.is_codes() && truth_.outputs == 1) {
    const LeftSums left = sum_left(scratch.ranks.data(), node.weights.data(), node.values.data(),
                                   count, cut, missing_left);
    rows = left.rows;
    weight = left.weight;
    scratch.left[0] = left.value;
    has_missing = left.missing > 0;
  }
  for (uint32_t i = 0; i < count && (truth_.is_codes() || truth_.outputs > 1); ++i) {
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
