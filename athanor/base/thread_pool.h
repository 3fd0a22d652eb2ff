// The one thread pool above the torch line (below it: at::parallel_for only).
#pragma once

#include <cstddef>
#include <functional>
#include <memory>

namespace athanor {

class ThreadPool {
 public:
  // num_threads <= 0: one a core that this process may use. The calling thread counts as one of them.
  explicit ThreadPool(int num_threads);
  ~ThreadPool();
  ThreadPool(const ThreadPool&) = delete;
  ThreadPool& operator=(const ThreadPool&) = delete;

  int num_threads() const;

  // Calls task(i) for every i in [0, count), in any order, and returns when all are done. The first exception
  // is thrown again here; tasks not yet begun are then skipped. Not to be nested.
  void parallel_for(size_t count, const std::function<void(size_t)>& task);

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

// Cores that this process may run on (its affinity mask), at least 1.
int available_cores();

}  // namespace athanor
