// An option that nothing reads would be believed to work: an error where it is not as it is by default.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace athanor {

// resolved: a step's options; usual: the same by default. Error(kUsage) at "<verb>.<option>" for the first of `options` that
// differs: "is for OWNER, not for INSTEAD".
void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, const std::vector<const char*>& options,
                 const std::string& verb, const std::string& owner, const std::string& instead);

}  // namespace athanor
