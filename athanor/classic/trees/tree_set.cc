#include "athanor/classic/trees/tree_set.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {

namespace {

constexpr uint64_t kBlockRows = 256;

std::vector<double> shares(std::vector<double> amounts) {
  double sum = 0;
  for (const double amount : amounts) {
    sum += amount;
  }
  for (double& amount : amounts) {
    amount = sum > 0 ? amount / sum : 0;
  }
  return amounts;
}

// Eight rows go down together: their loads do not wait for each other.
template <bool with_categories>
void add_tree(const TreeSet& trees, uint64_t tree, const double* rows, uint64_t count, double* out,
              uint64_t stride) {
  constexpr uint64_t kTogether = 8;
  const TreeNode* nodes = trees.nodes.data();
  const int32_t root = trees.roots[tree];
  const uint64_t columns = trees.columns;
  const uint64_t at = tree % trees.groups * trees.width;
  for (uint64_t first = 0; first < count; first += kTogether) {
    const uint64_t n = std::min(kTogether, count - first);
    int32_t place[kTogether];
    std::fill_n(place, kTogether, root);
    bool walking = true;
    while (walking) {
      walking = false;
      for (uint64_t i = 0; i < n; ++i) {
        const TreeNode& node = nodes[place[i]];
        if (!node.is_leaf()) {
          const double value = rows[(first + i) * columns + static_cast<uint64_t>(node.column())];
          place[i] = with_categories ? trees.next(node, value) : node.next(value);
          walking = true;
        }
      }
    }
    for (uint64_t i = 0; i < n; ++i) {
      const double* value = trees.value_of(nodes[place[i]]);
      double* to = out + (first + i) * stride + at;
      for (uint64_t k = 0; k < trees.width; ++k) {
        to[k] += value[k];
      }
    }
  }
}

}  // namespace

int32_t TreeSet::begin_tree() {
  roots.push_back(static_cast<int32_t>(nodes.size()));
  nodes.own().emplace_back();
  gain.own().push_back(0);
  cover.own().push_back(0);
  return roots.back();
}

int32_t TreeSet::split(int32_t node, const TreeSplit& how) {
  const auto left = static_cast<int32_t>(nodes.size());
  nodes.own().resize(nodes.size() + 2);
  gain.own().resize(nodes.size(), 0);
  cover.own().resize(nodes.size(), 0);
  nodes.own()[node] = {how.threshold,
                       how.feature | (how.missing_left ? TreeNode::kMissingLeft : 0) |
                           (how.by_category ? TreeNode::kCategory : 0),
                       left};
  gain.own()[node] = static_cast<float>(how.gain / gain_unit);
  return left;
}

void TreeSet::make_leaf(int32_t node, std::span<const double> value) {
  nodes.own()[node] = {0, 0, ~static_cast<int32_t>(values())};
  leaf_values.own().insert(leaf_values.own().end(), value.begin(), value.end());
}

int32_t TreeSet::add_set(std::span<const double> ascending) {
  set_values.insert(set_values.end(), ascending.begin(), ascending.end());
  set_ends.push_back(static_cast<int64_t>(set_values.size()));
  return static_cast<int32_t>(set_ends.size()) - 1;
}

std::span<const double> TreeSet::set_of(const TreeNode& node) const {
  const auto set = static_cast<size_t>(node.threshold);
  const auto begin = static_cast<size_t>(set == 0 ? 0 : set_ends[set - 1]);
  return {set_values.data() + begin, static_cast<size_t>(set_ends[set]) - begin};
}

bool TreeSet::is_in(std::span<const double> ascending, double value) {
  return std::binary_search(ascending.begin(), ascending.end(), value) && !std::isnan(value);
}

int32_t TreeSet::end_of(uint64_t tree) const {
  return tree + 1 < roots.size() ? roots[tree + 1] : static_cast<int32_t>(nodes.size());
}

int TreeSet::depth_of(uint64_t tree) const {
  const int32_t begin = roots[tree];
  std::vector<int> depth(static_cast<size_t>(end_of(tree) - begin), 0);
  int deepest = 0;
  for (int32_t node = begin; node < end_of(tree); ++node) {
    const int here = depth[static_cast<size_t>(node - begin)];
    deepest = std::max(deepest, here);
    if (!nodes[node].is_leaf()) {
      depth[static_cast<size_t>(nodes[node].child - begin)] = here + 1;
      depth[static_cast<size_t>(nodes[node].child + 1 - begin)] = here + 1;
    }
  }
  return deepest;
}

void TreeSet::drop_trees_from(uint64_t tree) {
  if (tree >= roots.size()) {
    return;
  }
  const auto keep = static_cast<size_t>(roots[tree]);
  size_t kept_leaves = 0;
  size_t kept_sets = 0;
  for (size_t i = 0; i < keep; ++i) {
    kept_leaves += nodes[i].is_leaf() ? 1 : 0;
    kept_sets += !nodes[i].is_leaf() && nodes[i].is_category() ? 1 : 0;
  }
  set_ends.resize(kept_sets);
  set_values.resize(kept_sets == 0 ? 0 : static_cast<size_t>(set_ends.back()));
  nodes.own().resize(keep);
  gain.own().resize(keep);
  cover.own().resize(keep);
  leaf_values.own().resize(kept_leaves * width);
  roots.resize(tree);
}

void TreeSet::append(const TreeSet& other) {
  const auto base = static_cast<int32_t>(nodes.size());
  const auto first_leaf = static_cast<int32_t>(values());
  for (const int32_t root : other.roots) {
    roots.push_back(root + base);
  }
  for (TreeNode node : other.nodes) {
    if (!node.is_leaf() && node.is_category()) {
      node.threshold = add_set(other.set_of(node));
    }
    node.child = node.is_leaf() ? ~(node.leaf() + first_leaf) : node.child + base;
    nodes.own().push_back(node);
  }
  gain.own().insert(gain.own().end(), other.gain.begin(), other.gain.end());
  cover.own().insert(cover.own().end(), other.cover.begin(), other.cover.end());
  leaf_values.own().insert(leaf_values.own().end(), other.leaf_values.begin(), other.leaf_values.end());
}

void TreeSet::share_values() {
  constexpr size_t kPlaces = 1 << 14;
  std::vector<int32_t> latest(kPlaces, -1);  // the value last seen of those whose bits lead there
  std::vector<double> kept;
  for (TreeNode& node : nodes.own()) {
    if (!node.is_leaf()) {
      continue;
    }
    const double* value = value_of(node);
    uint64_t bits = 0;
    for (uint64_t k = 0; k < width; ++k) {
      bits = mix64(bits ^ std::bit_cast<uint64_t>(value[k]));
    }
    int32_t& place = latest[bits % kPlaces];
    if (place < 0 || std::memcmp(kept.data() + static_cast<size_t>(place) * width, value, width * sizeof(double)) != 0) {
      place = static_cast<int32_t>(kept.size() / width);
      kept.insert(kept.end(), value, value + width);
    }
    node.child = ~place;
  }
  kept.shrink_to_fit();
  leaf_values.own() = std::move(kept);
}

std::vector<double> TreeSet::gain_importances() const {
  check_explained();
  std::vector<double> sums(columns, 0);
  for (size_t i = 0; i < nodes.size(); ++i) {
    if (!nodes[i].is_leaf()) {
      sums[static_cast<size_t>(nodes[i].column())] += std::max(0.0F, gain[i]);
    }
  }
  return shares(std::move(sums));
}

std::vector<double> TreeSet::split_importances() const {
  std::vector<double> counts(columns, 0);
  for (const TreeNode& node : nodes) {
    if (!node.is_leaf()) {
      counts[static_cast<size_t>(node.column())] += 1;
    }
  }
  return shares(std::move(counts));
}

void for_row_blocks(
    const Matrix& x, uint64_t columns, ThreadPool& pool,
    const std::function<void(uint64_t first, uint64_t count, const double* rows)>& fn) {
  if (x.columns != columns) {
    throw Error(ErrorKind::kUsage,
                "the model was fitted on " + std::to_string(columns) +
                    " features, these rows have " + std::to_string(x.columns),
                "", "predict with the pipeline that the model was fitted with");
  }
  const uint64_t blocks = (x.rows + kBlockRows - 1) / kBlockRows;
  pool.parallel_for(blocks, [&](size_t block) {
    const uint64_t first = block * kBlockRows;
    const uint64_t count = std::min(kBlockRows, x.rows - first);
    if (!x.is_sparse) {
      fn(first, count, x.row(first));
      return;
    }
    std::vector<double> row(columns,
                            0.0);  // one at a time: a block of a million columns would not fit
    for (uint64_t r = first; r < first + count; ++r) {
      x.for_each_in_row(r, [&](uint32_t c, double value) { row[c] = value; });
      fn(r, 1, row.data());
      x.for_each_in_row(r, [&](uint32_t c, double) { row[c] = 0; });
    }
  });
}

Matrix sum_of_trees(const TreeSet& trees, const Matrix& x, double scale,
                    std::span<const double> base, ThreadPool& pool) {
  const uint64_t outputs = trees.outputs();
  Matrix out = Matrix::dense(x.rows, outputs);
  for_row_blocks(x, trees.columns, pool, [&](uint64_t first, uint64_t count, const double* rows) {
    double* to = out.row(first);
    for (uint64_t tree = 0; tree < trees.trees(); ++tree) {
      if (trees.set_ends.empty()) {
        add_tree<false>(trees, tree, rows, count, to, outputs);
      } else {
        add_tree<true>(trees, tree, rows, count, to, outputs);
      }
    }
    for (uint64_t i = 0; i < count * outputs; ++i) {
      to[i] = to[i] * scale + (base.empty() ? 0.0 : base[i % outputs]);
    }
  });
  return out;
}

}  // namespace athanor
