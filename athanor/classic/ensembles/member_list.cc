#include "athanor/classic/ensembles/member_list.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {

namespace {

// Said first, whatever the task: one that groups or finds the odd never fits, the others fit one task or the other.
void check_member(const nlohmann::json& given, const std::string& where) {
  const nlohmann::json named = given.is_object() ? given.value("kind", nlohmann::json()) : given;
  if (!named.is_string()) {
    return;  // Member says what a model looks like
  }
  const auto kind = named.get<std::string>();
  const auto& tasks = model_kind(kind, where).tasks;
  const bool answers = std::any_of(tasks.begin(), tasks.end(), [](Task task) {
    return task == Task::kClasses || task == Task::kMultiLabel || task == Task::kRegression;
  });
  if (!answers) {
    throw Error(ErrorKind::kUsage, "the model '" + kind + "' does no classification and no regression", where,
                "take another in its place");
  }
}

}  // namespace

std::vector<Member> members_of(const nlohmann::json& given, Task task, const std::string& where) {
  if (!given.is_array() || given.empty()) {
    throw Error(ErrorKind::kUsage, "a list of models is needed", where,
                "[{kind: forest}, {kind: boosting, rounds: 50}]");
  }
  for (size_t i = 0; i < given.size(); ++i) {
    check_member(given[i], where + "[" + std::to_string(i) + "]");
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
