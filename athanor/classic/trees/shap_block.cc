#include "athanor/classic/trees/shap_block.h"

#include <algorithm>
#include <cmath>

namespace athanor {

namespace {

constexpr uint64_t kLanes = ShapBlock::kLanes;
constexpr double kSameSum = 1e-12;

// One body for every instruction set, and the same bits from each.
#define ATHANOR_CLONES \
  __attribute__((target_clones("default", "arch=x86-64-v3", "arch=x86-64-v4"), optimize("O3", "fp-contract=off")))

// A number a row; loads and stores need no alignment.
using Lanes [[gnu::vector_size(kLanes * sizeof(double)), gnu::aligned(8), gnu::may_alias]] = double;
using Mask [[gnu::vector_size(kLanes * sizeof(int64_t)), gnu::aligned(8), gnu::may_alias]] = int64_t;

// What a step along an edge is multiplied by, and what it adds, at each point: by whether the row went the path's way at this
// feature's splits before (1) or not (0), and does so here.
struct Factors {
  double* step_10;
  double* step_11;
  double* add_10;
  double* add_11;
  double step_00;  // add_00 is 0: the feature is lost already
  const int64_t* before;
  const int64_t* here;
};

// What stands at the end of the edge, from what stands at its beginning.
ATHANOR_CLONES void take_step(size_t points, const double* from, const Factors& by, double* to) {
  const Mask before = *reinterpret_cast<const Mask*>(by.before);
  const Mask here = *reinterpret_cast<const Mask*>(by.here);
  const Lanes lost = Lanes{} + by.step_00;
  for (size_t q = 0; q < points; ++q) {
    const Lanes goes = Lanes{} + by.step_11[q];
    const Lanes leaves = Lanes{} + by.step_10[q];
    const Lanes known = here ? goes : leaves;
    const Lanes step = before ? known : lost;
    *reinterpret_cast<Lanes*>(to + q * kLanes) = *reinterpret_cast<const Lanes*>(from + q * kLanes) * step;
  }
}

// sum: over points, what stands below the edge times what the edge adds; above += what stands below.
ATHANOR_CLONES void add_up(size_t points, const double* below, const Factors& by, double* above, double* sum) {
  const Mask before = *reinterpret_cast<const Mask*>(by.before);
  const Mask here = *reinterpret_cast<const Mask*>(by.here);
  Lanes total{};
  for (size_t q = 0; q < points; ++q) {
    const Lanes goes = Lanes{} + by.add_11[q];
    const Lanes leaves = Lanes{} + by.add_10[q];
    const Lanes adds = here ? goes : leaves;
    const Lanes there = *reinterpret_cast<const Lanes*>(below + q * kLanes);
    total += there * adds;
    *reinterpret_cast<Lanes*>(above + q * kLanes) += there;
  }
  *reinterpret_cast<Lanes*>(sum) = before ? total : Lanes{};
}

// Both at once, to a leaf of this value.
ATHANOR_CLONES void add_leaf(size_t points, const double* from, const Factors& by, double value, double* above, double* sum) {
  const Mask before = *reinterpret_cast<const Mask*>(by.before);
  const Mask here = *reinterpret_cast<const Mask*>(by.here);
  const Lanes lost = Lanes{} + by.step_00;
  Lanes total{};
  for (size_t q = 0; q < points; ++q) {
    const Lanes step_goes = Lanes{} + by.step_11[q];
    const Lanes step_leaves = Lanes{} + by.step_10[q];
    const Lanes known = here ? step_goes : step_leaves;
    const Lanes step = before ? known : lost;
    const Lanes there = *reinterpret_cast<const Lanes*>(from + q * kLanes) * step;
    const Lanes goes = Lanes{} + by.add_11[q];
    const Lanes leaves = Lanes{} + by.add_10[q];
    const Lanes adds = here ? goes : leaves;
    total += there * adds;
    *reinterpret_cast<Lanes*>(above + q * kLanes) += there * value;
  }
  *reinterpret_cast<Lanes*>(sum) = before ? total : Lanes{};
}

ATHANOR_CLONES void make_factors(size_t points, const double* __restrict at, const double* __restrict weight, double zero_before,
                                 double zero, const double* __restrict inverse_before, double* __restrict inverse,
                                 double* __restrict factors) {
  for (size_t q = 0; q < points; ++q) {
    const double rest = 1 - at[q];
    const double lost = zero * rest;
    const double known = at[q] + lost;
    const double one = 1 / known;
    const double taken_back = (1 - zero_before) * inverse_before[q];
    inverse[q] = one;
    factors[q] = lost * inverse_before[q];
    factors[points + q] = known * inverse_before[q];
    factors[2 * points + q] = weight[q] * (-1 / rest - taken_back);
    factors[3 * points + q] = weight[q] * ((1 - zero) * one - taken_back);
  }
}

// Most different features on a path of the tree.
uint32_t most_features(const TreeSet& trees, const std::vector<int32_t>& slot, std::vector<uint32_t>& times,
                       int32_t at) {
  const TreeNode& node = trees.nodes[static_cast<size_t>(at)];
  if (node.is_leaf()) {
    return 0;
  }
  uint32_t& here = times[static_cast<size_t>(slot[static_cast<size_t>(node.column())])];
  const uint32_t more = here == 0 ? 1 : 0;
  ++here;
  const uint32_t most = std::max(most_features(trees, slot, times, node.child),
                                 most_features(trees, slot, times, node.child + 1));
  --here;
  return most + more;
}

// Whether the numbers of every leaf sum to the same, as the shares of classes do.
bool same_sums(const TreeSet& trees) {
  double first = 0;
  for (uint64_t value = 0; value < trees.values(); ++value) {
    double sum = 0;
    for (uint64_t k = 0; k < trees.width; ++k) {
      sum += trees.leaf_values[value * trees.width + k];
    }
    first = value == 0 ? sum : first;
    if (!(std::abs(sum - first) <= kSameSum * std::abs(first))) {
      return false;
    }
  }
  return true;
}

}  // namespace

Quadrature Quadrature::of_points(size_t points) {
  Quadrature out;
  out.at.resize(points);
  out.weight.resize(points);
  const auto n = static_cast<double>(points);
  for (size_t i = 0; i < points; ++i) {
    double x = std::cos(M_PI * (static_cast<double>(i) + 0.75) / (n + 0.5));
    double slope = 1;
    for (int round = 0; round < 100; ++round) {  // Newton's method on Legendre's polynomial
      double p = 1, before = 0;
      for (size_t k = 1; k <= points; ++k) {
        const auto degree = static_cast<double>(k);
        const double next = ((2 * degree - 1) * x * p - (degree - 1) * before) / degree;
        before = p;
        p = next;
      }
      slope = n * (x * p - before) / (x * x - 1);
      const double step = p / slope;
      x -= step;
      if (std::abs(step) < 1e-16) {
        break;
      }
    }
    out.at[i] = (1 - x) / 2;
    out.weight[i] = 1 / ((1 - x * x) * slope * slope);
  }
  return out;
}

ShapPlan::ShapPlan(const TreeSet& given) : trees(given), slot(given.columns, -1), told(given.width) {
  for (uint64_t i = 0; i < trees.nodes.size(); ++i) {
    if (const TreeNode& node = trees.nodes[i]; !node.is_leaf()) {
      slot[static_cast<size_t>(node.column())] = 0;
    }
  }
  for (size_t column = 0; column < slot.size(); ++column) {
    if (slot[column] == 0) {
      slot[column] = static_cast<int32_t>(columns.size());
      columns.push_back(static_cast<int32_t>(column));
    }
  }
  if (trees.width > 1 && same_sums(trees)) {
    --told;
  }
  std::vector<uint32_t> times(columns.size(), 0);
  uint32_t most = 1;
  for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
    points.push_back(std::max(1U, (most_features(trees, slot, times, trees.roots[tree]) + 1) / 2));
    most = std::max(most, points.back());
  }
  by_points.resize(most + 1);
  for (const uint32_t count : points) {
    if (by_points[count].at.empty()) {
      by_points[count] = Quadrature::of_points(count);
    }
  }
}

double ShapPlan::bytes() const {
  int depth = 0;
  for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
    depth = std::max(depth, trees.depth_of(tree));
  }
  const double numbers = static_cast<double>(by_points.size()) * static_cast<double>(kLanes) * (static_cast<double>(told) + 2);
  return (numbers * static_cast<double>(depth + 1) + static_cast<double>(trees.outputs() * columns.size() * kLanes * 2)) * sizeof(double);
}

// At one depth of the walk: the product over the path at each point, and below it the leaves' values times theirs.
struct ShapBlock::Level {
  std::vector<double> product;      // points x kLanes
  std::vector<double> below;        // told x points x kLanes
  std::vector<double> inverse;      // points: of this edge
  std::vector<double> factors;      // 4 x points
  int64_t here[kLanes];             // a row each: all bits where it went the path's way, else none
};

struct ShapBlock::Known {
  double zero = 1;                   // share of training rows that went this way at all splits by the feature
  const int64_t* one = nullptr;      // a row each: all bits where it did
  const double* inverse = nullptr;   // a point each: 1 / (t + zero (1 - t))
};

ShapBlock::ShapBlock(const ShapPlan& plan) : plan_(plan), known_(plan.columns.size()) {
  static constexpr int64_t kAll[kLanes] = {-1, -1, -1, -1, -1, -1, -1, -1};
  ones_.assign(plan.by_points.size(), 1.0);
  for (Known& known : known_) {
    known = {1, kAll, ones_.data()};
  }
}

ShapBlock::~ShapBlock() = default;

ShapBlock::Level& ShapBlock::level(size_t depth) {
  while (levels_.size() <= depth) {
    levels_.push_back(std::make_unique<Level>());
  }
  Level& found = *levels_[depth];
  const size_t points = points_->at.size();
  if (found.inverse.size() < points) {
    found.product.resize(points * kLanes);
    found.below.resize(plan_.told * points * kLanes);
    found.inverse.resize(points);
    found.factors.resize(4 * points);
  }
  return found;
}

void ShapBlock::explain(uint64_t tree, const std::array<const double*, kLanes>& rows, double scale, std::vector<double>& sums) {
  const TreeSet& trees = plan_.trees;
  if (trees.nodes[static_cast<size_t>(trees.roots[tree])].is_leaf()) {
    return;
  }
  points_ = &plan_.by_points[plan_.points[tree]];
  rows_ = &rows;
  scale_ = scale;
  sums_ = sums.data() + tree % trees.groups * trees.width * plan_.columns.size() * kLanes;
  Level& top = level(0);
  std::fill_n(top.product.begin(), points_->at.size() * kLanes, 1.0);
  walk(trees.roots[tree], 0);
}

void ShapBlock::walk(int32_t at, size_t depth) {
  const TreeSet& trees = plan_.trees;
  const TreeNode& node = trees.nodes[static_cast<size_t>(at)];
  const size_t all = points_->at.size() * kLanes;
  std::fill_n(level(depth).below.begin(), plan_.told * all, 0.0);
  const int32_t slot = plan_.slot[static_cast<size_t>(node.column())];
  const Known before = known_[static_cast<size_t>(slot)];
  int32_t goes[kLanes];
  for (size_t r = 0; r < kLanes; ++r) {
    goes[r] = trees.next(node, (*rows_)[r][node.column()]);
  }
  const double left = trees.cover[static_cast<size_t>(node.child)];
  const double both = left + trees.cover[static_cast<size_t>(node.child) + 1];
  const double left_share = both > 0 ? left / both : 0.5;
  for (int32_t side = 0; side < 2; ++side) {
    const int32_t child = node.child + side;
    Level& next = level(depth + 1);
    int64_t any = 0;
    for (size_t r = 0; r < kLanes; ++r) {
      next.here[r] = goes[r] == child ? before.one[r] : 0;
      any |= next.here[r];
    }
    const double zero = before.zero * (side == 0 ? left_share : 1 - left_share);
    if (any != 0 || zero > 0) {  // a side that no training row went to adds nothing, unless a row goes there
      follow(child, depth, slot, before, zero);
    }
  }
  known_[static_cast<size_t>(slot)] = before;
}

void ShapBlock::follow(int32_t child, size_t depth, int32_t slot, const Known& before, double zero) {
  const size_t points = points_->at.size();
  const size_t all = points * kLanes;
  Level& my = *levels_[depth];
  Level& next = *levels_[depth + 1];
  double* factors = next.factors.data();
  make_factors(points, points_->at.data(), points_->weight.data(), before.zero, zero, before.inverse, next.inverse.data(), factors);
  const Factors by{factors, factors + points, factors + 2 * points, factors + 3 * points,
                   before.zero > 0 ? zero / before.zero : 0.0, before.one, next.here};
  const TreeNode& node = plan_.trees.nodes[static_cast<size_t>(child)];
  const double* value = node.is_leaf() ? plan_.trees.value_of(node) : nullptr;
  if (value == nullptr) {
    take_step(points, my.product.data(), by, next.product.data());
    known_[static_cast<size_t>(slot)] = {zero, next.here, next.inverse.data()};
    walk(child, depth + 1);
  }
  double sum[kLanes];
  for (uint64_t k = 0; k < plan_.told; ++k) {
    if (value != nullptr) {
      add_leaf(points, my.product.data(), by, value[k], my.below.data() + k * all, sum);
    } else {
      add_up(points, next.below.data() + k * all, by, my.below.data() + k * all, sum);
    }
    const double scale = value != nullptr ? scale_ * value[k] : scale_;
    double* out = sums_ + (k * plan_.columns.size() + static_cast<uint64_t>(slot)) * kLanes;
    for (size_t r = 0; r < kLanes; ++r) {
      out[r] += scale * sum[r];
    }
  }
}

}  // namespace athanor
