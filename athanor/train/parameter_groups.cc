#include "athanor/train/parameter_groups.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"

namespace athanor {

namespace {

double number_of(const nlohmann::json& value, const std::string& where) {
  if (!value.is_number() || value.get<double>() < 0 || value.get<double>() > 1e6) {
    throw Error(ErrorKind::kUsage, "must be a number of 0 or more, not " + value.dump(), where);
  }
  return value.get<double>();
}

ParameterGroup parse_group(const nlohmann::json& entry, const std::string& where) {
  if (!entry.is_object()) {
    throw Error(ErrorKind::kUsage, "must be a map", where, "for example {match: '*norm*', weight_decay: 0}");
  }
  ParameterGroup group;
  for (const auto& [key, value] : entry.items()) {
    if (key == "match" && value.is_string() && !value.get<std::string>().empty()) {
      group.match = value.get<std::string>();
    } else if (key == "lr") {
      group.lr = number_of(value, where + ".lr");
    } else if (key == "weight_decay") {
      group.weight_decay = number_of(value, where + ".weight_decay");
    } else {
      throw Error(ErrorKind::kUsage, "has the key '" + key + "' with " + value.dump(), where,
                  "keys: match (a pattern of names), lr (a factor; 0 freezes), weight_decay");
    }
  }
  if (group.match.empty()) {
    throw Error(ErrorKind::kUsage, "needs the key match, a pattern of parameter names", where);
  }
  if (!entry.contains("lr") && !entry.contains("weight_decay")) {
    throw Error(ErrorKind::kUsage, "says nothing of what it matches", where,
                "give lr (a factor; 0 freezes) or weight_decay; lr: 1 keeps parameters out of the groups after it");
  }
  return group;
}

// Names with a part between dots or underlines that is near to the pattern's letters; else the first and the last of all.
std::vector<std::string> names_near(const std::string& match, const std::vector<std::string>& names) {
  std::string letters = match;
  std::erase_if(letters, [](char c) { return c == '*' || c == '?' || c == '.'; });
  for (const std::string& name : names) {
    for (size_t begin = 0; begin < name.size();) {
      const size_t end = std::min(name.find_first_of("._", begin), name.size());
      if (!nearest_name(letters, {name.substr(begin, end - begin)}).empty()) {
        return {name};
      }
      begin = end + 1;
    }
  }
  return {names.front(), names.back()};
}

}  // namespace

bool matches_pattern(std::string_view pattern, std::string_view name) {
  size_t p = 0;
  size_t n = 0;
  size_t star = std::string_view::npos;  // the last '*' seen, and how much of the name it takes
  size_t taken = 0;
  while (n < name.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken = n;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      ++p;
      ++n;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      n = ++taken;
    } else {
      return false;
    }
  }
  return pattern.find_first_not_of('*', p) == std::string_view::npos;
}

std::vector<ParameterGroup> parse_groups(const nlohmann::json& groups) {
  if (groups.is_null()) {
    return {};
  }
  if (!groups.is_array()) {
    throw Error(ErrorKind::kUsage, "must be a list", "optimizer.groups", "for example [{match: '*norm*', lr: 0.5}]");
  }
  std::vector<ParameterGroup> list;
  for (const auto& entry : groups) {
    list.push_back(parse_group(entry, "optimizer.groups[" + std::to_string(list.size()) + "]"));
  }
  return list;
}

void check_groups(const std::vector<ParameterGroup>& groups, const std::vector<std::string>& names) {
  for (size_t i = 0; i < groups.size(); ++i) {
    const std::string& match = groups[i].match;
    if (std::none_of(names.begin(), names.end(), [&](const std::string& name) { return matches_pattern(match, name); })) {
      throw Error(ErrorKind::kUsage, "'" + match + "' matches no parameter", "optimizer.groups[" + std::to_string(i) + "].match",
                  "parameters are named like " + join_text(names_near(match, names), ", "));
    }
  }
  if (std::all_of(names.begin(), names.end(), [&](const std::string& name) { return group_of(groups, name).lr == 0; })) {
    throw Error(ErrorKind::kUsage, "freezes every parameter: nothing would be learnt", "optimizer.groups",
                "lr: 0 is for what stays as it is; name fewer");
  }
}

ParameterGroup group_of(const std::vector<ParameterGroup>& groups, std::string_view name) {
  for (const ParameterGroup& group : groups) {
    if (matches_pattern(group.match, name)) {
      return group;
    }
  }
  return {};
}

}  // namespace athanor
