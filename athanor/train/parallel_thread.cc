// Gradients on their way: the thread beside backward that adds up buckets over the ranks.
#include <chrono>
#include <optional>
#include <utility>

#include "athanor/train/parallel.h"

namespace athanor {
namespace {

constexpr auto kLook = std::chrono::milliseconds(20);  // between looks at a GPU's sums while backward runs

}  // namespace

void Parallel::send_ready_buckets() {
  const std::lock_guard lock(mutex_);
  while (next_to_send_ < buckets_.size() && buckets_[next_to_send_].missing == 0) {
    buckets_[next_to_send_].sent = true;
    queue_.push_back(next_to_send_++);
  }
  wake_.notify_all();
}

// The thread beside: one bucket after another, in the same order on all ranks. A GPU's sums are begun as their buckets come,
// so that none waits on the host for the one before it, and looked after until they are done.
void Parallel::communicate() {
  std::unique_lock lock(mutex_);
  const auto due = [this] { return ending_ || !queue_.empty(); };
  for (;;) {
    begun_ > 0 ? static_cast<void>(wake_.wait_for(lock, kLook, due)) : wake_.wait(lock, due);
    if (ending_) {
      return;
    }
    const std::optional<size_t> number = queue_.empty() ? std::nullopt : std::optional(queue_.front());
    if (number) {
      queue_.pop_front();
      ++begun_;
    }
    const bool none_to_come = reduced_ + begun_ == buckets_.size();
    lock.unlock();
    std::exception_ptr error;
    bool done = false;
    try {
      if (number) {
        reduce(buckets_[*number], "gradients " + std::to_string(*number + 1) + " of " + std::to_string(buckets_.size()));
      }
      done = reductions_done(none_to_come);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (done) {
      reduced_ += std::exchange(begun_, 0);
    }
    if (error) {
      error_ = error;
      ending_ = true;
    }
    wake_.notify_all();
  }
}

void Parallel::reduce(Bucket& bucket, const std::string& name) {
  if (on_gpu()) {
    return sharded_ ? group_->begin_reduce_scatter(bucket.memory, bucket.parts, name) : group_->begin_all_reduce(bucket.memory, name);
  }
  group_->reduce_scatter(bucket.memory, bucket.parts, name);
  if (!sharded_) {
    group_->all_gather(bucket.memory, bucket.parts, name);
  }
}

bool Parallel::reductions_done(bool none_to_come) {
  if (on_gpu() && none_to_come) {
    group_->wait_for_gpu();
  }
  return !on_gpu() || group_->gpu_done();
}

void Parallel::wait_for_buckets() {
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [this] { return error_ || reduced_ == buckets_.size(); });
  if (error_) {
    std::rethrow_exception(error_);
  }
}

}  // namespace athanor
