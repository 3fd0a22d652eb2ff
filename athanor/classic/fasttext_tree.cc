#include "athanor/classic/fasttext_tree.h"

namespace athanor {

FastTextTree::FastTextTree(const std::vector<int64_t>& counts) : num_labels_(static_cast<int32_t>(counts.size())) {
  const size_t total = counts.empty() ? 0 : 2 * counts.size() - 1;
  nodes_.resize(total);
  for (size_t i = 0; i < total; ++i) {
    nodes_[i].count = i < counts.size() ? counts[i] : 1'000'000'000'000'000;
  }
  int32_t leaf = num_labels_ - 1;
  int32_t inner = num_labels_;
  for (int32_t at = num_labels_; at < static_cast<int32_t>(total); ++at) {
    int32_t lowest[2];
    for (int32_t& pick : lowest) {
      // Nodes from `at` on are not made yet: a leaf is then the only choice.
      const bool take_leaf =
          leaf >= 0 && (inner >= at || nodes_[static_cast<size_t>(leaf)].count < nodes_[static_cast<size_t>(inner)].count);
      pick = take_leaf ? leaf-- : inner++;
    }
    Node& node = nodes_[static_cast<size_t>(at)];
    Node& left = nodes_[static_cast<size_t>(lowest[0])];
    Node& right = nodes_[static_cast<size_t>(lowest[1])];
    node.left = lowest[0];
    node.right = lowest[1];
    node.count = left.count + right.count;
    left.parent = at;
    right.parent = at;
    right.is_right = true;
  }
}

}  // namespace athanor
