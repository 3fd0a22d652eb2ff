// Several members, as voting and stacking hold them.
#pragma once

#include <vector>

#include "athanor/classic/ensembles/member.h"

namespace athanor {

// given: a list of maps. Error(kUsage) at "of[1].kind" and the like.
std::vector<Member> members_of(const nlohmann::json& given, Task task, const std::string& where);
nlohmann::json descriptions_of(const std::vector<Member>& members,
                               const std::vector<std::string>& names);
void save_members(const std::vector<Member>& members, SavedWriter& out);
void load_members(std::vector<Member>& members, const SavedReader& in);

}  // namespace athanor
