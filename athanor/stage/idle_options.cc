#include "athanor/stage/idle_options.h"

#include "athanor/base/error.h"

namespace athanor {

void refuse_idle(const nlohmann::json& resolved, const nlohmann::json& usual, const std::vector<const char*>& options,
                 const std::string& verb, const std::string& owner, const std::string& instead) {
  for (const char* option : options) {
    const auto given = resolved.find(option);
    const auto plain = usual.find(option);
    if (given == resolved.end() || (plain != usual.end() && *given == *plain)) {
      continue;
    }
    std::string name = option;
    const bool group = given->is_object() && plain != usual.end() && plain->is_object();
    for (auto one = given->begin(); group && one != given->end(); ++one) {
      if (!plain->contains(one.key()) || plain->at(one.key()) != one.value()) {
        name = std::string(option) + "." + one.key();  // the one of the group that was given
        break;
      }
    }
    throw Error(ErrorKind::kUsage, name + " is for " + owner + ", not for " + instead, verb + "." + name, "leave it out");
  }
}

}  // namespace athanor
