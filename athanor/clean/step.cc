#include "athanor/clean/step.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

using nlohmann::json;

void CleanStep::transform(std::string&) const {}
Verdict CleanStep::judge(std::string_view) const { return {}; }

namespace {

std::string at(const std::string& where, size_t index) {
  return (where.empty() ? "steps" : where) + "[" + std::to_string(index) + "]";
}

const char* type_word(const json& value) {
  return value.is_boolean()          ? "true or false"
         : value.is_number_integer() ? "a whole number"
         : value.is_number()         ? "a number"
         : value.is_string()         ? "a text"
         : value.is_array()          ? "a list of texts"
                                     : "a value";
}

bool fits(const json& default_value, const json& value) {
  if (default_value.is_boolean()) {
    return value.is_boolean();
  }
  if (default_value.is_number_integer()) {
    return value.is_number_integer();
  }
  if (default_value.is_number()) {
    return value.is_number();
  }
  if (default_value.is_string()) {
    return value.is_string();
  }
  return value.is_array() && std::all_of(value.begin(), value.end(), [](const json& v) { return v.is_string(); });
}

std::string bound(double value) {
  json number = value;
  if (value == static_cast<double>(static_cast<int64_t>(value))) {
    number = static_cast<int64_t>(value);
  }
  return number.dump();
}

void check_range(const StepOption& option, const json& value, const std::string& where) {
  if (!value.is_number()) {
    return;
  }
  const double number = value.get<double>();
  if (number >= option.min && number <= option.max) {
    return;
  }
  const std::string range = option.max == std::numeric_limits<double>::infinity()
                                ? "at least " + bound(option.min)
                                : "from " + bound(option.min) + " to " + bound(option.max);
  throw Error(ErrorKind::kUsage, std::string(option.name) + " is " + value.dump() + ", it must be " + range, where,
              std::string(option.name) + ": " + option.meaning);
}

}  // namespace

const StepEntry& find_clean_step(const std::string& name, const std::string& where) {
  std::vector<std::string> names;
  for (const StepEntry& entry : clean_steps()) {
    if (name == entry.name) {
      return entry;
    }
    names.emplace_back(entry.name);
  }
  throw Error(ErrorKind::kUsage, "no cleaning step is called '" + name + "'", where, did_you_mean(name, names));
}

json resolve_options(const StepEntry& entry, const json& given, const std::string& where) {
  if (!given.is_object() && !given.is_null()) {
    throw Error(ErrorKind::kUsage, std::string(entry.name) + " takes options by name", where,
                std::string("write {\"") + entry.name + "\": {\"option\": value}}");
  }
  json resolved = json::object();
  std::vector<std::string> names;
  for (const StepOption& option : entry.options) {
    resolved[option.name] = option.default_value;
    names.emplace_back(option.name);
  }
  for (const auto& [key, value] : given.items()) {
    const auto option = std::find_if(entry.options.begin(), entry.options.end(),
                                     [&key = key](const StepOption& o) { return key == o.name; });
    if (option == entry.options.end()) {
      throw Error(ErrorKind::kUsage, std::string(entry.name) + " has no option '" + key + "'", where,
                  did_you_mean(key, names));
    }
    if (!fits(option->default_value, value)) {
      throw Error(ErrorKind::kUsage,
                  std::string(entry.name) + "." + key + " is " + value.dump() + ", it must be " +
                      type_word(option->default_value),
                  where, key + ": " + option->meaning);
    }
    check_range(*option, value, where);
    resolved[key] = value;
  }
  return resolved;
}

CleanChain::CleanChain(const json& spec, const std::string& where) : resolved_(json::array()) {
  if (!spec.is_array()) {
    throw Error(ErrorKind::kUsage, "the cleaning steps must be a list", where,
                "write steps: [normalize, {length: {min_chars: 50}}]");
  }
  for (size_t i = 0; i < spec.size(); ++i) {
    const json& item = spec[i];
    const bool named = item.is_string();
    if (!named && !(item.is_object() && item.size() == 1)) {
      throw Error(ErrorKind::kUsage, "a cleaning step is a name, or one name with its options", at(where, i),
                  "write {\"length\": {\"min_chars\": 50}}");
    }
    const std::string name = named ? item.get<std::string>() : item.begin().key();
    const StepEntry& entry = find_clean_step(name, at(where, i));
    const json options = resolve_options(entry, named ? json::object() : item.begin().value(), at(where, i));
    links_.push_back({entry.kind, entry.make(options)});
    resolved_.push_back({{name, options}});
  }
}

CleanResult CleanChain::run(std::string& text) const {
  CleanResult result;
  if (text.size() > kMaxDocumentBytes) {
    return {false, "", "document_too_large", {}};
  }
  for (const Link& link : links_) {
    if (link.kind == StepKind::kTransform) {
      link.step->transform(text);
      continue;
    }
    Verdict verdict = link.step->judge(text);
    result.scores.push_back({link.step->name(), verdict.reason, verdict.score});
    if (!verdict.keep) {
      result.keep = false;
      result.step = link.step->name();
      result.reason = std::move(verdict.reason);
      break;
    }
  }
  return result;
}

}  // namespace athanor
