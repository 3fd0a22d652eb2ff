// A study is one recipe, space, sampler, pruner and metric: whoever changes one of them gets another study, since trials drawn
// for one space say little about the decisions in another. This tells so when it happens.
#pragma once

#include <string>

#include "athanor/run/run.h"

namespace athanor {

// What a study that begins should say about the newest unfinished one of the same recipe: what is different, and how to go
// on with that one. Empty: there is none.
std::string changed_study(const RunStore& store, const fs::path& run);

// "fit.lr: {log: [0.1, 1]}, before {log: [0.01, 1]}; fit.dim is new; fit.epochs is gone"
std::string space_changes(const nlohmann::json& before, const nlohmann::json& now);

}  // namespace athanor
