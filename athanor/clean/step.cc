#include "athanor/clean/step.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/clean/bounds.h"

namespace athanor {

using nlohmann::json;

Verdict CleanStep::decide(const Measures&) const { return {}; }

StepOption threshold(const char* name, json default_value, const char* meaning, double min, double max) {
  return {name, std::move(default_value), meaning, min, max, true};
}

StepOption file_option(const char* name, json default_value, const char* meaning) {
  return {name, std::move(default_value), meaning, -kNoLimit, kNoLimit, false, true};
}

Verdict check_bounds(const Measures& measures, std::span<const Bound> bounds) {
  for (const Bound& bound : bounds) {
    const double value = measures.numbers.at(bound.metric);
    if (value < bound.min) {
      return {false, bound.reason_below, value};
    }
    if (value > bound.max) {
      return {false, bound.reason_above, value};
    }
  }
  return {};
}

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

// Runs fn; an Error without a place gets this one.
template <typename Fn>
void placed(const std::string& where, const Fn& fn) {
  try {
    fn();
  } catch (const Error& error) {
    if (!error.where().empty()) {
      throw;
    }
    throw Error(error.kind(), error.message(), where, error.hint());
  }
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

CleanChain::CleanChain(const json& spec, const std::string& where)
    : resolved_(json::array()), measuring_spec_(json::array()) {
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
    add(entry, resolve_options(entry, named ? json::object() : item.begin().value(), at(where, i)), at(where, i));
  }
}

void CleanChain::add(const StepEntry& entry, const json& options, const std::string& where) {
  const auto uses = std::count_if(links_.begin(), links_.end(), [&](const Link& link) { return link.entry == &entry; });
  const std::string label = entry.name + (uses == 0 ? "" : "_" + std::to_string(uses + 1));
  std::unique_ptr<CleanStep> step;
  placed(where, [&] { step = entry.make(options); });
  size_t numbers = 0;
  size_t texts = 0;
  for (const StepMetric& metric : entry.metrics) {
    size_t& index = metric.type == MetricType::kNumber ? numbers : texts;
    columns_.push_back({label + "_" + metric.name, metric.type, metric.meaning, links_.size(), index++});
  }
  links_.push_back({&entry, label, where, std::move(step)});
  resolved_.push_back({{entry.name, options}});
  json measuring = options;
  for (const StepOption& option : entry.options) {
    if (option.threshold) {
      measuring.erase(option.name);
    }
  }
  measuring_spec_.push_back({{entry.name, measuring}});
}

void CleanChain::open() const {
  for (const Link& link : links_) {
    placed(link.where, [&] { link.step->open(); });
  }
}

void CleanChain::check_thresholds() const {
  for (const Link& link : links_) {
    placed(link.where, [&] { link.step->check_thresholds(); });
  }
}

bool CleanChain::measure(DocumentView& document, std::vector<Measures>& measures) const {
  measures.resize(links_.size());
  if (document.text().size() > kMaxDocumentBytes) {
    return false;
  }
  for (size_t i = 0; i < links_.size(); ++i) {
    measures[i].clear();
    links_[i].step->measure(document, measures[i]);
  }
  return true;
}

ChainVerdict CleanChain::decide(const std::vector<Measures>& measures) const {
  ChainVerdict result;
  for (size_t i = 0; i < links_.size(); ++i) {
    if (links_[i].entry->kind == StepKind::kTransform) {
      continue;
    }
    Verdict verdict = links_[i].step->decide(measures.at(i));
    if (result.keep && !verdict.keep) {
      result.keep = false;
      result.step = links_[i].label;
      result.reason = verdict.reason;
      result.score = verdict.score;
    }
    result.verdicts.push_back({links_[i].label, std::move(verdict)});
  }
  return result;
}

ChainVerdict CleanChain::run(std::string& text) const {
  DocumentView document(text);
  std::vector<Measures> measures;
  if (!measure(document, measures)) {
    return {false, "", kDocumentTooLarge, 0, {}};
  }
  return decide(measures);
}

bool CleanChain::transforms_text() const {
  return std::any_of(links_.begin(), links_.end(), [](const Link& link) { return link.step->rewrites(); });
}

std::vector<std::string> CleanChain::columns_needed() const {
  std::vector<std::string> names;
  for (const Link& link : links_) {
    for (std::string& name : link.step->columns_needed()) {
      if (std::find(names.begin(), names.end(), name) == names.end()) {
        names.push_back(std::move(name));
      }
    }
  }
  return names;
}

std::vector<std::string> CleanChain::files() const {
  std::vector<std::string> paths;
  const auto add_path = [&paths](const std::string& path) {
    if (!path.empty() && std::find(paths.begin(), paths.end(), path) == paths.end()) {
      paths.push_back(path);
    }
  };
  for (size_t i = 0; i < links_.size(); ++i) {
    for (const StepOption& option : links_[i].entry->options) {
      if (!option.file) {
        continue;
      }
      const json& value = resolved_[i].at(links_[i].entry->name).at(option.name);
      if (value.is_string()) {
        add_path(value.get<std::string>());
        continue;
      }
      for (const json& path : value) {
        add_path(path.get<std::string>());
      }
    }
    for (const std::string& path : links_[i].step->more_files()) {
      add_path(path);
    }
  }
  return paths;
}

}  // namespace athanor
