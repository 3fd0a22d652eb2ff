// Optimiser settings for parameters by name: `optimizer.groups` of a recipe. Torch-free.
//
//   groups:
//     - {match: '*embed*', lr: 0.1}            # a tenth of the schedule's rate
//     - {match: '*.bias', weight_decay: 0}
//     - {match: 'model.layers.0.*', lr: 0}     # frozen
//
// The first match counts. In a pattern `*` stands for any characters, `?` for one.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

struct ParameterGroup {
  std::string match;
  double lr = 1;                        // factor of the schedule's rate; 0 freezes
  std::optional<double> weight_decay;   // instead of the optimiser's; also for vectors
};

bool matches_pattern(std::string_view pattern, std::string_view name);

// Error(kUsage) that names the entry and the key for anything else than the above, and for a group that sets nothing.
std::vector<ParameterGroup> parse_groups(const nlohmann::json& groups);

// Error(kUsage) with the nearest name for a group that matches none of the names: a mistyped pattern; and where all are frozen.
void check_groups(const std::vector<ParameterGroup>& groups, const std::vector<std::string>& names);

// The first that matches; a group with lr 1 and nothing else when none does.
ParameterGroup group_of(const std::vector<ParameterGroup>& groups, std::string_view name);

}  // namespace athanor
