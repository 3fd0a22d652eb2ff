#include "athanor/base/child.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "athanor/base/error.h"

namespace athanor {
namespace {

int wait_for(ChildProcess& child) {
  while (child.running()) {
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return child.exit_code();
}

TEST(Child, OutputGoesToFilesAndTheExitCodeComesBack) {
  const fs::path dir = fs::temp_directory_path() / ("child_test_" + std::to_string(::getpid()));
  make_dirs(dir);
  ChildProcess child({"sh", "-c", "echo said; echo cried >&2; exit 7"}, {dir / "out", dir / "err"});
  EXPECT_EQ(wait_for(child), 7);
  EXPECT_EQ(read_file(dir / "out"), "said\n");
  EXPECT_EQ(read_file(dir / "err"), "cried\n");
  fs::remove_all(dir);
}

TEST(Child, InterruptAndKillShowAsSignals) {
  ChildProcess polite({"sleep", "60"}, {});
  EXPECT_TRUE(polite.running());
  polite.interrupt();
  EXPECT_EQ(wait_for(polite), 130);
  ChildProcess stubborn({"sh", "-c", "trap '' INT; sleep 60; true"}, {});
  stubborn.kill();
  EXPECT_EQ(wait_for(stubborn), 137);
}

TEST(Child, AProgramThatIsNotThereIsAnError) {
  EXPECT_THROW(ChildProcess({"/no/such/program"}, {}), Error);
}

TEST(Child, LeavingOneBehindEndsIt) {
  pid_t pid = 0;
  {
    ChildProcess child({"sleep", "60"}, {});
    pid = child.pid();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace athanor
