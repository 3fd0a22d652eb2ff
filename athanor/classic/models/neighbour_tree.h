// A k-d tree over dense rows: exact neighbours by squared Euclidean or Manhattan distance (Bentley 1975). Pays off up to
// about 15 columns.
#pragma once

#include "athanor/classic/models/dense_kernels.h"
#include "athanor/feature/matrix.h"

namespace athanor::classic {

// The nearest rows found so far: by distance, equal distances by row number.
class Nearest {
 public:
  explicit Nearest(size_t wanted) : wanted_(wanted) { heap_.reserve(wanted); }
  bool full() const { return heap_.size() == wanted_; }
  double worst() const { return heap_.front().first; }
  void offer(double distance, uint32_t row);
  // In order; empties it.
  void take(std::vector<std::pair<double, uint32_t>>& out);

 private:
  size_t wanted_;
  std::vector<std::pair<double, uint32_t>> heap_;  // the worst first
};

class NeighbourTree {
 public:
  NeighbourTree() = default;
  NeighbourTree(const Matrix& rows, Metric metric);  // the rows outlive it

  void nearest(const double* query, Nearest& found) const;
  // work(row) for all rows at a distance of at most `radius` (squared for kSquaredEuclidean), in no order.
  template <class Work>
  void within(const double* query, double radius, const Work& work) const {
    if (!nodes_.empty()) {
      visit_within(0, query, radius, work);
    }
  }

 private:
  struct Node {
    uint32_t begin = 0;
    uint32_t end = 0;
    uint32_t left = 0;  // 0: a leaf; the right child follows the left one's subtree at `right`
    uint32_t right = 0;
  };
  uint32_t build(uint32_t begin, uint32_t end);
  double bound(uint32_t node, const double* query) const;  // least distance to the node's box
  double distance(const double* query, uint32_t row) const;
  void visit(uint32_t node, double least, const double* query, Nearest& found) const;
  template <class Work>
  void visit_within(uint32_t node, const double* query, double radius, const Work& work) const {
    if (bound(node, query) > radius) {
      return;
    }
    const Node& here = nodes_[node];
    if (here.left != 0) {
      visit_within(here.left, query, radius, work);
      visit_within(here.right, query, radius, work);
      return;
    }
    for (uint32_t i = here.begin; i < here.end; ++i) {
      if (distance(query, order_[i]) <= radius) {
        work(order_[i]);
      }
    }
  }

  const Matrix* rows_ = nullptr;
  Metric metric_ = Metric::kSquaredEuclidean;
  std::vector<uint32_t> order_;
  std::vector<Node> nodes_;
  std::vector<double> boxes_;  // a node: least of each column, then greatest
};

}  // namespace athanor::classic
