#include "athanor/run/fields.h"

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"
#include "athanor/base/text.h"

namespace athanor {

namespace fields_detail {

namespace {

[[noreturn]] void fail_type(const Node& node, const FieldInfo& info, const std::string& wanted) {
  const std::string got = node.kind == Node::Kind::kScalar ? "'" + node.scalar + "'" : node.kind_name();
  throw Error(ErrorKind::kUsage, "'" + info.name + "' must be " + wanted + ", not " + got, node.mark.text(),
              info.doc.empty() ? "" : info.name + ": " + info.doc);
}

std::string number_text(double value) { return nlohmann::json(value == std::floor(value) && std::abs(value) < 1e15
                                                                  ? nlohmann::json(static_cast<int64_t>(value))
                                                                  : nlohmann::json(value))
                                            .dump(); }

void check_range(const Node& node, const FieldInfo& info, double value) {
  if (value >= info.minimum && value <= info.maximum) {
    return;
  }
  std::string range;
  if (std::isinf(info.maximum)) {
    range = "at least " + number_text(info.minimum);
  } else if (std::isinf(info.minimum)) {
    range = "at most " + number_text(info.maximum);
  } else {
    range = "between " + number_text(info.minimum) + " and " + number_text(info.maximum);
  }
  fail_type(node, info, range);
}

double read_number(const Node& node, const FieldInfo& info, const char* wanted) {
  const nlohmann::json value = node.to_json();
  if (!value.is_number()) {
    fail_type(node, info, wanted);
  }
  return value.get<double>();
}

}  // namespace

void read(const Node& node, const FieldInfo& info, bool& out) {
  const nlohmann::json value = node.to_json();
  if (!value.is_boolean()) {
    fail_type(node, info, "true or false");
  }
  out = value.get<bool>();
}

void read(const Node& node, const FieldInfo& info, int64_t& out) {
  const nlohmann::json value = node.to_json();
  if (value.is_number_integer()) {
    out = value.get<int64_t>();
  } else {
    const double number = read_number(node, info, "a whole number");
    if (number != std::floor(number) || std::abs(number) > 9e15) {
      fail_type(node, info, "a whole number");
    }
    out = static_cast<int64_t>(number);
  }
  check_range(node, info, static_cast<double>(out));
}

void read(const Node& node, const FieldInfo& info, double& out) {
  out = read_number(node, info, "a number");
  check_range(node, info, out);
}

void read(const Node& node, const FieldInfo& info, std::string& out) {
  if (node.kind == Node::Kind::kNull && node.scalar.empty()) {
    out.clear();
    return;
  }
  if (node.kind != Node::Kind::kScalar) {
    fail_type(node, info, "text");
  }
  out = node.scalar;
  if (info.choices.empty()) {
    return;
  }
  for (const auto& choice : info.choices) {
    if (choice == out) {
      return;
    }
  }
  throw Error(ErrorKind::kUsage, "'" + info.name + "' has no choice '" + out + "'", node.mark.text(),
              did_you_mean(out, info.choices) + "; the choices are " + join_text(info.choices, ", "));
}

void read(const Node& node, const FieldInfo& info, std::vector<std::string>& out) {
  out.clear();
  if (node.kind == Node::Kind::kScalar) {  // one value stands for a list of one
    out.push_back(node.scalar);
    return;
  }
  if (node.kind != Node::Kind::kSequence) {
    fail_type(node, info, "text or a list of text");
  }
  for (const auto& item : node.items) {
    if (item.kind != Node::Kind::kScalar) {
      fail_type(item, info, "a list of text");
    }
    out.push_back(item.scalar);
  }
}

void read(const Node& node, const FieldInfo& info, std::vector<double>& out) {
  out.clear();
  if (node.kind != Node::Kind::kSequence) {
    fail_type(node, info, "a list of numbers");
  }
  for (const auto& item : node.items) {
    out.push_back(read_number(item, info, "a list of numbers"));
    check_range(item, info, out.back());
  }
}

void read(const Node& node, const FieldInfo&, nlohmann::json& out) { out = node.to_json(); }

void set_defaults(std::vector<FieldInfo>& fields, const nlohmann::json& values) {
  for (FieldInfo& field : fields) {
    field.default_value = values.at(field.name);
    set_defaults(field.children, field.default_value);
  }
}

void fail_unknown(const Node::Entry& entry, const std::string& path, const std::vector<FieldInfo>& known) {
  std::vector<std::string> names;
  for (const auto& info : known) {
    names.push_back(info.name);
  }
  throw Error(ErrorKind::kUsage, "unknown key '" + entry.key + "'" + (path.empty() ? "" : " in " + path),
              entry.key_mark.text(), did_you_mean(entry.key, names));
}

void fail_missing(const Node& map, const std::string& path, const FieldInfo& info) {
  throw Error(ErrorKind::kUsage, (path.empty() ? "" : path + " ") + "needs '" + info.name + "' (" + info.doc + ")",
              map.mark.text(), "give " + (path.empty() ? "" : path + ".") + info.name + "=...");
}

void fail_not_map(const Node& node, const std::string& path) {
  throw Error(ErrorKind::kUsage, "'" + path + "' must be a map of keys, not " + node.kind_name(), node.mark.text());
}

}  // namespace fields_detail

const FieldInfo* OptionSchema::find(std::string_view name) const {
  for (const auto& info : fields) {
    if (info.name == name) {
      return &info;
    }
  }
  return nullptr;
}

}  // namespace athanor
