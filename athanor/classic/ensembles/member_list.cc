#include "athanor/classic/ensembles/member_list.h"

#include "athanor/base/error.h"

namespace athanor {

std::vector<Member> members_of(const nlohmann::json& given, Task task, const std::string& where) {
  if (!given.is_array() || given.empty()) {
    throw Error(ErrorKind::kUsage, "a list of models is needed", where,
                "[{kind: forest}, {kind: boosting, rounds: 50}]");
  }
  std::vector<Member> members;
  for (size_t i = 0; i < given.size(); ++i) {
    members.emplace_back(given[i], task, where + "[" + std::to_string(i) + "]");
  }
  return members;
}

nlohmann::json descriptions_of(const std::vector<Member>& members,
                               const std::vector<std::string>& names) {
  auto out = nlohmann::json::array();
  for (const Member& member : members) {
    nlohmann::json one = member.model().description(names);
    one["kind"] = member.kind();
    out.push_back(std::move(one));
  }
  return out;
}

void save_members(const std::vector<Member>& members, SavedWriter& out) {
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].save(out.part("member" + std::to_string(i)));
  }
}

void load_members(std::vector<Member>& members, const SavedReader& in) {
  for (size_t i = 0; i < members.size(); ++i) {
    members[i].load(in.part("member" + std::to_string(i)));
  }
}

}  // namespace athanor
