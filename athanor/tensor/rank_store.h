// What the processes of one launch leave for each other to read (c10d's TCPStore): words under keys, a sign of life each
// half second, and where each of them is. When one dies or hangs, the others find out here which, and where it was.
//
//   RankStore store(read_launch(), 50);
//   store.set("order", text);                    // rank 0
//   const std::string order = store.wait("order", "rank 0's order");
//
// Rank 0 holds the store (or torchrun's agent does): when it dies the others learn it from the broken connection. When it
// hangs, calls here may never come back: a thread then says so and ends the process with exit code 4, timeout + 5 seconds
// after the last answer.
#pragma once

#include <c10/util/intrusive_ptr.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/run/launch.h"

namespace c10d {
class Store;
}

namespace athanor {

class RankStore {
 public:
  // Meets the other processes. Error(kResource) that names the address, or the ranks that did not come in time.
  RankStore(const Launch& launch, double timeout_seconds, double meeting_seconds = 120);
  ~RankStore();
  RankStore(const RankStore&) = delete;
  RankStore& operator=(const RankStore&) = delete;

  const Launch& launch() const;
  double timeout_seconds() const;
  // Of collectives and of missing signs of life, from now on.
  void set_timeout(double seconds);

  void set(const std::string& key, const std::string& value);
  std::optional<std::string> get(const std::string& key);
  void remove(const std::string& key);
  // Waits however long it takes, as long as every rank gives signs of life; `what` stands in the error. Where one is
  // gone, or said why it stopped, throws as blame() does.
  std::string wait(const std::string& key, const std::string& what);
  // What rank 0's function gives, on every rank; the others wait as wait() does. All ranks call it in the same order.
  std::string from_rank_0(const std::string& what, const std::function<std::string()>& function);
  // All ranks come here; waits as wait() does. Each name serves once, or in the same order on all ranks.
  void meet(const std::string& name);

  // Whether a rank is gone, the store with it, or said why it stopped: for who waits outside of this store and has work to end
  // before blame() names it. Throws nothing.
  bool somebody_failed();

  // Where this process is, for the others: called before it enters a collective. together: all ranks enter it, so that
  // the count of these tells who is behind.
  void enter(int64_t step, const std::string& collective, bool together = true);

  // A collective failed or timed out: finds out who is to blame and throws Error(kResource) that names rank, step and
  // collective. All survivors name the same. library: what c10d said.
  [[noreturn]] void blame(const std::string& library);

  // This process ends with an error of its own: the others then name it instead of a lost connection.
  void say_failed(const Error& error);

  // The store itself, for a process group (process_group.cc), with keys of its own.
  c10::intrusive_ptr<c10d::Store> for_group();

 private:
  struct Impl;
  // What ask gives; where the store fails, blame().
  template <class Fn>
  auto or_blame(const Fn& ask);
  std::shared_ptr<Impl> impl_;  // the threads' too: a store that hangs keeps one of them
};

}  // namespace athanor
