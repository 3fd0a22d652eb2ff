#include "athanor/base/child.h"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr int kPatienceMilliseconds = 10000;

}  // namespace

ChildProcess::ChildProcess(const std::vector<std::string>& argv, const ChildOptions& options) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  posix_spawn_file_actions_init(&actions);
  posix_spawnattr_init(&attributes);
  const auto open = [&](int fd, const fs::path& path) {
    const char* name = path.empty() ? "/dev/null" : path.c_str();
    posix_spawn_file_actions_addopen(&actions, fd, name, O_WRONLY | O_CREAT | O_TRUNC, 0644);
  };
  posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  open(1, options.out);
  open(2, options.err);
  sigset_t defaults;
  sigemptyset(&defaults);
  for (const int signal : {SIGPIPE, SIGINT, SIGTERM, SIGXFSZ}) {
    sigaddset(&defaults, signal);
  }
  posix_spawnattr_setsigdefault(&attributes, &defaults);
  posix_spawnattr_setpgroup(&attributes, 0);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  const int code = ::posix_spawnp(&pid_, arguments[0], &actions, &attributes, arguments.data(), environ);
  posix_spawnattr_destroy(&attributes);
  posix_spawn_file_actions_destroy(&actions);
  if (code != 0) {
    throw Error(ErrorKind::kResource, std::string("cannot start: ") + std::strerror(code), argv[0]);
  }
}

ChildProcess::~ChildProcess() {
  if (!running()) {
    return;
  }
  interrupt();
  for (int waited = 0; waited < kPatienceMilliseconds && running(); waited += 20) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  if (running()) {
    kill();
    while (running()) {
      std::this_thread::sleep_for(std::chrono::milliseconds(5));
    }
  }
}

bool ChildProcess::running() {
  if (exit_code_) {
    return false;
  }
  int status = 0;
  const pid_t found = ::waitpid(pid_, &status, WNOHANG);
  if (found == pid_) {
    exit_code_ = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  } else if (found < 0 && errno != EINTR) {
    exit_code_ = -1;
  }
  return !exit_code_;
}

void ChildProcess::interrupt() const {
  if (!exit_code_) {
    ::kill(pid_, SIGINT);
  }
}

void ChildProcess::kill() const {
  if (!exit_code_) {
    ::kill(-pid_, SIGKILL);
  }
}

}  // namespace athanor
