// Runs a program: argv without a shell, no input, its output captured up to a limit. posix_spawn, never fork.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

struct ProcessOptions {
  fs::path cwd;                              // empty: ours
  double timeout_seconds = 600;              // then the program and its children are killed
  uint64_t max_output_bytes = 16u << 20;     // of each stream; what comes after is dropped
};

struct ProcessResult {
  int exit_code = -1;      // 128 + signal when a signal ended it, as a shell says it
  bool timed_out = false;
  bool truncated = false;  // it said more than max_output_bytes
  std::string out;
  std::string err;
};

// argv[0] is a name to look up on PATH, or a path. Error(kResource) when it cannot be started (errno's reason);
// how it ends is in the result.
ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options = {});

// The executable file of that name on PATH; empty when there is none.
fs::path find_program(const std::string& name);

}  // namespace athanor
