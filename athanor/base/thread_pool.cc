#include "athanor/base/thread_pool.h"

#include <sched.h>

#include <algorithm>
#include <condition_variable>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace athanor {

struct ThreadPool::Impl {
  std::mutex mutex;
  std::condition_variable start;
  std::condition_variable finished;
  std::vector<std::thread> threads;
  const std::function<void(size_t)>* task = nullptr;  // null: nothing to do
  size_t count = 0;
  size_t next = 0;
  size_t working = 0;
  std::exception_ptr failure;
  bool stopping = false;

  // Takes indices until none is left; the lock is held on entry and on return.
  void drain(std::unique_lock<std::mutex>& lock) {
    ++working;
    while (task != nullptr && next < count && !failure) {
      const size_t index = next++;
      const auto* current = task;
      lock.unlock();
      std::exception_ptr caught;
      try {
        (*current)(index);
      } catch (...) {
        caught = std::current_exception();
      }
      lock.lock();
      if (caught && !failure) {
        failure = caught;
      }
    }
    --working;
    if (working == 0) {
      finished.notify_all();
    }
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      start.wait(lock, [&] { return stopping || (task != nullptr && next < count && !failure); });
      if (stopping) {
        return;
      }
      drain(lock);
    }
  }
};

ThreadPool::ThreadPool(int num_threads) : impl_(std::make_unique<Impl>()) {
  const int wanted = num_threads > 0 ? num_threads : available_cores();
  for (int i = 1; i < wanted; ++i) {
    impl_->threads.emplace_back([this] { impl_->work(); });
  }
}

ThreadPool::~ThreadPool() {
  {
    const std::lock_guard lock(impl_->mutex);
    impl_->stopping = true;
  }
  impl_->start.notify_all();
  for (auto& thread : impl_->threads) {
    thread.join();
  }
}

int ThreadPool::num_threads() const { return static_cast<int>(impl_->threads.size()) + 1; }

void ThreadPool::parallel_for(size_t count, const std::function<void(size_t)>& task) {
  std::unique_lock lock(impl_->mutex);
  impl_->task = &task;
  impl_->count = count;
  impl_->next = 0;
  impl_->failure = nullptr;
  impl_->start.notify_all();
  impl_->drain(lock);
  impl_->finished.wait(lock, [&] { return impl_->working == 0; });
  impl_->task = nullptr;
  if (const auto failure = std::exchange(impl_->failure, nullptr)) {
    lock.unlock();
    std::rethrow_exception(failure);
  }
}

int available_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  if (::sched_getaffinity(0, sizeof(set), &set) == 0) {
    return std::max(1, CPU_COUNT(&set));
  }
  return std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace athanor
