#include "athanor/tune/space.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <limits>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor::tune {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr size_t kMaxParameters = 1000;
constexpr size_t kMaxChoices = 10000;
constexpr double kMostSteps = 9e15;  // either side of 0: whole numbers that a double still tells apart

[[noreturn]] void fail(const Mark& mark, const std::string& what, const std::string& hint = "") {
  throw Error(ErrorKind::kUsage, what, mark.text(), hint);
}

double number(const Node& node, const std::string& name) {
  const auto json = node.to_json();
  if (!json.is_number() || !std::isfinite(json.get<double>())) {
    fail(node.mark, "'" + name + "' wants a number here, not " + (json.is_string() ? "text" : node.kind_name()));
  }
  return json.get<double>();
}

void read_range(const Node& node, Parameter& parameter) {
  if (node.kind != Node::Kind::kSequence || node.items.size() != 2) {
    fail(node.mark, "the range of '" + parameter.name + "' must be [lowest, highest]");
  }
  parameter.low = number(node.items[0], parameter.name);
  parameter.high = number(node.items[1], parameter.name);
  if (parameter.low > parameter.high) {
    fail(node.mark, "the range of '" + parameter.name + "' is empty: the lowest is above the highest");
  }
}

void read_choices(const Node& node, Parameter& parameter) {
  if (node.kind != Node::Kind::kSequence || node.items.empty() || node.items.size() > kMaxChoices) {
    fail(node.mark, "the choices of '" + parameter.name + "' must be a list of 1 to 10000 values");
  }
  for (const auto& item : node.items) {
    const auto value = item.to_json();
    if (std::find(parameter.choices.begin(), parameter.choices.end(), value) != parameter.choices.end()) {
      fail(item.mark, "the choices of '" + parameter.name + "' hold " + value.dump() + " twice");
    }
    parameter.choices.push_back(value);
  }
  parameter.high = static_cast<double>(parameter.choices.size() - 1);
  parameter.step = 1;
}

void read_key(const Node::Entry& entry, Parameter& parameter, int& ranges, const Node*& when) {
  static const std::vector<std::string> kKnown{"float", "int", "log", "choice", "step", "when"};
  const std::string& key = entry.key;
  if (key == "float" || key == "int") {
    parameter.kind = key == "int" ? ParameterKind::kInt : ParameterKind::kFloat;
    read_range(entry.value, parameter);
    ++ranges;
  } else if (key == "choice") {
    parameter.kind = ParameterKind::kChoice;
    read_choices(entry.value, parameter);
    ++ranges;
  } else if (key == "log" && entry.value.kind == Node::Kind::kSequence) {
    parameter.log = true;
    read_range(entry.value, parameter);
    ++ranges;
  } else if (key == "log") {
    const auto value = entry.value.to_json();
    if (!value.is_boolean()) {
      fail(entry.value.mark, "log must be true, false or a range [lowest, highest]");
    }
    parameter.log = value.get<bool>();
  } else if (key == "step") {
    parameter.step = number(entry.value, parameter.name);
    if (parameter.step <= 0) {
      fail(entry.value.mark, "the step of '" + parameter.name + "' must be above 0");
    }
  } else if (key == "when") {
    when = &entry.value;
  } else {
    fail(entry.key_mark, "unknown key '" + key + "' for '" + parameter.name + "'", did_you_mean(key, kKnown));
  }
}

void check_range(const Node& node, Parameter& parameter) {
  if (parameter.is_choice()) {
    if (parameter.log || parameter.step != 1) {
      fail(node.mark, "'" + parameter.name + "' is a choice: it has no step and no logarithm");
    }
    return;
  }
  if (parameter.kind == ParameterKind::kInt) {
    parameter.step = parameter.step == 0 ? 1 : parameter.step;
    for (const double value : {parameter.low, parameter.high, parameter.step}) {
      if (value != std::floor(value)) {
        fail(node.mark, "'" + parameter.name + "' is an integer: its range and step must be integers");
      }
      if (std::abs(value) > kMostSteps) {
        fail(node.mark, "'" + parameter.name + "' is an integer: its range and step must lie within 9e15 of 0");
      }
    }
    if (parameter.log && parameter.step != 1) {
      fail(node.mark, "'" + parameter.name + "': an integer on a log scale has the step 1");
    }
  } else if (parameter.log && parameter.step > 0) {
    fail(node.mark, "'" + parameter.name + "': steps and a log scale do not go together");
  }
  if (parameter.log && parameter.low <= 0) {
    fail(node.mark, "the range of '" + parameter.name + "' must be above 0 on a log scale");
  }
  if (parameter.step > 0) {  // the highest value that steps reach
    const double steps = std::floor((parameter.high - parameter.low) / parameter.step + 1e-9);
    if (!(steps <= 2 * kMostSteps)) {
      fail(node.mark, "the step of '" + parameter.name + "' is too small for its range");
    }
    const double reached = parameter.low + steps * parameter.step;
    // As written where it is the same but for rounding: 0.3, not 0.30000000000000004.
    parameter.high = std::abs(reached - parameter.high) <= 1e-9 * parameter.step ? parameter.high : reached;
  }
}

struct Draft {
  Parameter parameter;
  Mark mark;
  const Node* when = nullptr;
  std::string parent;
  int depth = -1;
};

Draft read_parameter(const Node::Entry& entry) {
  Draft draft;
  draft.parameter.name = entry.key;
  draft.mark = entry.key_mark;
  if (entry.value.kind != Node::Kind::kMap) {
    fail(entry.value.mark.line > 0 ? entry.value.mark : entry.key_mark,
         "'" + entry.key + "' must be a map such as {float: [0, 1]}, {log: [1e-4, 1e-1]}, {int: [2, 10]} or "
         "{choice: [a, b]}, not " + entry.value.kind_name());
  }
  int ranges = 0;
  for (const auto& key : entry.value.entries) {
    read_key(key, draft.parameter, ranges, draft.when);
  }
  if (ranges != 1) {
    fail(entry.key_mark, "'" + entry.key + "' must have exactly one of float, int, log: [..] and choice");
  }
  check_range(entry.value, draft.parameter);
  return draft;
}

// How many conditions stand above; fails on a cycle.
int depth_of(std::map<std::string, Draft>& drafts, Draft& draft, size_t above) {
  if (draft.depth >= 0 || draft.parent.empty()) {
    return draft.depth = std::max(0, draft.depth);
  }
  if (above > drafts.size()) {
    fail(draft.mark, "the conditions of '" + draft.parameter.name + "' go round in a circle");
  }
  return draft.depth = 1 + depth_of(drafts, drafts.at(draft.parent), above + 1);
}

void read_parent(const std::map<std::string, Draft>& drafts, Draft& draft) {
  if (draft.when == nullptr) {
    return;
  }
  if (draft.when->kind != Node::Kind::kMap || draft.when->entries.size() != 1) {
    fail(draft.when->mark, "when must name one other parameter, as {fit.kind: forest}");
  }
  const auto& condition = draft.when->entries[0];
  if (!drafts.contains(condition.key)) {
    std::vector<std::string> names;
    for (const auto& [name, other] : drafts) {
      names.push_back(name);
    }
    fail(condition.key_mark, "'" + draft.parameter.name + "' hangs on '" + condition.key + "', which is not in the space",
         did_you_mean(condition.key, names));
  }
  draft.parent = condition.key;
}

void read_condition(const Node& node, const Parameter& parent, Parameter& parameter) {
  const auto given = node.to_json();
  for (const auto& value : given.is_array() ? given : nlohmann::json::array({given})) {
    if (parent.is_choice()) {
      const auto found = std::find(parent.choices.begin(), parent.choices.end(), value);
      if (found == parent.choices.end()) {
        fail(node.mark, "'" + parent.name + "' is never " + value.dump());
      }
      parameter.when_values.push_back(static_cast<double>(found - parent.choices.begin()));
    } else if (parent.kind == ParameterKind::kInt && value.is_number() && value.get<double>() >= parent.low &&
               value.get<double>() <= parent.high) {
      parameter.when_values.push_back(value.get<double>());
    } else {
      fail(node.mark, "'" + parameter.name + "' can hang on a choice or on an integer of its range, and '" + parent.name +
                          "' is never " + value.dump());
    }
  }
  if (parameter.when_values.empty()) {
    fail(node.mark, "when: '" + parameter.name + "' has no value under which it exists");
  }
  std::sort(parameter.when_values.begin(), parameter.when_values.end());
}

double round_digits(double value, int digits) {
  char text[40];
  std::snprintf(text, sizeof text, "%.*g", digits, value);
  return std::strtod(text, nullptr);
}

}  // namespace

uint64_t Parameter::num_cells() const {
  return step > 0 ? static_cast<uint64_t>(std::llround((high - low) / step)) + 1 : (low == high ? 1 : 0);
}

double Parameter::axis_low() const { return axis(low - step / 2); }
double Parameter::axis_high() const { return axis(high + step / 2); }

double Parameter::value_at(double place) const {
  double value = log ? std::exp(place) : place;
  if (step > 0) {
    value = low + std::round((value - low) / step) * step;
  }
  return std::clamp(value, low, high);
}

double Parameter::from_unit(double unit) const {
  if (step > 0 && !log) {
    const double cells = static_cast<double>(num_cells());
    return low + std::min(cells - 1, std::floor(std::clamp(unit, 0.0, 1.0) * cells)) * step;
  }
  return value_at(axis_low() + std::clamp(unit, 0.0, 1.0) * (axis_high() - axis_low()));
}

double Parameter::to_unit(double value) const {
  const double width = axis_high() - axis_low();
  return width <= 0 ? 0.5 : std::clamp((axis(value) - axis_low()) / width, 0.0, 1.0);
}

Space Space::parse(const Node& node) {
  if (node.kind != Node::Kind::kMap || node.entries.empty() || node.entries.size() > kMaxParameters) {
    fail(node.mark, "space must be a map of 1 to 1000 fields to search, as {fit.fasttext.lr: {log: [0.01, 1]}}");
  }
  std::map<std::string, Draft> drafts;
  for (const auto& entry : node.entries) {
    if (!drafts.emplace(entry.key, read_parameter(entry)).second) {
      fail(entry.key_mark, "'" + entry.key + "' stands twice in the space");
    }
  }
  std::vector<Draft*> order;
  for (auto& [name, draft] : drafts) {
    read_parent(drafts, draft);
    order.push_back(&draft);
  }
  for (auto& [name, draft] : drafts) {
    depth_of(drafts, draft, 0);
  }
  std::stable_sort(order.begin(), order.end(), [](const Draft* a, const Draft* b) { return a->depth < b->depth; });
  std::vector<Parameter> parameters;
  for (Draft* draft : order) {
    for (size_t i = 0; i < parameters.size() && !draft->parent.empty(); ++i) {
      if (parameters[i].name == draft->parent) {
        draft->parameter.parent = static_cast<int>(i);
        read_condition(draft->when->entries[0].value, parameters[i], draft->parameter);
      }
    }
    parameters.push_back(draft->parameter);
  }
  return Space(std::move(parameters));
}

int Space::find(std::string_view name) const {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    if (parameters_[i].name == name) {
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool Space::active(size_t i, const Point& point) const {
  const Parameter& parameter = parameters_[i];
  if (parameter.parent < 0) {
    return true;
  }
  const double value = point[static_cast<size_t>(parameter.parent)];
  return std::find(parameter.when_values.begin(), parameter.when_values.end(), value) != parameter.when_values.end();
}

void Space::settle(Point& point) const {
  point.resize(size(), kNaN);
  for (size_t i = 0; i < size(); ++i) {
    if (!active(i, point)) {
      point[i] = kNaN;
    } else if (std::isnan(point[i])) {
      point[i] = parameters_[i].from_unit(0.5);
    }
  }
}

Point Space::random(Rng& rng) const {
  std::vector<double> units(size());
  for (double& unit : units) {
    unit = rng.uniform();
  }
  return from_units(units);
}

Point Space::from_units(const std::vector<double>& units) const {
  Point point(size());
  for (size_t i = 0; i < size(); ++i) {
    point[i] = parameters_[i].from_unit(units[i]);
  }
  settle(point);
  return point;
}

void Space::round(Point& point, int digits) const {
  for (size_t i = 0; i < size(); ++i) {
    const Parameter& parameter = parameters_[i];
    if (parameter.step == 0 && !std::isnan(point[i])) {
      point[i] = std::clamp(round_digits(point[i], digits), parameter.low, parameter.high);
    }
  }
}

nlohmann::json Space::value(size_t i, double internal) const {
  const Parameter& parameter = parameters_[i];
  switch (parameter.kind) {
    case ParameterKind::kChoice:
      return parameter.choices[static_cast<size_t>(internal)];
    case ParameterKind::kInt:
      return static_cast<int64_t>(std::llround(internal));
    case ParameterKind::kFloat:
      break;
  }
  return parameter.step > 0 ? round_digits(internal, 12) : internal;  // 0.3, not 0.30000000000000004
}

nlohmann::json Space::values(const Point& point) const {
  auto map = nlohmann::json::object();
  for (size_t i = 0; i < size(); ++i) {
    if (!std::isnan(point[i])) {
      map[parameters_[i].name] = value(i, point[i]);
    }
  }
  return map;
}

Point Space::point_of(const nlohmann::json& values) const {
  Point point(size(), kNaN);
  for (size_t i = 0; i < size(); ++i) {
    const Parameter& parameter = parameters_[i];
    const auto found = values.is_object() ? values.find(parameter.name) : values.end();
    if (!values.is_object() || found == values.end()) {
      if (active(i, point)) {
        throw Error(ErrorKind::kInput, "a trial has no value for '" + parameter.name + "'");
      }
      continue;
    }
    if (parameter.is_choice()) {
      const auto at = std::find(parameter.choices.begin(), parameter.choices.end(), *found);
      point[i] = at == parameter.choices.end() ? kNaN : static_cast<double>(at - parameter.choices.begin());
    } else if (found->is_number()) {
      point[i] = found->get<double>();
      if (parameter.step > 0) {
        point[i] = parameter.low + std::round((point[i] - parameter.low) / parameter.step) * parameter.step;
      }
    }
    if (!(point[i] >= parameter.low && point[i] <= parameter.high)) {
      throw Error(ErrorKind::kInput, "a trial's value of '" + parameter.name + "', " + found->dump() +
                                         ", is not one of the space's");
    }
  }
  return point;
}

}  // namespace athanor::tune
