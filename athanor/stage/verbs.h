// The table of verbs: one line a verb, in verbs.cc. check, plan, explain, run and the docs all walk it.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "athanor/run/verb.h"

namespace athanor {

std::span<const Verb> verbs();
const Verb* find_verb(std::string_view name);
std::vector<std::string> verb_names();

// The verb's work, from the torch unit where it lives there (which is loaded now).
ExecuteFunction execute_function(const Verb& verb);
PlanFunction plan_function(const Verb& verb);

}  // namespace athanor
