#include "athanor/base/gpu.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

TEST(Gpu, NoDriverIsAnEmptyReport) {
  const GpuReport report = list_gpus("libathanor-no-such-driver.so.1");
  EXPECT_TRUE(report.driver.empty());
  EXPECT_TRUE(report.error.empty());
  EXPECT_TRUE(report.gpus.empty());
}

// A library that is there but is not the driver's: every call is missing, nothing crashes.
TEST(Gpu, AnotherLibraryIsAnError) {
  const GpuReport report = list_gpus("libz.so.1");
  EXPECT_FALSE(report.error.empty());
  EXPECT_TRUE(report.gpus.empty());
}

}  // namespace
}  // namespace athanor
