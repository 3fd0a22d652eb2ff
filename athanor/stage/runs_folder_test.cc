#include "athanor/stage/runs_folder.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

TEST(RunsFolder, StandsInPrintedCommandsWhereItIsNotTheDefault) {
  EXPECT_EQ(runs_argument("runs"), "");
  EXPECT_EQ(runs_argument("炉/r3"), " runs=炉/r3");
  EXPECT_EQ(runs_argument("my runs"), " runs='my runs'");
  EXPECT_EQ(runs_argument("it's"), " runs='it'\\''s'");
}

}  // namespace
}  // namespace athanor
