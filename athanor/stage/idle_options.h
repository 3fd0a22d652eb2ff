// An option that nothing reads would be believed to work: an error where it is not as it is by default.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

namespace athanor {

// resolved: a step's options; usual: the same by default. Error(kUsage) at "<verb>.<option>" for the first of `options` that
// differs: "is for OWNER, not for INSTEAD". An option of a group is named with its dot, "model.heads".
void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, const std::vector<const char*>& options,
                 const std::string& verb, const std::string& owner, const std::string& instead,
                 const std::string& hint = "leave it out");

// A table's row: an option that only some recipes read.
struct SometimesRead {
  const char* option;
  bool read;          // by this recipe
  std::string owner;  // by whom it is read
};

// The same for a table. The hint tells which of the table's options of the same group count: "lstm reads model.layers, ...".
void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, std::span<const SometimesRead> table,
                 const std::string& verb, const std::string& instead);

}  // namespace athanor
