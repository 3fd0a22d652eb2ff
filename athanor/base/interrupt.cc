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

bool interrupted() { return signals_seen.load(std::memory_order_relaxed) > 0; }

void check_interrupt() {
  if (interrupted()) {
    throw Error(ErrorKind::kInterrupted, "stopped by Ctrl-C", "", "run the same command again to go on");
  }
}

}  // namespace athanor
