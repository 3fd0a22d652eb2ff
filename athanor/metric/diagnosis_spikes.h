// What a run's loss spikes say; part of diagnose().
#pragma once

#include "athanor/metric/diagnosis.h"

namespace athanor {

// "loss spikes": how many, where, what was done, in which documents; nothing when there was none. Worth a look; grave where
// more than one step in a hundred spiked.
std::vector<Finding> diagnose_spikes(const RunFacts& facts);

}  // namespace athanor
