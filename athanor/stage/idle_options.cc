#include "athanor/stage/idle_options.h"

#include <string_view>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// Null where there is none.
const nlohmann::json* find_option(const nlohmann::json& options, std::string_view name) {
  const size_t dot = name.find('.');
  const auto found = options.find(std::string(name.substr(0, dot)));
  if (found == options.end()) {
    return nullptr;
  }
  return dot == std::string_view::npos ? &*found : found->is_object() ? find_option(*found, name.substr(dot + 1)) : nullptr;
}

std::string_view group_of(std::string_view option) {
  const size_t dot = option.rfind('.');
  return dot == std::string_view::npos ? std::string_view() : option.substr(0, dot);
}

}  // namespace

void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, const std::vector<const char*>& options,
                 const std::string& verb, const std::string& owner, const std::string& instead, const std::string& hint) {
  for (const char* option : options) {
    const nlohmann::json* given = find_option(resolved, option);
    const nlohmann::json* plain = find_option(usual, option);
    if (given == nullptr || (plain != nullptr && *given == *plain)) {
      continue;
    }
    std::string name = option;
    const bool group = given->is_object() && plain != nullptr && plain->is_object();
    for (auto one = given->begin(); group && one != given->end(); ++one) {
      if (!plain->contains(one.key()) || plain->at(one.key()) != one.value()) {
        name = std::string(option) + "." + one.key();  // the one of the group that was given
        break;
      }
    }
    throw Error(ErrorKind::kUsage, name + " is for " + owner + ", not for " + instead, verb + "." + name, hint);
  }
}

void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, std::span<const SometimesRead> table,
                 const std::string& verb, const std::string& instead) {
  for (const SometimesRead& row : table) {
    if (row.read) {
      continue;
    }
    std::string counted;
    for (const SometimesRead& other : table) {
      if (other.read && !group_of(row.option).empty() && group_of(other.option) == group_of(row.option)) {
        counted += (counted.empty() ? "" : ", ") + std::string(other.option);
      }
    }
    refuse_idle(resolved, usual, {row.option}, verb, row.owner, instead,
                counted.empty() ? "leave it out" : "leave it out; " + instead + " reads " + counted);
  }
}

}  // namespace athanor
