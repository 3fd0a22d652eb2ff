#include "athanor/classic/models/neighbour_tree.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace athanor::classic {

namespace {

constexpr uint32_t kLeaf = 16;

}  // namespace

void Nearest::offer(double distance, uint32_t row) {
  const std::pair<double, uint32_t> one(distance, row);
  if (heap_.size() < wanted_) {
    heap_.push_back(one);
    std::push_heap(heap_.begin(), heap_.end());
  } else if (one < heap_.front()) {
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.back() = one;
    std::push_heap(heap_.begin(), heap_.end());
  }
}

void Nearest::take(std::vector<std::pair<double, uint32_t>>& out) {
  std::sort_heap(heap_.begin(), heap_.end());
  out.assign(heap_.begin(), heap_.end());
  heap_.clear();
}

NeighbourTree::NeighbourTree(const Matrix& rows, Metric metric) : rows_(&rows), metric_(metric), order_(rows.rows) {
  std::iota(order_.begin(), order_.end(), 0u);
  if (!order_.empty()) {
    build(0, static_cast<uint32_t>(order_.size()));
  }
}

uint32_t NeighbourTree::build(uint32_t begin, uint32_t end) {
  const auto node = static_cast<uint32_t>(nodes_.size());
  const size_t columns = rows_->columns;
  nodes_.push_back({begin, end});
  boxes_.resize(nodes_.size() * 2 * columns);
  double* least = boxes_.data() + node * 2 * columns;
  double* greatest = least + columns;
  std::copy(rows_->row(order_[begin]), rows_->row(order_[begin]) + columns, least);
  std::copy(least, least + columns, greatest);
  for (uint32_t i = begin; i < end; ++i) {
    const double* row = rows_->row(order_[i]);
    for (size_t j = 0; j < columns; ++j) {
      least[j] = std::min(least[j], row[j]);
      greatest[j] = std::max(greatest[j], row[j]);
    }
  }
  size_t widest = 0;
  for (size_t j = 1; j < columns; ++j) {
    widest = greatest[j] - least[j] > greatest[widest] - least[widest] ? j : widest;
  }
  if (end - begin <= kLeaf || !(greatest[widest] > least[widest])) {
    return node;
  }
  const uint32_t middle = begin + (end - begin) / 2;
  std::nth_element(order_.begin() + begin, order_.begin() + middle, order_.begin() + end, [&](uint32_t a, uint32_t b) {
    return std::pair(rows_->at(a, widest), a) < std::pair(rows_->at(b, widest), b);
  });
  const uint32_t left = build(begin, middle);
  const uint32_t right = build(middle, end);
  nodes_[node].left = left;
  nodes_[node].right = right;
  return node;
}

double NeighbourTree::bound(uint32_t node, const double* query) const {
  const size_t columns = rows_->columns;
  const double* least = boxes_.data() + node * 2 * columns;
  const double* greatest = least + columns;
  double sum = 0;
  for (size_t j = 0; j < columns; ++j) {
    const double far = std::max({least[j] - query[j], query[j] - greatest[j], 0.0});
    sum += metric_ == Metric::kManhattan ? far : far * far;
  }
  return sum * (1 - 1e-14);  // the sum of the distance itself may be rounded the other way
}

double NeighbourTree::distance(const double* query, uint32_t row) const {
  const double* values = rows_->row(row);
  double sum = 0;
  for (size_t j = 0; j < rows_->columns; ++j) {
    const double far = values[j] - query[j];
    sum += metric_ == Metric::kManhattan ? std::fabs(far) : far * far;
  }
  return sum;
}

void NeighbourTree::visit(uint32_t node, double least, const double* query, Nearest& found) const {
  if (found.full() && least > found.worst()) {
    return;
  }
  const Node& here = nodes_[node];
  if (here.left == 0) {
    for (uint32_t i = here.begin; i < here.end; ++i) {
      found.offer(distance(query, order_[i]), order_[i]);
    }
    return;
  }
  const double left = bound(here.left, query);
  const double right = bound(here.right, query);
  visit(left <= right ? here.left : here.right, std::min(left, right), query, found);
  visit(left <= right ? here.right : here.left, std::max(left, right), query, found);
}

void NeighbourTree::nearest(const double* query, Nearest& found) const {
  if (!nodes_.empty()) {
    visit(0, bound(0, query), query, found);
  }
}

}  // namespace athanor::classic
