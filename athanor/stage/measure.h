// What the verbs measure and clean share: the one writes what the other decides on.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace athanor {

// Bytes of the text as the chain left it; -1: too large to be measured.
inline constexpr char kMeasuredBytes[] = "measured_bytes";

// What `athanor explain` says of the rules.
std::string rules_text();

}  // namespace athanor
