// Trees in a stored estimator: five arrays. Nothing of a file is believed before it was checked.
#include <cmath>

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
      if (static_cast<uint64_t>(node.leaf()) >= trees.leaves()) {
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

}  // namespace

void TreeSet::save(SavedWriter& out) const {
  std::vector<double> thresholds;
  std::vector<int32_t> features, children;
  thresholds.reserve(nodes.size());
  features.reserve(nodes.size());
  children.reserve(nodes.size());
  for (const TreeNode& node : nodes) {
    thresholds.push_back(node.threshold);
    features.push_back(node.feature);
    children.push_back(node.child);
  }
  out.json()["columns"] = columns;
  out.json()["width"] = width;
  out.json()["groups"] = groups;
  out.put("roots", std::span<const int32_t>(roots));
  out.put("threshold", std::span<const double>(thresholds));
  out.put("feature", std::span<const int32_t>(features));
  out.put("child", std::span<const int32_t>(children));
  out.put("gain", std::span<const float>(gain));
  out.put("cover", std::span<const float>(cover));
  out.put("leaf", std::span<const double>(leaf_values));
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
  const auto thresholds = in.doubles("threshold");
  const size_t count = thresholds.size();
  if (count > kMost) {
    in.fail("there are too many nodes");
  }
  const auto features = in.int32s("feature", count);
  const auto children = in.int32s("child", count);
  const auto gains = in.floats("gain", count);
  const auto covers = in.floats("cover", count);
  const auto values = in.doubles("leaf");
  const auto starts = in.int32s("roots");
  if (values.size() % width != 0) {
    in.fail("the array 'leaf' is no multiple of 'width'");
  }
  for (const double value : values) {
    if (!std::isfinite(value)) {
      in.fail("a leaf's value is not finite");
    }
  }
  nodes.resize(count);
  for (size_t i = 0; i < count; ++i) {
    nodes[i] = {thresholds[i], features[i], children[i]};
    if (!(covers[i] >= 0) || !std::isfinite(covers[i]) || !std::isfinite(gains[i])) {
      in.fail("a node's cover or gain is not a number that can be");
    }
  }
  gain.assign(gains.begin(), gains.end());
  cover.assign(covers.begin(), covers.end());
  leaf_values.assign(values.begin(), values.end());
  roots.assign(starts.begin(), starts.end());
  if ((roots.empty() && count > 0) || (!roots.empty() && roots[0] != 0)) {
    in.fail("the first tree does not start at the first node");
  }
  load_sets(in, *this);
  std::vector<int16_t> depth;
  for (size_t t = 0; t < roots.size(); ++t) {
    const int32_t end = t + 1 < roots.size() ? roots[t + 1] : static_cast<int32_t>(count);
    if (roots[t] >= end || end > static_cast<int32_t>(count)) {
      in.fail("the starts of the trees do not ascend");
    }
    check_tree(*this, roots[t], end, depth, in);
  }
}

}  // namespace athanor
