// Splitting a leaf in two, and the searches that take care: of exact counts of rows, of monotone
// columns.
#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/classic/trees/boosting_tree.h"

namespace athanor {

namespace {

constexpr double kInfinite = std::numeric_limits<double>::infinity();

}  // namespace

bool BoostingGrower::divide(OpenLeaf& parent, std::vector<uint32_t>& rows,
                            const std::vector<uint8_t>& active, bool last, TreeSet& trees,
                            OpenLeaf& right) {
  const auto column = static_cast<uint32_t>(parent.column);
  const PackedSum* histogram = parent.histogram.data() + offsets_[column];
  const uint32_t left_rows = partition(parent, rows);
  if (left_rows < options_.min_samples_leaf ||
      parent.rows() - left_rows < options_.min_samples_leaf) {
    find_split_with_counts(parent, rows, active);
    return false;
  }
  OpenLeaf left;
  for (int32_t b = 0; b <= parent.split.bin; ++b) {
    left.sum += histogram[b];
  }
  const PackedSum missing =
      cuts_.has_missing[column] != 0 ? histogram[cuts_.missing_bin(column)] : 0;
  left.sum += parent.split.missing_left ? missing : 0;
  right.sum = parent.sum - left.sum;

  TreeSplit how{parent.column, kInfinite, parent.split.missing_left, parent.gain};
  if (static_cast<size_t>(parent.split.bin) < cuts_.cuts[column].size()) {
    how.threshold = cuts_.cuts[column][static_cast<size_t>(parent.split.bin)];
  }
  if (missing == 0) {  // nothing was learnt here: with the many
    how.missing_left = weight_of(left.sum) >= weight_of(right.sum);
  }
  left.node = trees.split(parent.node, how);
  right.node = left.node + 1;
  trees.cover[left.node] = static_cast<float>(weight_of(left.sum) * weight_unit_);
  trees.cover[right.node] = static_cast<float>(weight_of(right.sum) * weight_unit_);
  left.depth = right.depth = parent.depth + 1;
  left.begin = parent.begin;
  left.end = right.begin = parent.begin + left_rows;
  right.end = parent.end;
  set_bounds(parent, left, right);

  const bool split_left = !last && may_split(left);
  const bool split_right = !last && may_split(right);
  if (split_left || split_right) {
    OpenLeaf& small = left.rows() <= right.rows() ? left : right;
    OpenLeaf& large = left.rows() <= right.rows() ? right : left;
    const bool split_large = left.rows() <= right.rows() ? split_right : split_left;
    build_histogram(small, rows);
    if (split_large) {
      subtract_histograms(parent.histogram.data(), small.histogram.data(), parent.histogram.data(),
                          parent.histogram.size());
      large.histogram = std::move(parent.histogram);
    }
  }
  if (!parent.histogram.empty()) {
    buffers_.push_back(std::move(parent.histogram));
  }
  for (OpenLeaf* child : {&left, &right}) {
    if (child == &left ? split_left : split_right) {
      find_split(*child, active);
    }
    if (child->column < 0 && !child->histogram.empty()) {
      buffers_.push_back(std::move(child->histogram));
      child->histogram.clear();
    }
  }
  parent = std::move(left);
  return true;
}

// A split that a monotone column allows parts the values between its sides for all that grows
// below.
void BoostingGrower::set_bounds(const OpenLeaf& parent, OpenLeaf& left, OpenLeaf& right) const {
  left.low = right.low = parent.low;
  left.high = right.high = parent.high;
  const int8_t way =
      options_.monotone.empty() ? int8_t{0} : options_.monotone[static_cast<size_t>(parent.column)];
  if (way == 0) {
    return;
  }
  const double middle = value_of(left) / 2 + value_of(right) / 2;
  (way > 0 ? left.high : left.low) = middle;
  (way > 0 ? right.low : right.high) = middle;
}

// Scalar: with bounds on values, and exact counts where they are given.
ColumnSplit BoostingGrower::careful_cut(const OpenLeaf& leaf, uint32_t column,
                                        const uint32_t* counts) const {
  const PackedSum* histogram = leaf.histogram.data() + offsets_[column];
  const uint32_t bins = cuts_.bins(column);
  const PackedSum missing = cuts_.has_missing[column] != 0 ? histogram[bins] : 0;
  const int8_t way = options_.monotone.empty() ? int8_t{0} : options_.monotone[column];
  const SplitRules rules = rules_for(leaf);
  const double least = counts == nullptr ? rules.least_weight
                                         : std::max(1.0, options_.min_child_weight / weight_unit_);
  const auto score = [&](PackedSum sum, double value) {
    const double g = gradient_of(sum) * gradient_unit_;
    const double h = weight_of(sum) * weight_unit_ + options_.l2;
    return -(2 * g * value + h * value * value + 2 * options_.l1 * std::fabs(value));
  };
  ColumnSplit best;
  for (const bool missing_left : {false, true}) {
    if (missing_left && missing == 0) {
      continue;
    }
    PackedSum left = missing_left ? missing : 0;
    uint32_t rows = missing_left && counts != nullptr ? counts[bins] : 0;
    for (uint32_t b = 0; b < bins; ++b) {
      left += histogram[b];
      rows += counts == nullptr ? 0 : counts[b];
      const PackedSum right = leaf.sum - left;
      if (weight_of(left) < least || weight_of(right) < least) {
        continue;
      }
      if (counts != nullptr &&
          (rows < options_.min_samples_leaf || leaf.rows() - rows < options_.min_samples_leaf)) {
        continue;
      }
      const double left_value = std::clamp(value_of(left), leaf.low, leaf.high);
      const double right_value = std::clamp(value_of(right), leaf.low, leaf.high);
      if ((way > 0 && left_value > right_value) || (way < 0 && left_value < right_value)) {
        continue;
      }
      const double sum = score(left, left_value) + score(right, right_value);
      if (sum > best.score) {
        best = {sum, static_cast<int32_t>(b), missing_left};
      }
    }
  }
  return best;
}

void BoostingGrower::find_split_with_counts(OpenLeaf& leaf, const std::vector<uint32_t>& rows,
                                            const std::vector<uint8_t>& active) {
  std::vector<uint32_t> counts(offsets_.back(), 0);
  for (uint32_t i = leaf.begin; i < leaf.end; ++i) {
    for (uint32_t c = 0; c < bins_.columns; ++c) {
      ++counts[offsets_[c] + bins_.at(rows[i], c)];
    }
  }
  leaf.column = -1;
  for (uint32_t c = 0; c < bins_.columns; ++c) {
    if (!active.empty() && active[c] == 0) {
      continue;
    }
    const ColumnSplit found = careful_cut(leaf, c, counts.data() + offsets_[c]);
    if (found.bin >= 0 && (leaf.column < 0 || found.score > leaf.split.score)) {
      leaf.column = static_cast<int32_t>(c);
      leaf.split = found;
    }
  }
  leaf.gain = leaf.column < 0 ? 0 : leaf.split.score - score_of(leaf.sum);
  if (leaf.gain <= std::max(options_.min_gain, 1e-12 * leaf.split.score)) {
    leaf.column = -1;
  }
}

BinnedWalk::BinnedWalk(const TreeSet& trees, uint64_t tree, const BinCuts& cuts) {
  const int32_t begin = trees.roots[tree];
  for (int32_t i = begin; i < trees.end_of(tree); ++i) {
    const TreeNode& node = trees.nodes[static_cast<size_t>(i)];
    Step step;
    if (node.is_leaf()) {
      step.child = node.child;
    } else {
      const auto column = static_cast<uint64_t>(node.column());
      step = {static_cast<uint32_t>(column), cuts.bin_of(column, node.threshold),
              cuts.missing_bin(column), node.missing_left(), node.child - begin};
    }
    steps_.push_back(step);
  }
}

int32_t BinnedWalk::leaf_of(const BinnedMatrix& bins, uint64_t row) const {
  const Step* step = steps_.data();
  while (step->child >= 0) {
    const uint32_t bin = bins.at(row, step->column);
    const bool left = bin == step->missing_bin ? step->missing_left : bin <= step->bin;
    step = steps_.data() + step->child + (left ? 0 : 1);
  }
  return ~step->child;
}

}  // namespace athanor
