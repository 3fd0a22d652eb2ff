// The pairs of a long piece that may still merge, lowest rank first, then leftmost. A heap of ranks, and for each the
// places in the order in which they came, which is nearly always from left to right: so a pop costs little more than
// reading an array, where a heap of places would cost log n cache misses.
#pragma once

#include <cstdint>
#include <vector>

namespace athanor::token {

class MergeQueue {
 public:
  struct Entry {
    uint32_t rank, place;
  };

  // Empties the queue; ranks are below num_ranks.
  void reset(size_t num_ranks);
  bool empty() const { return ranks_.empty(); }
  void push(uint32_t rank, uint32_t place);
  Entry pop();

 private:
  struct Bucket {
    std::vector<uint32_t> places;  // ascending from `next` on once the bucket is open
    std::vector<uint32_t> late;    // a heap: what came after the first pop
    size_t next = 0;
    bool sorted = true, open = false;
  };
  static constexpr uint32_t kNone = ~uint32_t{0};

  void close(Bucket& bucket, uint32_t rank);

  std::vector<uint32_t> ranks_;    // a heap, each rank once
  std::vector<uint32_t> bucket_of_;  // by rank
  std::vector<Bucket> buckets_;
  std::vector<uint32_t> idle_;       // buckets without a rank
};

}  // namespace athanor::token
