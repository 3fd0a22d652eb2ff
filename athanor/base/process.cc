#include "athanor/base/process.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

namespace {

using Clock = std::chrono::steady_clock;
constexpr int kPollMilliseconds = 50;

class Pipe {
 public:
  Pipe() {
    if (::pipe2(ends_.data(), O_CLOEXEC) != 0) {
      throw Error(ErrorKind::kResource, std::string("cannot make a pipe: ") + std::strerror(errno));
    }
  }
  ~Pipe() {
    close_read();
    close_write();
  }
  Pipe(const Pipe&) = delete;
  Pipe& operator=(const Pipe&) = delete;
  int read_end() const { return ends_[0]; }
  int write_end() const { return ends_[1]; }
  void close_read() { close(ends_[0]); }
  void close_write() { close(ends_[1]); }

 private:
  static void close(int& fd) {
    if (fd >= 0) {
      ::close(fd);
      fd = -1;
    }
  }
  std::array<int, 2> ends_ = {-1, -1};
};

struct SpawnSettings {
  SpawnSettings() {
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
  }
  ~SpawnSettings() {
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
  }
  SpawnSettings(const SpawnSettings&) = delete;
  SpawnSettings& operator=(const SpawnSettings&) = delete;
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
};

pid_t spawn(const std::vector<std::string>& argv, const ProcessOptions& options, const Pipe& out, const Pipe& err) {
  SpawnSettings settings;
  posix_spawn_file_actions_addopen(&settings.actions, 0, "/dev/null", O_RDONLY, 0);
  posix_spawn_file_actions_adddup2(&settings.actions, out.write_end(), 1);
  posix_spawn_file_actions_adddup2(&settings.actions, err.write_end(), 2);
  if (!options.cwd.empty()) {
    posix_spawn_file_actions_addchdir_np(&settings.actions, options.cwd.c_str());
  }
  // A group of its own, so that a time-out ends its children too; default signals, whatever we ignore.
  sigset_t defaults;
  sigemptyset(&defaults);
  sigaddset(&defaults, SIGPIPE);
  sigaddset(&defaults, SIGINT);
  posix_spawnattr_setsigdefault(&settings.attributes, &defaults);
  posix_spawnattr_setpgroup(&settings.attributes, 0);
  posix_spawnattr_setflags(&settings.attributes, POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF);
  std::vector<char*> arguments;
  for (const std::string& argument : argv) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  pid_t pid = -1;
  const int code =
      ::posix_spawnp(&pid, arguments[0], &settings.actions, &settings.attributes, arguments.data(), environ);
  if (code != 0) {
    throw Error(ErrorKind::kResource, std::string("cannot start: ") + std::strerror(code), argv[0]);
  }
  return pid;
}

// Appends what is there to text; false at the end of the stream.
bool drain(int fd, std::string& text, uint64_t limit, bool& truncated) {
  char block[65536];
  const ssize_t n = ::read(fd, block, sizeof block);
  if (n < 0) {
    return errno == EINTR || errno == EAGAIN;
  }
  const size_t room = static_cast<size_t>(limit - std::min<uint64_t>(limit, text.size()));
  truncated = truncated || static_cast<size_t>(n) > room;
  text.append(block, std::min(static_cast<size_t>(n), room));
  return n > 0;
}

}  // namespace

ProcessResult run_process(const std::vector<std::string>& argv, const ProcessOptions& options) {
  if (argv.empty() || argv[0].empty()) {
    throw Error(ErrorKind::kInternal, "run_process needs the name of a program");
  }
  Pipe out, err;
  const pid_t pid = spawn(argv, options, out, err);
  out.close_write();
  err.close_write();
  ProcessResult result;
  const auto deadline = Clock::now() + std::chrono::duration<double>(options.timeout_seconds);
  std::array<pollfd, 2> polled = {pollfd{out.read_end(), POLLIN, 0}, pollfd{err.read_end(), POLLIN, 0}};
  std::array<std::string*, 2> texts = {&result.out, &result.err};
  int status = 0;
  bool ended = false;
  while (!ended || polled[0].fd >= 0 || polled[1].fd >= 0) {
    const bool silent = polled[0].fd < 0 && polled[1].fd < 0;
    const int ready = ::poll(polled.data(), polled.size(), silent ? 1 : kPollMilliseconds);
    for (size_t i = 0; ready > 0 && i < polled.size(); ++i) {
      if (polled[i].fd >= 0 && polled[i].revents != 0 &&
          !drain(polled[i].fd, *texts[i], options.max_output_bytes, result.truncated)) {
        polled[i].fd = -1;
      }
    }
    if (!ended && ::waitpid(pid, &status, WNOHANG) == pid) {
      ended = true;
    } else if (ended && ready == 0) {
      break;  // a child of its own still holds the pipe, silently: not ours to wait for
    }
    if (!ended && Clock::now() > deadline) {
      result.timed_out = true;
      ::kill(-pid, SIGKILL);
      while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
      }
      ended = true;
    }
  }
  result.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return result;
}

fs::path find_program(const std::string& name) {
  const char* path = std::getenv("PATH");
  std::string rest = path != nullptr ? path : "";
  while (!rest.empty()) {
    const size_t colon = rest.find(':');
    const fs::path candidate = fs::path(rest.substr(0, colon)) / name;
    std::error_code code;
    if (fs::is_regular_file(candidate, code) && ::access(candidate.c_str(), X_OK) == 0) {
      return candidate;
    }
    rest = colon == std::string::npos ? "" : rest.substr(colon + 1);
  }
  return {};
}

}  // namespace athanor
