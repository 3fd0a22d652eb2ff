// Trees in a stored estimator. Nothing of a file is believed before it was checked; what was checked is read where it lies.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/classic/trees/tree_set.h"

namespace athanor {

namespace {

// Every node of [begin, end) is the root or the child of exactly one node before it, and no path is
// too long.
void check_tree(const TreeSet& trees, int32_t begin, int32_t end, std::vector<int16_t>& depth,
                const SavedReader& in) {
  depth.assign(static_cast<size_t>(end - begin), -1);
  depth[0] = 0;
  for (int32_t i = begin; i < end; ++i) {
    const TreeNode& node = trees.nodes[static_cast<size_t>(i)];
    const int16_t here = depth[static_cast<size_t>(i - begin)];
    if (here < 0) {
      in.fail("a node of a tree has no parent");
    }
    if (node.is_leaf()) {
      if (static_cast<uint64_t>(node.leaf()) >= trees.values()) {
        in.fail("a leaf of a tree has no value");
      }
      continue;
    }
    if (node.child <= i || node.child >= end - 1) {
      in.fail("a child of a tree's node is out of range");
    }
    if (static_cast<uint64_t>(node.column()) >= trees.columns || std::isnan(node.threshold)) {
      in.fail("a split of a tree has no column or no threshold");
    }
    if (node.is_category() &&
        !(node.threshold >= 0 && node.threshold < static_cast<double>(trees.set_ends.size()) && !node.missing_left() &&
          node.threshold == std::floor(node.threshold))) {
      in.fail("a split of a tree asks for a set of categories that is not there");
    }
    for (int32_t child = node.child; child <= node.child + 1; ++child) {
      int16_t& of_child = depth[static_cast<size_t>(child - begin)];
      if (of_child >= 0) {
        in.fail("a node of a tree has two parents");
      }
      of_child = static_cast<int16_t>(here + 1);
    }
    if (here >= kMaxTreeDepth) {
      in.fail("a tree is deeper than " + std::to_string(kMaxTreeDepth));
    }
  }
}

// Whether the tree's nodes stand level by level, so that the children of the k-th split are nodes 2 k + 1 and 2 k + 2: then
// each has one parent, before it. One pass without a jump that depends on a node: forests have millions of them.
bool is_by_levels(const TreeSet& trees, int32_t begin, int32_t end) {
  const TreeNode* nodes = trees.nodes.data();
  const auto leaves = static_cast<int64_t>(trees.values());
  const auto sets = static_cast<double>(trees.set_ends.size());
  const auto columns = static_cast<int64_t>(trees.columns);
  bool whole = true;
  int32_t first = begin;
  int64_t next = int64_t{begin} + 1;  // behind the last child so far
  for (int depth = 0; first < next; ++depth) {
    if (next > end || depth > kMaxTreeDepth) {
      return false;
    }
    const auto stop = static_cast<int32_t>(next);
    for (int32_t i = first; i < stop; ++i) {
      const TreeNode& node = nodes[i];
      const bool leaf = node.is_leaf();
      const bool asks = (node.child == next) & (node.column() < columns) & (node.threshold == node.threshold);
      const bool says = int64_t{~node.child} < leaves;
      whole &= leaf ? says : asks;
      next += leaf ? 0 : 2;
      if (!leaf && node.is_category()) {  // rare
        whole &= node.threshold >= 0 && node.threshold < sets && !node.missing_left() &&
                 node.threshold == std::floor(node.threshold);
      }
    }
    first = stop;
  }
  return whole && next == end;
}

// The nodes of a tree level by level: their numbers.
std::vector<int32_t> by_levels(const TreeSet& trees, uint64_t tree) {
  std::vector<int32_t> order = {trees.roots[tree]};
  for (size_t i = 0; i < order.size(); ++i) {
    const TreeNode& node = trees.nodes[static_cast<size_t>(order[i])];
    if (!node.is_leaf()) {
      order.insert(order.end(), {node.child, node.child + 1});
    }
  }
  return order;
}

void load_sets(const SavedReader& in, TreeSet& trees) {
  if (!in.has("set_ends")) {
    return;
  }
  const auto ends = in.int64s("set_ends");
  const auto values = in.doubles("set_values");
  int64_t begin = 0;
  for (const int64_t end : ends) {
    if (end <= begin || end > static_cast<int64_t>(values.size())) {
      in.fail("the sets of categories are out of order");
    }
    for (int64_t i = begin; i < end; ++i) {
      const auto at = static_cast<size_t>(i);
      if (!std::isfinite(values[at]) || (i > begin && !(values[at] > values[at - 1]))) {
        in.fail("the values of a set of categories do not ascend");
      }
    }
    begin = end;
  }
  if (begin != static_cast<int64_t>(values.size())) {
    in.fail("the sets of categories end before their values do");
  }
  trees.set_ends.assign(ends.begin(), ends.end());
  trees.set_values.assign(values.begin(), values.end());
}

// Files of before the nodes stood together: three arrays, in any order that has parents first.
void load_apart(const SavedReader& in, TreeSet& trees) {
  const auto thresholds = in.doubles("threshold");
  const auto features = in.int32s("feature", thresholds.size());
  const auto children = in.int32s("child", thresholds.size());
  auto& nodes = trees.nodes.own();
  nodes.reserve(thresholds.size());
  for (size_t i = 0; i < thresholds.size(); ++i) {
    nodes.push_back({thresholds[i], features[i], children[i]});
  }
}

void load_nodes(const SavedReader& in, TreeSet& trees) {
  static_assert(sizeof(TreeNode) == 2 * sizeof(int64_t) && alignof(TreeNode) == alignof(int64_t));
  if (!in.has("nodes")) {
    load_apart(in, trees);
    return;
  }
  const auto words = in.int64s("nodes");
  if (words.size() % 2 != 0) {
    in.fail("the array 'nodes' ends within a node");
  }
  trees.nodes = {{reinterpret_cast<const TreeNode*>(words.data()), words.size() / 2}, in.keeper()};
}

bool all_finite(std::span<const double> values) {
  bool finite = true;
  for (const double value : values) {
    finite &= value - value == 0;
  }
  return finite;
}

}  // namespace

void TreeSet::save(SavedWriter& out) const {
  std::vector<TreeNode> stored;
  std::vector<float> gains, covers;
  stored.reserve(nodes.size());
  gains.reserve(nodes.size());
  covers.reserve(nodes.size());
  for (uint64_t tree = 0; tree < trees(); ++tree) {
    auto next = static_cast<int32_t>(stored.size()) + 1;
    for (const int32_t from : by_levels(*this, tree)) {
      stored.push_back(nodes[static_cast<size_t>(from)]);
      if (!stored.back().is_leaf()) {
        stored.back().child = next;
        next += 2;
      }
      gains.push_back(gain[static_cast<size_t>(from)]);
      covers.push_back(cover[static_cast<size_t>(from)]);
    }
  }
  out.json()["columns"] = columns;
  out.json()["width"] = width;
  out.json()["groups"] = groups;
  out.put("roots", std::span<const int32_t>(roots));
  out.put("nodes", std::span(reinterpret_cast<const int64_t*>(stored.data()), stored.size() * 2));
  out.put("gain", std::span<const float>(gains));
  out.put("cover", std::span<const float>(covers));
  out.put("leaf", leaf_values.all());
  if (!set_ends.empty()) {
    out.put("set_ends", std::span<const int64_t>(set_ends));
    out.put("set_values", std::span<const double>(set_values));
  }
}

void TreeSet::load(const SavedReader& in) {
  constexpr uint64_t kMost = INT32_MAX;
  *this = TreeSet{};
  columns = in.get<uint64_t>("columns");
  width = in.get<uint64_t>("width");
  groups = in.get<uint64_t>("groups");
  if (columns > static_cast<uint64_t>(TreeNode::kCategory) || width < 1 || width > kMost || groups < 1 || groups > kMost ||
      width * groups > kMost) {
    in.fail("'columns', 'width' or 'groups' is out of range");
  }
  load_nodes(in, *this);
  const size_t count = nodes.size();
  if (count > kMost) {
    in.fail("there are too many nodes");
  }
  gain = {in.floats("gain", count), in.keeper()};
  cover = {in.floats("cover", count), in.keeper()};
  leaf_values = {in.doubles("leaf"), in.keeper()};
  if (leaf_values.size() % width != 0) {
    in.fail("the array 'leaf' is no multiple of 'width'");
  }
  if (!all_finite(leaf_values.all())) {
    in.fail("a leaf's value is not finite");
  }
  const auto starts = in.int32s("roots");
  roots.assign(starts.begin(), starts.end());
  if ((roots.empty() && count > 0) || (!roots.empty() && roots[0] != 0)) {
    in.fail("the first tree does not start at the first node");
  }
  load_sets(in, *this);
  const bool apart = !in.has("nodes");
  std::vector<int16_t> depth;
  for (size_t t = 0; t < roots.size(); ++t) {
    const int32_t end = t + 1 < roots.size() ? roots[t + 1] : static_cast<int32_t>(count);
    if (roots[t] >= end || end > static_cast<int32_t>(count)) {
      in.fail("the starts of the trees do not ascend");
    }
    if (apart || !is_by_levels(*this, roots[t], end)) {
      check_tree(*this, roots[t], end, depth, in);  // says what is wrong
      if (!apart) {
        in.fail("the nodes of a tree do not stand level by level");
      }
    }
  }
}

void TreeSet::check_explained() const {
  bool can_be = true;
  const float* covers = cover.data();
  const float* gains = gain.data();
  for (size_t i = 0; i < nodes.size(); ++i) {
    can_be &= (covers[i] >= 0) & (covers[i] - covers[i] == 0) & (gains[i] - gains[i] == 0);
  }
  if (!can_be) {
    throw Error(ErrorKind::kInput, "a node's cover or gain is not a number that can be", "the stored trees",
                "the estimator is damaged or of another version; fit it again");
  }
}

}  // namespace athanor
