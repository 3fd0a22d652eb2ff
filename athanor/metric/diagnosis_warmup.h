// Whether a rate that never came to its height explains what was found; part of diagnose().
#pragma once

#include "athanor/metric/diagnosis.h"

namespace athanor {

// "warm-up too long" instead of "rate too low" and "learns nothing", where the warm-up is at least as long as the run was:
// a higher rate would be the wrong advice.
std::vector<Finding> blame_warmup(const RunFacts& facts, std::vector<Finding> findings);

}  // namespace athanor
