// The Huffman tree of hierarchical softmax, built from label counts exactly as fastText builds it, so that node n of the
// tree is row n - num_labels of the output matrix.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor {

class FastTextTree {
 public:
  struct Node {
    int32_t parent = -1;
    int32_t left = -1;
    int32_t right = -1;
    int64_t count = 0;
    bool is_right = false;  // the code bit: 1 on the right
  };
  // counts: of the labels, in the model's order (falling); each >= 0, their sum at most 1e15.
  explicit FastTextTree(const std::vector<int64_t>& counts);

  int32_t num_labels() const { return num_labels_; }
  int32_t root() const { return static_cast<int32_t>(nodes_.size()) - 1; }
  bool is_leaf(int32_t node) const { return node < num_labels_; }
  int32_t row(int32_t node) const { return node - num_labels_; }  // of an inner node
  const Node& operator[](int32_t node) const { return nodes_[static_cast<size_t>(node)]; }

 private:
  int32_t num_labels_;
  std::vector<Node> nodes_;  // the labels, then inner nodes
};

}  // namespace athanor
