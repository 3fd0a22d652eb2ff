#include "athanor/token/model/merge_queue.h"

#include <algorithm>
#include <functional>

namespace athanor::token {

void MergeQueue::reset(size_t num_ranks) {
  while (!ranks_.empty()) {
    const uint32_t rank = ranks_.back();
    ranks_.pop_back();
    close(buckets_[bucket_of_[rank]], rank);
  }
  if (bucket_of_.size() < num_ranks) {
    bucket_of_.resize(num_ranks, kNone);
  }
}

void MergeQueue::close(Bucket& bucket, uint32_t rank) {
  bucket.places.clear();
  bucket.late.clear();
  bucket.next = 0;
  bucket.sorted = true;
  bucket.open = false;
  idle_.push_back(bucket_of_[rank]);
  bucket_of_[rank] = kNone;
}

void MergeQueue::push(uint32_t rank, uint32_t place) {
  uint32_t& index = bucket_of_[rank];
  if (index == kNone) {
    if (idle_.empty()) {
      idle_.push_back(static_cast<uint32_t>(buckets_.size()));
      buckets_.emplace_back();
    }
    index = idle_.back();
    idle_.pop_back();
    ranks_.push_back(rank);
    std::push_heap(ranks_.begin(), ranks_.end(), std::greater<>());
  }
  Bucket& bucket = buckets_[index];
  if (bucket.open) {
    bucket.late.push_back(place);
    std::push_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
  } else {
    bucket.sorted = bucket.sorted && (bucket.places.empty() || bucket.places.back() <= place);
    bucket.places.push_back(place);
  }
}

MergeQueue::Entry MergeQueue::pop() {
  const uint32_t rank = ranks_.front();
  Bucket& bucket = buckets_[bucket_of_[rank]];
  if (!bucket.open) {
    bucket.open = true;
    if (!bucket.sorted) {
      std::sort(bucket.places.begin(), bucket.places.end());
    }
  }
  uint32_t place;
  const bool early = bucket.next < bucket.places.size();
  if (early && (bucket.late.empty() || bucket.places[bucket.next] <= bucket.late.front())) {
    place = bucket.places[bucket.next++];
  } else {
    std::pop_heap(bucket.late.begin(), bucket.late.end(), std::greater<>());
    place = bucket.late.back();
    bucket.late.pop_back();
  }
  if (bucket.next == bucket.places.size() && bucket.late.empty()) {
    std::pop_heap(ranks_.begin(), ranks_.end(), std::greater<>());
    ranks_.pop_back();
    close(bucket, rank);
  }
  return {rank, place};
}

}  // namespace athanor::token
