#include "athanor/base/interrupt.h"

#include <signal.h>
#include <unistd.h>

#include <atomic>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// A signal handler can reach nothing but static storage.
std::atomic<int> signals_seen{0};

void on_signal(int) {
  if (signals_seen.fetch_add(1) >= 1) {
    ::_exit(static_cast<int>(ErrorKind::kInterrupted));
  }
  constexpr char kSaid[] = "\nstopping as soon as the state is safe; once more ends at once\n";
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, kSaid, sizeof(kSaid) - 1);
}

}  // namespace

void catch_interrupts() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  ::signal(SIGPIPE, SIG_IGN);  // a closed pipe is a write error, not the end of a run
  ::signal(SIGXFSZ, SIG_IGN);  // so is a file at its size limit
}

void leave_interrupts() {
  ::signal(SIGINT, SIG_DFL);
  ::signal(SIGTERM, SIG_DFL);
}

bool interrupted() { return signals_seen.load(std::memory_order_relaxed) > 0; }

void check_interrupt() {
  if (interrupted()) {
    throw Error(ErrorKind::kInterrupted, "stopped by Ctrl-C", "", "run the same command again to go on");
  }
}

}  // namespace athanor
