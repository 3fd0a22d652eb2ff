#include "athanor/tensor/normal.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>
#include <vector>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

TEST(Normal, AsLibmOneByOneAndByPlace) {
  constexpr int64_t kCount = 100003;
  std::vector<float> all(kCount);
  fill_normal_span(all.data(), 0, kCount, 0.02, 7);
  double sum = 0, squares = 0;
  for (int64_t i = 0; i < kCount; ++i) {
    const auto place = static_cast<uint64_t>(i);
    const double u = 1.0 - to_unit(random_at(7, place, 0));
    const double angle = 2.0 * std::numbers::pi * to_unit(random_at(7, place, 1));
    const double want = 0.02 * std::sqrt(-2.0 * std::log(u)) * std::cos(angle);
    ASSERT_NEAR(all[static_cast<size_t>(i)], want, 1e-7 * std::abs(want) + 1e-16) << i;
    sum += all[static_cast<size_t>(i)];
    squares += static_cast<double>(all[static_cast<size_t>(i)]) * all[static_cast<size_t>(i)];
  }
  EXPECT_NEAR(sum / kCount, 0, 2e-4);
  EXPECT_NEAR(std::sqrt(squares / kCount), 0.02, 2e-4);
  std::vector<float> part(20, -1.0f);
  fill_normal_span(part.data(), 1001, 13, 0.02, 7);
  for (size_t i = 0; i < 13; ++i) {
    EXPECT_EQ(part[i], all[1001 + i]) << i;
  }
  EXPECT_EQ(part[13], -1.0f);
}

}  // namespace
}  // namespace athanor
