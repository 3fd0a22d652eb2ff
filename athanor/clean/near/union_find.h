// Disjoint sets of 0..size-1, with path halving; the root of a set is its smallest member.
#pragma once

#include <cstddef>
#include <cstdint>
#include <numeric>
#include <utility>
#include <vector>

namespace athanor {

class UnionFind {
 public:
  explicit UnionFind(size_t size) : parent_(size) { std::iota(parent_.begin(), parent_.end(), uint32_t{0}); }

  uint32_t find(uint32_t x) {
    while (parent_[x] != x) {
      parent_[x] = parent_[parent_[x]];
      x = parent_[x];
    }
    return x;
  }

  // The same without shortening paths: threads may call it at once while none joins.
  uint32_t root(uint32_t x) const {
    while (parent_[x] != x) {
      x = parent_[x];
    }
    return x;
  }

  void join(uint32_t x, uint32_t y) {
    x = find(x);
    y = find(y);
    if (x > y) {
      std::swap(x, y);
    }
    parent_[y] = x;
  }

 private:
  std::vector<uint32_t> parent_;
};

}  // namespace athanor
