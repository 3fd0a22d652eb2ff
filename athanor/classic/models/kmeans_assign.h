// Rows to their nearest centres, round after round. Centres stand in blocks of eight; of each row and block of centres it is
// kept how near they can be at least (Elkan 2003, by groups as in Ding et al. 2015), and what cannot win is not measured.
// The answer is that of measuring all, to the bit: bounds give way by more than rounding takes.
//
//   Assigner assigner(x, weights, k);
//   Round round = assigner.assign(centres, labels, distances, pool);   // then with moved centres
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/classic/models/dense_kernels.h"
#include "athanor/feature/matrix.h"

namespace athanor::classic {

struct Round {
  std::vector<double> sums;    // k x columns
  std::vector<double> weight;  // a cluster
  double inertia = 0;
};

// Sums are kept a piece; at most 64 of them, whatever the pool.
size_t piece_of(size_t rows);

class Assigner {
 public:
  // x is dense; weights empty: all 1.
  Assigner(const Matrix& x, std::span<const double> weights, size_t clusters);

  // Each row to its nearest centre (the first of equals), its squared distance, and what the clusters add up to.
  Round assign(const std::vector<double>& centres, std::vector<int32_t>& labels, std::vector<double>& distances,
               ThreadPool& pool);
  // Rows x centres that were measured so far.
  uint64_t num_measured() const { return measured_; }

 private:
  struct Rows;
  void settle(const PointBlocks& blocks, Rows& rows);
  void measure(const PointBlocks& blocks, size_t group, std::span<const uint32_t> which, Rows& rows);
  std::vector<float> moved_by(const std::vector<double>& centres) const;
  float& bound(size_t row, size_t group) { return lower_[row * groups_ + group]; }
  size_t group_of(int32_t centre) const { return static_cast<size_t>(centre) / (span_ * PointBlocks::kBlock); }

  const Matrix& x_;
  std::span<const double> weights_;
  size_t clusters_;
  size_t span_;    // blocks of a group
  size_t groups_;
  std::vector<float> lower_;     // distance to the nearest of a group at least; rows x groups
  std::vector<float> moved_;     // how far a centre of each group moved at most, since the last round
  std::vector<double> before_;   // the last round's centres
  uint64_t measured_ = 0;
};

}  // namespace athanor::classic
