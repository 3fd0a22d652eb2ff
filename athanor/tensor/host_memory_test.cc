#include "athanor/tensor/host_memory.h"

#include <gtest/gtest.h>

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>

#include <thread>
#include <vector>

#include "athanor/base/machine.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

at::Tensor megabytes(int64_t count) { return at::empty({count << 20}, at::kByte); }
const void* place(const at::Tensor& x) { return x.const_data_ptr(); }

TEST(HostMemory, HolesAreFilledFromTheLowestAndGrowTogether) {
  keep_freed_memory();
  at::Tensor a = megabytes(3);
  at::Tensor b = megabytes(2);
  at::Tensor c = megabytes(4);
  const at::Tensor last = megabytes(1);
  const void* const lowest = place(a);
  a = at::Tensor();
  c = at::Tensor();
  EXPECT_EQ(place(megabytes(1)), lowest);
  b = at::Tensor();  // three holes become one
  EXPECT_EQ(place(megabytes(9)), lowest);
  EXPECT_EQ(reinterpret_cast<uintptr_t>(place(last)) % 64, 0u);
}

TEST(HostMemory, NoBlockTouchesAnother) {
  keep_freed_memory();
  const auto work = [](uint64_t seed) {
    Rng rng(seed);
    std::vector<at::Tensor> held(12);
    for (int turn = 0; turn < 400; ++turn) {
      at::Tensor& x = held[rng.below(held.size())];
      if (x.defined()) {
        const auto* const data = x.const_data_ptr<int64_t>();
        EXPECT_EQ(data[0], data[x.numel() - 1]);
        EXPECT_EQ(data[0], x.numel());
      }
      const auto size = static_cast<int64_t>(1 + rng.below(60000));
      x = at::full({size}, size, at::kLong);
    }
  };
  std::thread other(work, 1);
  work(2);
  other.join();
}

TEST(HostMemory, GivesBackWhatIsFree) {
  keep_freed_memory();
  const at::Tensor kept = at::full({1 << 20}, 7, at::kByte);
  at::full({200 << 20}, 1, at::kByte);
  const uint64_t before = resident_bytes();
  give_back_freed_memory();
  EXPECT_LT(resident_bytes() + (150U << 20), before);
  EXPECT_EQ(kept.const_data_ptr<uint8_t>()[(1 << 20) - 1], 7);
}

}  // namespace
}  // namespace athanor
