// A program that runs beside us: started, looked at, asked to stop. (run_process in process.h waits for its program.)
//
//   ChildProcess child({"/proc/self/exe", "run", "trial.yaml"}, {.out = "trial.out", .err = "trial.err"});
//   while (child.running()) { ... }
//   child.exit_code();
#pragma once

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

struct ChildOptions {
  fs::path out;  // files for its output, emptied; empty: dropped
  fs::path err;
};

class ChildProcess {
 public:
  // argv[0] is a path or a name on PATH. It reads nothing, is in a process group of its own (a Ctrl-C of the terminal does
  // not reach it) and has default signals. Error(kResource) when it cannot be started.
  ChildProcess(const std::vector<std::string>& argv, const ChildOptions& options);
  ~ChildProcess();  // one that still runs is interrupted, waited for a while, then killed
  ChildProcess(const ChildProcess&) = delete;
  ChildProcess& operator=(const ChildProcess&) = delete;

  bool running();
  int exit_code() const { return exit_code_.value_or(-1); }  // once it has ended; 128 + signal when one ended it
  void interrupt() const;                                     // SIGINT: an orderly stop
  void kill() const;
  pid_t pid() const { return pid_; }

 private:
  pid_t pid_ = -1;
  std::optional<int> exit_code_;
};

}  // namespace athanor
