#include <gtest/gtest.h>

#include <ATen/Parallel.h>

#include <mutex>
#include <set>
#include <thread>

namespace athanor {
namespace {

// at::parallel_for is a template: compiled without OpenMP it runs on one thread, and nothing but the time tells.
TEST(Parallel, OurLoopsRunOnSeveralThreads) {
  const int threads = at::get_num_threads();
  at::set_num_threads(2);
  std::mutex guard;
  std::set<std::thread::id> seen;
  at::parallel_for(0, 2, 1, [&](int64_t, int64_t) {
    const std::lock_guard<std::mutex> lock(guard);
    seen.insert(std::this_thread::get_id());
  });
  at::set_num_threads(threads);
  EXPECT_EQ(seen.size(), 2u);
}

}  // namespace
}  // namespace athanor
