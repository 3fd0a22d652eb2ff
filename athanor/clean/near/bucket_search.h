// The middle of find_duplicates: buckets of texts in, joined pairs out.
#pragma once

#include <functional>
#include <span>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/union_find.h"

namespace athanor {

// Collects buckets and compares their texts on all threads. What is compared depends only on the order and the content
// of the buckets: pairs that are known to be connected are left out, which changes no cluster.
class BucketSearch {
 public:
  // Compares texts for one thread; made anew for every task, so it may hold a cache.
  class Comparer {
   public:
    virtual ~Comparer() = default;
    // x and y: places in the span of texts given to `make`.
    virtual bool alike(size_t x, size_t y) = 0;
  };
  struct Member {
    uint32_t text;
    uint64_t value;  // what came with it: simhash's permuted hash
  };
  using MakeComparer = std::function<std::unique_ptr<Comparer>(std::span<const Member>)>;

  BucketSearch(UnionFind& clusters, ThreadPool& pool, MakeComparer make);

  // A bucket whose members are all compared with one another, or each with its next `window` when that is smaller.
  void add(std::span<const Member> bucket, size_t window);
  // Compares what is left.
  void flush();
  uint64_t compared() const { return compared_; }

 private:
  struct Task {
    size_t begin, end, stop;  // pairs (i, j): begin <= i < end, i < j < min(stop, i + window + 1)
    size_t window;
  };
  struct Found {
    std::vector<std::pair<uint32_t, uint32_t>> joined;
    uint64_t compared = 0;
  };
  Found run(const Task& task) const;

  UnionFind& clusters_;
  ThreadPool& pool_;
  MakeComparer make_;
  std::vector<Member> members_;
  std::vector<Task> tasks_;
  uint64_t compared_ = 0;
};

}  // namespace athanor
