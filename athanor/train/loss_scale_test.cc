#include "athanor/train/loss_scale.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"

namespace athanor {
namespace {

// torch.amp.GradScaler(init_scale=4, growth_factor=2, backoff_factor=0.5, growth_interval=3) over the same overflows,
// PyTorch 2.13.
TEST(LossScale, FollowsGradScaler) {
  LossScale scale({.initial = 4, .growth = 2, .backoff = 0.5, .growth_interval = 3});
  const bool overflow[] = {false, false, true, false, false, false, false, true, true, false, false, false, false};
  const double after[] = {4, 4, 2, 2, 2, 4, 4, 2, 1, 1, 1, 2, 2};
  for (size_t i = 0; i < std::size(overflow); ++i) {
    EXPECT_EQ(scale.update(overflow[i]), !overflow[i]) << i;
    EXPECT_EQ(scale.scale(), after[i]) << i;
  }
  EXPECT_EQ(scale.num_skipped(), 3);
}

TEST(LossScale, DoublesEvery2000FiniteSteps) {
  LossScale scale;
  EXPECT_EQ(scale.scale(), 65536);
  for (int step = 0; step < 1999; ++step) {
    EXPECT_TRUE(scale.update(false));
  }
  EXPECT_EQ(scale.scale(), 65536);
  scale.update(false);
  EXPECT_EQ(scale.scale(), 131072);
}

TEST(LossScale, NeverLeavesTheRangeOfFp32) {
  LossScale scale({.initial = 0x1p127, .growth = 2, .backoff = 0.5, .growth_interval = 1});
  scale.update(false);
  EXPECT_EQ(scale.scale(), 0x1p127);
}

TEST(LossScale, ResumesWhereItWas) {
  const LossScaleOptions options{.initial = 4, .growth = 2, .backoff = 0.5, .growth_interval = 3};
  LossScale first(options);
  first.update(true);
  first.update(false);
  first.update(false);
  LossScale second(options);
  second.restore(nlohmann::json::parse(first.state().dump()), "trainer.json");
  second.update(false);
  EXPECT_EQ(second.scale(), 4);
  EXPECT_EQ(second.num_skipped(), 1);
}

TEST(LossScale, RefusesAStateThatIsNone) {
  LossScale scale;
  for (const char* text : {"null", "[]", "{}", R"({"scale": "4", "finite_steps": 0, "skipped": 0})",
                           R"({"scale": 0, "finite_steps": 0, "skipped": 0})",
                           R"({"scale": -1, "finite_steps": 0, "skipped": 0})",
                           R"({"scale": 4, "finite_steps": 2000, "skipped": 0})",
                           R"({"scale": 4, "finite_steps": 0, "skipped": -1})", R"({"scale": 4, "finite_steps": 0})"}) {
    EXPECT_THROW(scale.restore(nlohmann::json::parse(text), "trainer.json"), Error) << text;
  }
  EXPECT_EQ(scale.scale(), 65536);
  EXPECT_THROW(LossScale({.initial = 0}), Error);
}

}  // namespace
}  // namespace athanor
