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
  if (parent.histogram.empty()) {  // it was given up
    build_histogram(parent, rows);
  }
  const PackedSum* histogram = parent.histogram.data() + offsets_[column];
  const uint32_t left_rows = partition(parent, rows);
  if (left_rows < options_.min_samples_leaf ||
      parent.rows() - left_rows < options_.min_samples_leaf) {
    find_split_with_counts(parent, rows, active);
    return false;
  }
  OpenLeaf left;
  for (uint32_t b = 0; b < cuts_.bins(column); ++b) {
    const bool goes_left = parent.split.by_category ? parent.split.goes_left(b) : static_cast<int32_t>(b) <= parent.split.bin;
    left.sum += goes_left ? histogram[b] : 0;
  }
  const PackedSum missing =
      cuts_.has_missing[column] != 0 ? histogram[cuts_.missing_bin(column)] : 0;
  left.sum += parent.split.missing_left ? missing : 0;
  right.sum = parent.sum - left.sum;

  TreeSplit how = told(parent, trees);
  if (missing == 0 && !how.by_category) {  // nothing was learnt here: with the many
    how.missing_left = weight_of(left.sum) >= weight_of(right.sum);
  }
  left.node = trees.split(parent.node, how);
  right.node = left.node + 1;
  trees.cover.own()[left.node] = static_cast<float>(weight_of(left.sum) * weight_unit_);
  trees.cover.own()[right.node] = static_cast<float>(weight_of(right.sum) * weight_unit_);
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
  give_buffer(parent);
  for (OpenLeaf* child : {&left, &right}) {
    if (child == &left ? split_left : split_right) {
      find_split(*child, active);
    }
    if (child->column < 0) {
      give_buffer(*child);
    }
  }
  parent = std::move(left);
  return true;
}

// The leaf's split as the tree stores it.
TreeSplit BoostingGrower::told(const OpenLeaf& leaf, TreeSet& trees) const {
  const auto column = static_cast<uint32_t>(leaf.column);
  TreeSplit how{static_cast<int32_t>(cuts_.given_column(column)), kInfinite, leaf.split.missing_left, leaf.gain, leaf.split.by_category};
  if (leaf.split.by_category) {
    std::vector<double> set;
    for (uint32_t b = 0; b < cuts_.bins(column); ++b) {
      if (leaf.split.goes_left(b)) {
        set.push_back(cuts_.categories[column][b]);
      }
    }
    how.threshold = trees.add_set(set);
  } else if (static_cast<size_t>(leaf.split.bin) < cuts_.cuts[column].size()) {
    how.threshold = cuts_.cuts[column][static_cast<size_t>(leaf.split.bin)];
  }
  return how;
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
  const std::vector<uint32_t> counts = count_rows(leaf, rows);
  leaf.column = -1;
  for (uint32_t c = 0; c < bins_.columns; ++c) {
    if (!active.empty() && active[c] == 0) {
      continue;
    }
    const uint32_t* of_column = counts.data() + offsets_[c];
    const ColumnSplit found =
        cuts_.is_category(c) ? category_cut(leaf, c, of_column) : careful_cut(leaf, c, of_column);
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
      const uint32_t column = cuts.kept_column(static_cast<uint32_t>(node.column()));
      step.column = column;
      step.missing_bin = cuts.missing_bin(column);
      step.missing_left = node.missing_left();
      step.child = node.child - begin;
      step.split.by_category = node.is_category();
      if (node.is_category()) {
        for (const double value : trees.set_of(node)) {
          const uint32_t bin = cuts.bin_of(column, value);
          step.split.left[bin >> 6] |= uint64_t{1} << (bin & 63);
        }
      } else {
        step.bin = cuts.bin_of(column, node.threshold);
      }
    }
    steps_.push_back(step);
  }
}

int32_t BinnedWalk::leaf_of(const BinnedMatrix& bins, uint64_t row) const {
  const Step* step = steps_.data();
  while (step->child >= 0) {
    const uint32_t bin = bins.at(row, step->column);
    const bool left = step->split.by_category       ? step->split.goes_left(bin)
                      : bin == step->missing_bin ? step->missing_left
                                                 : bin <= step->bin;
    step = steps_.data() + step->child + (left ? 0 : 1);
  }
  return ~step->child;
}

}  // namespace athanor
