#include "athanor/classic/trees/prune.h"

#include <algorithm>
#include <limits>

namespace athanor {

namespace {

struct Branch {
  double gain = 0;  // of all splits at and below the node
  int64_t leaves = 1;
};

// Children stand behind their parents, so one walk backwards sums up all branches.
std::vector<Branch> branches_of(const TreeSet& trees, const std::vector<uint8_t>& is_leaf) {
  std::vector<Branch> out(trees.nodes.size());
  for (size_t i = trees.nodes.size(); i-- > 0;) {
    if (is_leaf[i] == 0) {
      const Branch& left = out[static_cast<size_t>(trees.nodes[i].child)];
      const Branch& right = out[static_cast<size_t>(trees.nodes[i].child) + 1];
      out[i] = {trees.gain[i] + left.gain + right.gain, left.leaves + right.leaves};
    }
  }
  return out;
}

}  // namespace

TreeSet pruned(const TreeSet& trees, std::span<const double> node_values, double alpha) {
  const size_t count = trees.nodes.size();
  std::vector<uint8_t> is_leaf(count);
  for (size_t i = 0; i < count; ++i) {
    is_leaf[i] = trees.nodes[i].is_leaf() ? 1 : 0;
  }
  const double all = trees.cover[0];
  std::vector<int32_t> parent(count, -1);
  for (size_t i = 0; i < count; ++i) {
    if (is_leaf[i] == 0) {
      parent[static_cast<size_t>(trees.nodes[i].child)] = static_cast<int32_t>(i);
      parent[static_cast<size_t>(trees.nodes[i].child) + 1] = static_cast<int32_t>(i);
    }
  }
  std::vector<Branch> branches = branches_of(trees, is_leaf);
  std::vector<uint8_t> gone(count, 0);
  while (is_leaf[0] == 0) {
    size_t weakest = 0;
    double least = std::numeric_limits<double>::infinity();
    for (size_t i = 0; i < count; ++i) {
      if (parent[i] >= 0) {
        const auto above = static_cast<size_t>(parent[i]);
        gone[i] = gone[above] != 0 || is_leaf[above] != 0 ? 1 : 0;
      }
      if (is_leaf[i] == 0 && gone[i] == 0) {
        const double link = branches[i].gain * trees.gain_unit / all / static_cast<double>(branches[i].leaves - 1);
        weakest = link < least ? i : weakest;
        least = std::min(least, link);
      }
    }
    if (least > alpha) {
      break;
    }
    is_leaf[weakest] = 1;
    const Branch cut = branches[weakest];
    branches[weakest] = {};
    for (int32_t up = parent[weakest]; up >= 0; up = parent[static_cast<size_t>(up)]) {
      branches[static_cast<size_t>(up)].gain -= cut.gain;
      branches[static_cast<size_t>(up)].leaves -= cut.leaves - 1;
    }
  }
  TreeSet out;
  out.columns = trees.columns;
  out.width = trees.width;
  std::vector<std::pair<size_t, int32_t>> todo = {{0, out.begin_tree()}};
  for (size_t at = 0; at < todo.size(); ++at) {
    const auto [from, to] = todo[at];
    out.cover.own()[static_cast<size_t>(to)] = trees.cover[from];
    if (is_leaf[from] != 0) {
      out.make_leaf(to, node_values.subspan(from * trees.width, trees.width));
      continue;
    }
    const TreeNode& node = trees.nodes[from];
    const int32_t left =
        out.split(to, {node.column(), node.threshold, node.missing_left(), trees.gain[from]});
    todo.emplace_back(static_cast<size_t>(node.child), left);
    todo.emplace_back(static_cast<size_t>(node.child) + 1, left + 1);
  }
  return out;
}

}  // namespace athanor
