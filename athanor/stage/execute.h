// Runs one resolved step: skip when done, resume when there is state, else start. The one place that turns
// exceptions into a failed run.
#pragma once

#include <string>
#include <vector>

#include "athanor/base/progress.h"
#include "athanor/stage/resolve.h"

namespace athanor {

struct StepOutcome {
  std::string run;  // its name
  fs::path dir;
  bool skipped = false;  // it was done before
  bool paused = false;   // stop_at was reached; state is kept
  nlohmann::json info;   // run.json
  std::vector<std::string> no_effect;  // of a skipped step: options outside the id, given otherwise than when it ran
};

class Crew;

// What a step needs of its surroundings.
struct Workshop {
  RunStore& store;
  DigestCache& digests;
  Progress& progress;
  ShardOf shard;       // this process's share of each step's parts
  bool merge = false;  // only put finished parts together
  Crew* crew = nullptr;  // the other processes of this launch
};

// The inputs of a step, found on disk and checked against their recorded digests. Error(kInput) when one is
// missing, unfinished or changed.
std::vector<StageInput> locate_inputs(const StepPlan& step, const std::vector<StepPlan>& steps, const RunStore& store);

StepOutcome execute_step(const StepPlan& step, const std::vector<StepPlan>& steps, Workshop& shop, bool force);

// Any exception as an Error that a person can read: library exceptions lose their stack traces.
Error readable_error();  // call inside a catch block

}  // namespace athanor
