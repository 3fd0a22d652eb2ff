// Ranks over c10d's store, in the torch unit.
#pragma once

#include <memory>

#include "athanor/run/verb.h"
#include "athanor/tensor/process_group.h"
#include "athanor/train/memory.h"

namespace athanor {

// Where several processes share a machine and nobody said how many threads each has, they share its cores.
std::unique_ptr<Ranks> ranks_over_store(const Launch& launch);

// Where this process writes rows that it rejects: the run's own folder, or state/rank-N/rejected on the ranks that follow
// (rank 0 rejects the same).
fs::path own_rejected(const StageContext& context);

// Where a step trains: on the device of its options, as one of its processes.
TrainPlace place_of(const StageContext& context, const TrainOptions& options);
TrainPlace place_of(const Launch& launch, const TrainOptions& options);

// The group of a step's processes; null for one process. timeout: of each collective, and of a rank's silence.
std::unique_ptr<ProcessGroup> open_group(StageContext& context, double timeout_seconds);

}  // namespace athanor
