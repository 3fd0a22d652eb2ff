// Lineage: a walk over run.json's inputs, back to the raw files.
#pragma once

#include <string>

#include "athanor/run/run.h"

namespace athanor {

// {"run", "verb", "status", "commit", "summary", "digest", "pins", "inputs": [{"role", "part", "digest", ...tree}]}.
// A run that appears again is given with "seen": true and without its inputs.
nlohmann::json lineage_tree(const RunStore& store, const RunSummary& run);

// The tree with branches drawn, one line a node.
std::string lineage_text(const nlohmann::json& tree);

}  // namespace athanor
