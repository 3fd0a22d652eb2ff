// Programs run from argv: output, exit codes, time-out, limits.
#include "athanor/base/process.h"

#include <gtest/gtest.h>

#include <chrono>

#include "athanor/base/error.h"

namespace athanor {
namespace {

TEST(Process, CapturesBothStreamsAndTheExitCode) {
  const ProcessResult result = run_process({"sh", "-c", "echo out; echo err >&2; exit 7"});
  EXPECT_EQ(result.exit_code, 7);
  EXPECT_EQ(result.out, "out\n");
  EXPECT_EQ(result.err, "err\n");
  EXPECT_FALSE(result.timed_out);
}

TEST(Process, ArgumentsAreNotReadByAShell) {
  const ProcessResult result = run_process({"printf", "%s|", "$(id)", "a b", "*"});
  EXPECT_EQ(result.out, "$(id)|a b|*|");
}

TEST(Process, RunsInTheGivenFolderWithoutInput) {
  ProcessOptions options;
  options.cwd = "/";
  EXPECT_EQ(run_process({"pwd"}, options).out, "/\n");
  EXPECT_EQ(run_process({"cat"}).out, "");
}

TEST(Process, TimeOutKillsTheWholeGroup) {
  ProcessOptions options;
  options.timeout_seconds = 0.2;
  const auto start = std::chrono::steady_clock::now();
  const ProcessResult result = run_process({"sh", "-c", "echo begun; sleep 30; echo never"}, options);
  EXPECT_TRUE(result.timed_out);
  EXPECT_EQ(result.exit_code, 128 + 9);
  EXPECT_EQ(result.out, "begun\n");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST(Process, MuchOutputIsCutNotBlocked) {
  ProcessOptions options;
  options.max_output_bytes = 1000;
  const ProcessResult result = run_process({"sh", "-c", "yes | head -c 3000000"}, options);
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_TRUE(result.truncated);
  EXPECT_EQ(result.out.size(), 1000u);
}

TEST(Process, AMissingProgramIsAnError) {
  EXPECT_THROW(run_process({"no-such-program-here"}), Error);
  EXPECT_TRUE(find_program("no-such-program-here").empty());
  EXPECT_EQ(find_program("sh").filename(), "sh");
}

}  // namespace
}  // namespace athanor
