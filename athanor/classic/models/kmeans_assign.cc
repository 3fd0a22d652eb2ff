#include "athanor/classic/models/kmeans_assign.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "athanor/classic/models/checks.h"

namespace athanor::classic {

namespace {

constexpr size_t kLanes = PointBlocks::kBlock;
constexpr size_t kTogether = 256;                 // rows that are settled at a time
constexpr size_t kMostBounds = size_t{1} << 26;   // 256 MB; beyond it groups are larger
constexpr double kSlack = 1e-6;                   // far above what rounding takes of a distance
constexpr float kLoss = 1 - 4e-7F;                // more than a subtraction of floats loses

}  // namespace

size_t piece_of(size_t rows) { return std::max<size_t>(1024, (rows + 63) / 64); }

// A stretch of rows on their way: the nearest so far of each.
struct Assigner::Rows {
  size_t begin;
  size_t count;
  double best[kTogether];
  int32_t label[kTogether];
  uint64_t measured = 0;
  std::vector<std::vector<uint32_t>> of_group;  // rows by the group of their last centre
  std::vector<uint32_t> which;
};

Assigner::Assigner(const Matrix& x, std::span<const double> weights, size_t clusters)
    : x_(x), weights_(weights), clusters_(clusters) {
  const size_t blocks = (clusters + kLanes - 1) / kLanes;
  span_ = std::max<size_t>(1, (x.rows * blocks + kMostBounds - 1) / kMostBounds);
  groups_ = (blocks + span_ - 1) / span_;
  lower_.assign(groups_ > 1 ? x.rows * groups_ : 0, 0.0F);
  moved_.assign(groups_, 0.0F);
}

// Squared distances of these rows to a group's centres: the nearest of them is the row's bound, and its centre if it wins.
void Assigner::measure(const PointBlocks& blocks, size_t group, std::span<const uint32_t> which, Rows& rows) {
  const size_t first = group * span_;
  const size_t last = std::min(first + span_, blocks.num_blocks());
  double found[4 * kLanes];
  const double* queries[4];
  for (size_t i = 0; i < which.size(); i += 4) {
    const size_t num = std::min<size_t>(4, which.size() - i);
    double least[4];
    std::fill_n(least, 4, INFINITY);
    for (size_t q = 0; q < num; ++q) {
      queries[q] = x_.row(rows.begin + which[i + q]);
    }
    for (size_t block = first; block < last; ++block) {
      const size_t centres = std::min(kLanes, clusters_ - block * kLanes);
      blocks.measure(Metric::kSquaredEuclidean, queries, num, block, found);
      for (size_t q = 0; q < num; ++q) {
        const double* far = found + q * kLanes;
        const double* nearest = std::min_element(far, far + centres);
        const auto centre = static_cast<int32_t>(block * kLanes + static_cast<size_t>(nearest - far));
        double& best = rows.best[which[i + q]];
        int32_t& label = rows.label[which[i + q]];
        if (label < 0 || *nearest < best || (*nearest == best && centre < label)) {
          best = *nearest;
          label = centre;
        }
        least[q] = std::min(least[q], *nearest);
      }
    }
    for (size_t q = 0; q < num && groups_ > 1; ++q) {
      bound(rows.begin + which[i + q], group) = static_cast<float>(std::sqrt(least[q]) * (1 - kSlack));
    }
    rows.measured += num * (last - first) * kLanes;
  }
}

// The last centres' groups first; then what could still be nearer.
void Assigner::settle(const PointBlocks& blocks, Rows& rows) {
  std::fill_n(rows.best, rows.count, INFINITY);
  rows.of_group.resize(groups_);
  for (auto& group : rows.of_group) {
    group.clear();
  }
  for (size_t i = 0; i < rows.count; ++i) {
    if (rows.label[i] >= 0) {
      rows.of_group[group_of(rows.label[i])].push_back(static_cast<uint32_t>(i));
    }
    for (size_t g = 0; g < groups_ && groups_ > 1; ++g) {
      float& low = bound(rows.begin + i, g);
      low = std::max(0.0F, (low - moved_[g]) * kLoss);
    }
  }
  std::vector<size_t> own(rows.count, SIZE_MAX);
  for (size_t g = 0; g < groups_; ++g) {
    for (const uint32_t i : rows.of_group[g]) {
      own[i] = g;
    }
    measure(blocks, g, rows.of_group[g], rows);
  }
  for (size_t g = 0; g < groups_; ++g) {
    rows.which.clear();
    for (size_t i = 0; i < rows.count; ++i) {
      const double low = groups_ > 1 ? bound(rows.begin + i, g) : 0;
      if (own[i] != g && !(low * low > rows.best[i] * (1 + kSlack))) {
        rows.which.push_back(static_cast<uint32_t>(i));
      }
    }
    measure(blocks, g, rows.which, rows);
  }
}

std::vector<float> Assigner::moved_by(const std::vector<double>& centres) const {
  std::vector<float> out(groups_, 0.0F);
  for (size_t c = 0; c < clusters_ && !before_.empty(); ++c) {
    double square = 0;
    for (size_t j = 0; j < x_.columns; ++j) {
      const double far = centres[c * x_.columns + j] - before_[c * x_.columns + j];
      square += far * far;
    }
    float& most = out[group_of(static_cast<int32_t>(c))];
    most = std::max(most, static_cast<float>(std::sqrt(square) * (1 + kSlack)));
  }
  return out;
}

Round Assigner::assign(const std::vector<double>& centres, std::vector<int32_t>& labels, std::vector<double>& distances,
                       ThreadPool& pool) {
  const PointBlocks blocks(centres.data(), clusters_, x_.columns);
  moved_ = moved_by(centres);
  before_ = centres;
  const size_t piece = piece_of(x_.rows);
  std::vector<Round> parts(num_pieces(x_.rows, piece));
  std::atomic<uint64_t> measured{0};
  for_pieces(pool, x_.rows, piece, [&](size_t index, size_t begin, size_t end) {
    Round& part = parts[index];
    part.sums.assign(clusters_ * x_.columns, 0.0);
    part.weight.assign(clusters_, 0.0);
    Rows rows{};
    for (rows.begin = begin; rows.begin < end; rows.begin += kTogether) {
      rows.count = std::min(kTogether, end - rows.begin);
      std::copy_n(labels.begin() + static_cast<ptrdiff_t>(rows.begin), rows.count, rows.label);
      settle(blocks, rows);
      for (size_t i = 0; i < rows.count; ++i) {
        const size_t r = rows.begin + i;
        const auto nearest = static_cast<size_t>(rows.label[i]);
        const double weight = weights_.empty() ? 1.0 : weights_[r];
        labels[r] = rows.label[i];
        distances[r] = rows.best[i];
        part.inertia += weight * rows.best[i];
        part.weight[nearest] += weight;
        add_scaled(part.sums.data() + nearest * x_.columns, x_.row(r), weight, x_.columns);
      }
    }
    measured += rows.measured;
  });
  measured_ += measured;
  Round all = std::move(parts[0]);
  for (size_t i = 1; i < parts.size(); ++i) {
    add_scaled(all.sums.data(), parts[i].sums.data(), 1.0, all.sums.size());
    add_scaled(all.weight.data(), parts[i].weight.data(), 1.0, clusters_);
    all.inertia += parts[i].inertia;
  }
  return all;
}

}  // namespace athanor::classic
