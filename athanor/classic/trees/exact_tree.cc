#include "athanor/classic/trees/exact_tree.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "athanor/base/rng.h"
#include "athanor/classic/trees/sort_values.h"

namespace athanor {

namespace {

constexpr uint64_t kWorthThreads = 20'000;  // values to look at that are worth waking threads
constexpr uint64_t kColumnSalt = 0x636f6c;
constexpr double kPure = 1e-12;

}  // namespace

ExactTruth::ExactTruth(const Target& target, Criterion criterion) {
  if (target.task == Task::kRegression) {
    values = target.values;
    return;
  }
  width = target.labels.size();
  if (target.task == Task::kMultiLabel) {
    outputs = width;
    gain_scale = 2 / static_cast<double>(width);
    values.assign(target.marks.begin(), target.marks.end());
    return;
  }
  if (criterion == Criterion::kEntropy || width > 2) {
    classes = width;
    codes = target.classes;
    return;
  }
  gain_scale = 2;
  values.assign(target.classes.begin(), target.classes.end());
  if (width == 1) {  // one class alone: always that
    values.assign(target.classes.size(), 1.0);
  }
}

ExactGrower::ExactGrower(const RankedMatrix& x, const ExactTruth& truth,
                         const ExactTreeOptions& options)
    : x_(x), truth_(truth), options_(options) {
  options_.max_depth = options_.max_depth == 0
                           ? kMaxTreeDepth
                           : std::min<int64_t>(options_.max_depth, kMaxTreeDepth);
}

void ExactGrower::gather(Node& node, const std::vector<uint32_t>& rows,
                         std::span<const double> weights) const {
  const uint32_t count = node.rows();
  node.weights.resize(count);
  node.weight = 0;
  for (uint32_t i = 0; i < count; ++i) {
    node.weights[i] = weights[rows[node.begin + i]];
    node.weight += node.weights[i];
  }
  if (truth_.is_codes()) {
    node.codes.resize(count);
    node.sums.assign(truth_.classes, 0);
    for (uint32_t i = 0; i < count; ++i) {
      node.codes[i] = truth_.codes[rows[node.begin + i]];
      node.sums[static_cast<size_t>(node.codes[i])] += node.weights[i];
    }
    node.pure = std::all_of(node.codes.begin(), node.codes.end(),
                            [&](int32_t code) { return code == node.codes[0]; });
    return;
  }
  const uint64_t outputs = truth_.outputs;
  node.values.resize(count * outputs);
  node.sums.assign(outputs, 0);
  std::vector<double> squares(outputs, 0);
  for (uint32_t i = 0; i < count; ++i) {
    for (uint64_t k = 0; k < outputs; ++k) {
      const double value = truth_.values[rows[node.begin + i] * outputs + k];
      node.values[i * outputs + k] = value;
      node.sums[k] += node.weights[i] * value;
    }
  }
  node.pure = true;
  for (size_t i = outputs; i < node.values.size() && node.pure; ++i) {
    node.pure = node.values[i] == node.values[i % outputs];
  }
  if (options_.criterion == Criterion::kAbsolute) {
    node.by_value.resize(count);
    std::iota(node.by_value.begin(), node.by_value.end(), 0U);
    std::stable_sort(node.by_value.begin(), node.by_value.end(),
                     [&](uint32_t a, uint32_t b) { return node.values[a] < node.values[b]; });
  }
}

bool ExactGrower::may_split(const Node& node) const {
  return !node.pure && node.depth < options_.max_depth &&
         node.rows() >= options_.min_samples_split && node.rows() >= 2 * options_.min_samples_leaf;
}

// A value a leaf: mean, median, or the share of each class.
std::vector<double> ExactGrower::value_of(const Node& node) const {
  std::vector<double> value(truth_.width, 0);
  if (truth_.is_codes()) {
    for (uint64_t k = 0; k < truth_.width; ++k) {
      value[k] = node.sums[k] / node.weight;
    }
  } else if (options_.criterion == Criterion::kAbsolute) {
    double below = 0;
    for (size_t i = 0; i < node.by_value.size(); ++i) {
      below += node.weights[node.by_value[i]];
      const bool half = below == node.weight / 2 && i + 1 < node.by_value.size();
      if (half || below > node.weight / 2) {
        value[0] =
            node.values[node.by_value[i]] / 2 + node.values[node.by_value[half ? i + 1 : i]] / 2;
        break;
      }
    }
  } else if (truth_.outputs == 1 && truth_.width == 2) {
    value = {1 - node.sums[0] / node.weight, node.sums[0] / node.weight};
  } else if (truth_.outputs == 1 && truth_.width == 1 && !truth_.values.empty()) {
    // Pure: the value itself, without a rounding. One class: always it.
    value[0] = node.pure ? node.values[0] : node.sums[0] / node.weight;
  } else {
    for (uint64_t k = 0; k < truth_.width; ++k) {
      value[k] = node.sums[k] / node.weight;
    }
  }
  return value;
}

ExactGrower::Found ExactGrower::search_column(const Node& node, std::span<const uint32_t> rows,
                                              uint32_t column, uint64_t key, Scratch& scratch,
                                              bool& constant) const {
  const auto& ranks = x_.ranks[column];
  const uint32_t count = node.rows();
  scratch.ranks.resize(count);
  uint32_t low = kMissingRank, high = 0;
  uint32_t missing = 0;
  for (uint32_t i = 0; i < count; ++i) {
    const uint32_t rank = ranks[rows[i]];
    scratch.ranks[i] = rank;
    low = std::min(low, rank);
    missing += rank == kMissingRank ? 1 : 0;
    high = std::max(high, rank + 1);  // missing: 0
  }
  constant = missing == count || (missing == 0 && low + 1 == high);
  if (constant) {
    return {};
  }
  if (options_.random_thresholds) {
    return low + 1 == high ? Found{} : random_cut(node, column, low, high - 1, key, scratch);
  }
  const uint32_t range = high - low;
  scratch.events.clear();
  const bool one_number =
      !truth_.is_codes() && truth_.outputs == 1 && options_.criterion != Criterion::kAbsolute;
  const auto event_of = [&](uint32_t i, uint32_t rank) {
    const double value =
        truth_.is_codes() ? node.codes[i] : (one_number ? node.weights[i] * node.values[i] : 0.0);
    scratch.events.push_back({rank, 1, node.weights[i], value, i});
  };
  if (one_number && range <= 3 * uint64_t{count}) {
    scratch.bin_weights.assign(range, 0);
    scratch.bin_values.assign(range, 0);
    scratch.bin_rows.assign(range, 0);
    for (uint32_t i = 0; i < count; ++i) {
      if (scratch.ranks[i] != kMissingRank) {
        const uint32_t at = scratch.ranks[i] - low;
        scratch.bin_weights[at] += node.weights[i];
        scratch.bin_values[at] += node.weights[i] * node.values[i];
        ++scratch.bin_rows[at];
      }
    }
    for (uint32_t at = 0; at < range; ++at) {
      if (scratch.bin_rows[at] > 0) {
        scratch.events.push_back(
            {low + at, scratch.bin_rows[at], scratch.bin_weights[at], scratch.bin_values[at], 0});
      }
    }
  } else {
    scratch.keys.clear();
    for (uint32_t i = 0; i < count; ++i) {
      if (scratch.ranks[i] != kMissingRank) {
        scratch.keys.push_back(uint64_t{scratch.ranks[i] - low} << 32 | i);
      }
    }
    sort_by_rank(scratch.keys, scratch.spare, range);
    for (const uint64_t sorted : scratch.keys) {
      event_of(static_cast<uint32_t>(sorted), low + static_cast<uint32_t>(sorted >> 32));
    }
  }
  const size_t present = scratch.events.size();
  for (uint32_t i = 0; missing > 0 && i < count; ++i) {
    if (scratch.ranks[i] == kMissingRank) {
      event_of(i, kMissingRank);
    }
  }
  scratch.missing = scratch.events.size() - present;
  Found best = best_boundary(node, truth_, options_, scratch, false);
  if (missing > 0) {
    const Found other = best_boundary(node, truth_, options_, scratch, true);
    best = other.score > best.score ? other : best;
  }
  if (best.column < 0) {
    return {};
  }
  best.column = static_cast<int32_t>(column);
  const auto next = std::upper_bound(
      scratch.events.begin(), scratch.events.begin() + static_cast<std::ptrdiff_t>(present),
      best.rank, [](uint32_t rank, const Scratch::Event& event) { return rank < event.rank; });
  const auto& values = x_.values[column];
  best.threshold = next == scratch.events.begin() + static_cast<std::ptrdiff_t>(present)
                       ? std::numeric_limits<double>::infinity()
                       : cut_between(values[best.rank], values[next->rank]);
  return best;
}

ExactGrower::Found ExactGrower::search(const Node& node, std::span<const uint32_t> rows,
                                       uint64_t key, ThreadPool* pool, Scratch& scratch) const {
  const auto columns = static_cast<uint32_t>(x_.columns);
  Found best;
  bool constant = false;
  if (options_.columns == 0 || options_.columns >= static_cast<int64_t>(columns)) {
    std::vector<Found> found(columns);
    if (pool != nullptr && pool->num_threads() > 1 &&
        uint64_t{node.rows()} * columns >= kWorthThreads) {
      pool->parallel_for(columns, [&](size_t c) {
        Scratch own;
        bool same = false;
        found[c] = search_column(node, rows, static_cast<uint32_t>(c), key, own, same);
      });
    } else {
      for (uint32_t c = 0; c < columns; ++c) {
        found[c] = search_column(node, rows, c, key, scratch, constant);
      }
    }
    for (const Found& one : found) {
      best = one.column >= 0 && one.score > best.score ? one : best;
    }
    return best;
  }
  // As scikit-learn: so many features are tried, and more while all so far had one value.
  std::vector<uint32_t> order(columns);
  std::iota(order.begin(), order.end(), 0U);
  Rng rng(random_at(key, kColumnSalt));
  int64_t constants = 0;
  for (uint32_t tried = 0; tried < columns; ++tried) {
    if (tried >= options_.columns && tried > constants) {
      break;
    }
    std::swap(order[tried], order[tried + rng.below(columns - tried)]);
    const Found found = search_column(node, rows, order[tried], key, scratch, constant);
    constants += constant ? 1 : 0;
    best = found.column >= 0 && found.score > best.score ? found : best;
  }
  return best;
}

void ExactGrower::grow(std::vector<uint32_t> rows, std::span<const double> weights, uint64_t seed,
                       ThreadPool* pool, TreeSet& trees, std::vector<double>* node_values) const {
  Scratch scratch;
  std::vector<uint32_t> right_rows;
  std::vector<Node> open;
  double all_weight = 0;
  const auto begin = [&](Node node) {
    gather(node, rows, weights);
    trees.cover.own()[node.id] = static_cast<float>(node.weight);
    all_weight = node.depth == 0 ? node.weight : all_weight;
    if (may_split(node)) {
      const auto at = static_cast<uint64_t>(node.id - trees.roots.back());
      node.split =
          search(node, {rows.data() + node.begin, node.rows()}, random_at(seed, at), pool, scratch);
      node.split.score *= truth_.gain_scale;
    }
    if (node_values != nullptr) {
      const auto value = value_of(node);
      node_values->resize((trees.nodes.size() - static_cast<size_t>(trees.roots.back())) *
                          truth_.width);
      std::copy(value.begin(), value.end(),
                node_values->begin() +
                    static_cast<std::ptrdiff_t>(
                        static_cast<uint64_t>(node.id - trees.roots.back()) * truth_.width));
    }
    const double won = node.split.score / all_weight;
    if (node.split.column < 0 || won + kPure < options_.min_gain) {
      trees.make_leaf(node.id, value_of(node));
      return;
    }
    open.push_back(std::move(node));
  };
  Node root;
  root.id = trees.begin_tree();
  root.end = static_cast<uint32_t>(rows.size());
  begin(std::move(root));
  int64_t leaves = 1;
  while (!open.empty()) {
    size_t at = open.size() - 1;
    for (size_t i = 0; options_.max_leaves > 0 && i < open.size(); ++i) {
      at = open[i].split.score > open[at].split.score ||
                   (open[i].split.score == open[at].split.score && open[i].id < open[at].id)
               ? i
               : at;
    }
    const Node node = std::move(open[at]);
    open.erase(open.begin() + static_cast<std::ptrdiff_t>(at));
    if (options_.max_leaves > 0 && leaves >= options_.max_leaves) {
      trees.make_leaf(node.id, value_of(node));
      continue;
    }
    ++leaves;
    const Found& split = node.split;
    const auto& ranks = x_.ranks[static_cast<size_t>(split.column)];
    right_rows.clear();
    uint32_t end = node.begin;
    double left_weight = 0;
    for (uint32_t i = node.begin; i < node.end; ++i) {
      const uint32_t rank = ranks[rows[i]];
      if (rank == kMissingRank ? split.missing_left : rank <= split.rank) {
        left_weight += weights[rows[i]];
        rows[end++] = rows[i];
      } else {
        right_rows.push_back(rows[i]);
      }
    }
    std::copy(right_rows.begin(), right_rows.end(), rows.begin() + end);
    // Where nothing was missing: with the many.
    const bool missing_left =
        split.has_missing ? split.missing_left : left_weight * 2 >= node.weight;
    Node left, right;
    left.id = trees.split(node.id, {split.column, split.threshold, missing_left, split.score});
    right.id = left.id + 1;
    left.depth = right.depth = node.depth + 1;
    left.begin = node.begin;
    left.end = right.begin = end;
    right.end = node.end;
    begin(std::move(right));
    begin(std::move(left));
  }
}

}  // namespace athanor
