// Splits by sets of categories, with the rules and the constants of LightGBM (Ke et al. 2017).
#include <algorithm>

#include "athanor/classic/trees/boosting_tree.h"

namespace athanor {

namespace {

constexpr uint32_t kOneAgainstRest = 4;  // categories at most: each is tried alone, as any other split is
constexpr size_t kMostInSet = 32;
constexpr double kSmooth = 10;  // rows of a category at least, and what its mean is held back by
constexpr double kGroups = 5;   // leaves' worth of rows that the next larger set of categories must add

double shrunk(double g, double l1) {
  return g > l1 ? g - l1 : (g < -l1 ? g + l1 : 0);
}

}  // namespace

// What both searches ask of the two sides.
struct BoostingGrower::CategorySearch {
  const PackedSum* histogram = nullptr;
  const uint32_t* counts = nullptr;  // of rows; null: they are judged by their weight
  double rows_a_weight = 1;
  double least_weight = 1;
  double least_rows = 1;

  double rows_of(uint32_t b) const {
    return counts == nullptr ? weight_of(histogram[b]) * rows_a_weight : static_cast<double>(counts[b]);
  }
  bool allows(PackedSum left, PackedSum right, double rows, double all_rows) const {
    const bool few = counts != nullptr && (rows < least_rows || all_rows - rows < least_rows);
    return weight_of(left) >= least_weight && weight_of(right) >= least_weight && !few;
  }
};

double BoostingGrower::category_score(PackedSum sum, double l2) const {
  const double g = shrunk(gradient_of(sum) * gradient_unit_, options_.l1);
  return g * g / (weight_of(sum) * weight_unit_ + l2);
}

ColumnSplit BoostingGrower::category_cut(const OpenLeaf& leaf, uint32_t column, const uint32_t* counts) const {
  CategorySearch search;
  search.histogram = leaf.histogram.data() + offsets_[column];
  search.counts = counts;
  search.rows_a_weight = leaf.rows() / std::max(1.0, static_cast<double>(weight_of(leaf.sum)));
  search.least_weight =
      counts == nullptr ? rules_for(leaf).least_weight : std::max(1.0, options_.min_child_weight / weight_unit_);
  search.least_rows = static_cast<double>(options_.min_samples_leaf);
  return cuts_.bins(column) <= kOneAgainstRest ? one_category_cut(leaf, column, search)
                                               : category_set_cut(leaf, column, search);
}

// One against all others; what is missing goes with these.
ColumnSplit BoostingGrower::one_category_cut(const OpenLeaf& leaf, uint32_t column, const CategorySearch& search) const {
  ColumnSplit best;
  for (uint32_t b = 0; b < cuts_.bins(column); ++b) {
    const PackedSum left = search.histogram[b];
    const PackedSum right = leaf.sum - left;
    if (!search.allows(left, right, search.rows_of(b), leaf.rows())) {
      continue;
    }
    const double score = category_score(left, options_.l2) + category_score(right, options_.l2);
    if (score > best.score) {
      best = {score, 0, false, true, {uint64_t{1} << b}};
    }
  }
  return best;
}

// In the order of their mean slope (Fisher 1958), up to kMostInSet from either end against all others. Small categories are
// held back: a mean of few rows is mostly chance.
ColumnSplit BoostingGrower::category_set_cut(const OpenLeaf& leaf, uint32_t column, const CategorySearch& search) const {
  std::vector<std::pair<double, uint32_t>> order;
  for (uint32_t b = 0; b < cuts_.bins(column); ++b) {
    const PackedSum sum = search.histogram[b];
    if (weight_of(sum) > 0 && search.rows_of(b) >= kSmooth) {
      order.emplace_back(gradient_of(sum) * gradient_unit_ / (weight_of(sum) * weight_unit_ + kSmooth), b);
    }
  }
  std::sort(order.begin(), order.end());
  ColumnSplit best;
  for (const bool from_above : {false, true}) {
    ColumnSplit now{-1, 0, false, true, {}};
    PackedSum left = 0;
    double rows = 0;
    double fresh = 0;
    for (size_t i = 0; i < std::min(order.size(), kMostInSet); ++i) {
      const uint32_t b = order[from_above ? order.size() - 1 - i : i].second;
      left += search.histogram[b];
      rows += search.rows_of(b);
      fresh += search.rows_of(b);
      now.left[b >> 6] |= uint64_t{1} << (b & 63);
      if (!search.allows(left, leaf.sum - left, rows, leaf.rows()) || fresh < kGroups * search.least_rows) {
        continue;
      }
      fresh = 0;
      now.score = category_score(left, options_.l2 + kSmooth) + category_score(leaf.sum - left, options_.l2 + kSmooth);
      best = now.score > best.score ? now : best;
    }
  }
  return best;
}

}  // namespace athanor
