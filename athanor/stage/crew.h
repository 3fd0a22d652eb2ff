// Several processes, one recipe. Rank 0 resolves it, locks, skips, resumes and finishes runs as one process does; the
// others wait for its orders, and join the steps whose verb several processes can share (TorchEntry::ranks). They read no
// recipe: an order holds all that a step needs.
#pragma once

#include <string>
#include <vector>

#include "athanor/run/ranks.h"
#include "athanor/stage/command.h"
#include "athanor/stage/execute.h"

namespace athanor {

// Rank 0's side.
class Crew {
 public:
  explicit Crew(Ranks& ranks) : ranks_(ranks) {}
  Ranks& ranks() { return ranks_; }

  // All ranks open the devices that steps to come ask for, as open_devices (torch_unit.h); waits until they have.
  void open_devices(const std::vector<std::string>& names);
  // Calls the others to this step.
  void join(const StepPlan& step, const StageContext& context);
  // Sends them home, with our exit code; waits a little until they have gone, since rank 0 may hold the store.
  void dismiss(int exit_code);
  // The same after an error of ours; a pause is none.
  void dismiss(const Error& error);

 private:
  bool wait_until_gone();  // false: some are still there, or cannot be asked

  Ranks& ranks_;
  int orders_ = 0;
};

// The others' side: does what rank 0 orders until it sends them home; its exit code. An error names this rank.
int follow_rank_0(Session& session, Ranks& ranks);

}  // namespace athanor
