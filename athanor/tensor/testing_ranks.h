// Tests of several processes: the test starts its own program once a rank, with a launcher's variables, and runs its body
// there.
//
//   TEST(X, Y) {
//     if (const auto launch = testing_ranks::inside()) { ... a rank's body, with EXPECT ...; return; }
//     testing_ranks::expect_all_pass(2);
//   }
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdlib>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "athanor/base/machine.h"
#include "athanor/base/process.h"
#include "athanor/run/launch.h"

namespace athanor::testing_ranks {

// Set in the processes that stand for ranks.
inline std::optional<Launch> inside() {
  return std::getenv("ATHANOR_TEST_RANK") == nullptr ? std::nullopt : std::optional(read_launch());
}

inline int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  int port = 0;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), size) == 0 &&
      ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &size) == 0) {
    port = ntohs(address.sin_port);
  }
  ::close(fd);
  return port;
}

// Runs the current test in so many processes; settings are more variables, NAME=value.
inline std::vector<ProcessResult> run_ranks(int world, const std::vector<std::string>& settings = {},
                                            double timeout_seconds = 30) {
  const auto* const test = ::testing::UnitTest::GetInstance()->current_test_info();
  const std::string filter = std::string("--gtest_filter=") + test->test_suite_name() + "." + test->name();
  const int port = free_port();
  std::vector<ProcessResult> results(static_cast<size_t>(world));
  std::vector<std::thread> threads;
  for (int rank = 0; rank < world; ++rank) {
    threads.emplace_back([&, rank] {
      std::vector<std::string> command{"env", "ATHANOR_TEST_RANK=1", "RANK=" + std::to_string(rank),
                                       "WORLD_SIZE=" + std::to_string(world), "MASTER_ADDR=127.0.0.1",
                                       "MASTER_PORT=" + std::to_string(port), "OMP_NUM_THREADS=1",
                                       "TORCH_CPP_LOG_LEVEL=ERROR"};
      command.insert(command.end(), settings.begin(), settings.end());
      command.push_back(executable_path());
      command.push_back(filter);
      ProcessOptions options;
      options.timeout_seconds = timeout_seconds;
      results[static_cast<size_t>(rank)] = run_process(command, options);
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  return results;
}

inline void expect_all_pass(int world, const std::vector<std::string>& settings = {}) {
  const auto results = run_ranks(world, settings);
  for (size_t rank = 0; rank < results.size(); ++rank) {
    EXPECT_EQ(results[rank].exit_code, 0) << "rank " << rank << ":\n" << results[rank].out << results[rank].err;
  }
}

}  // namespace athanor::testing_ranks
