// What a clustering says of itself; part of diagnose().
#pragma once

#include "athanor/metric/diagnosis.h"

namespace athanor {

// "one cluster", "mostly noise", "no clear clusters"; nothing when the facts hold no clusters.
std::vector<Finding> diagnose_clusters(const RunFacts& facts);

}  // namespace athanor
