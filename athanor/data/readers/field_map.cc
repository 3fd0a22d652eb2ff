#include "athanor/data/readers/field_map.h"

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>

#include "athanor/base/error.h"

namespace athanor {

namespace {

using Json = nlohmann::json;

[[noreturn]] void fail(const std::string& what) {
  throw Error(ErrorKind::kUsage, what, "fields", "write fields: {text: [title, body], id: post.id}");
}

std::string dump(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

bool key_is(const JsonField& field, std::string_view wanted) {
  if (field.key.find('\\') == std::string_view::npos) {
    return field.key == wanted;
  }
  std::string key;
  unescape_json(field.key, key);
  return key == wanted;
}

const JsonField* find_key(const std::vector<JsonField>& fields, std::string_view key) {
  const auto found = std::find_if(fields.begin(), fields.end(), [&](const auto& field) { return key_is(field, key); });
  return found == fields.end() ? nullptr : &*found;
}

// The raw value at the path, and in `top` the record's own field that holds it.
std::optional<std::string_view> find_raw(const std::vector<JsonField>& fields, std::string_view path,
                                         const JsonField*& top) {
  if (const JsonField* field = find_key(fields, path)) {
    top = field;
    return field->value;
  }
  for (size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    const JsonField* field = find_key(fields, path.substr(0, dot));
    std::vector<JsonField> inner;
    const JsonField* ignored = nullptr;
    if (field != nullptr && scan_json_object(field->value, inner)) {
      if (const auto value = find_raw(inner, path.substr(dot + 1), ignored)) {
        top = field;
        return value;
      }
    }
  }
  return std::nullopt;
}

void join(std::string& text, std::string_view more) {
  if (!text.empty() && !more.empty()) {
    text += "\n\n";
  }
  text += more;
}

// A string, or a list of strings, which become lines; nothing else is a text.
std::optional<std::string> text_of(const Json& value) {
  if (value.is_string()) {
    return value.get<std::string>();
  }
  if (!value.is_array() || !std::all_of(value.begin(), value.end(), [](const Json& line) { return line.is_string(); })) {
    return std::nullopt;
  }
  std::string text;
  for (const Json& line : value) {
    text += (text.empty() ? "" : "\n") + line.get_ref<const std::string&>();
  }
  return text;
}

// The same of a value that is not parsed yet.
std::optional<std::string> text_of_raw(std::string_view value) {
  if (value.front() == '"') {
    std::string text;
    unescape_json(value.substr(1, value.size() - 2), text);
    return text;
  }
  return value.front() == '[' ? text_of(Json::parse(value, nullptr, false)) : std::nullopt;
}

void add_member(std::string& meta, std::string_view name_json, std::string_view value_json) {
  meta += meta.size() > 1 ? "," : "";
  meta.append(name_json).append(":").append(value_json);
}

// A record whose fields were scanned, and one that is JSON already: what map_record() asks of either. find() gives the
// value at a path, nullopt where there is none, and the record's own field that holds it.
class ScannedRecord {
 public:
  using Field = const JsonField*;
  explicit ScannedRecord(const std::vector<JsonField>& fields) : fields_(fields) {}

  std::optional<std::string_view> find(const std::string& path, Field& field) const { return find_raw(fields_, path, field); }
  static bool is_null(std::string_view value) { return value == "null"; }
  static std::optional<std::string> text(std::string_view value) { return text_of_raw(value); }
  static void add(std::string& meta, const std::string& name, std::string_view value) {
    add_member(meta, dump(name), value);
  }
  std::string lines() const {
    std::string text;
    for (const JsonField& field : fields_) {
      const auto part = text_of_raw(field.value);
      unescape_json(field.key, text);
      text += ": " + (part ? *part : std::string(field.value)) + "\n";
    }
    return text;
  }
  void add_all_but(const std::vector<Field>& used, std::string& meta) const {
    for (const JsonField& field : fields_) {
      if (std::find(used.begin(), used.end(), &field) == used.end()) {
        add_member(meta, "\"" + std::string(field.key) + "\"", field.value);
      }
    }
  }

 private:
  const std::vector<JsonField>& fields_;
};

class ParsedRecord {
 public:
  using Field = std::string_view;
  explicit ParsedRecord(const Json& object) : object_(object) {}

  std::optional<std::reference_wrapper<const Json>> find(const std::string& path, Field& field) const {
    const Json* value = find_path(object_, path);
    if (value == nullptr) {
      return std::nullopt;
    }
    field = object_.contains(path) ? std::string_view(path) : std::string_view(path).substr(0, path.find('.'));
    return *value;
  }
  static bool is_null(const Json& value) { return value.is_null(); }
  static std::optional<std::string> text(const Json& value) { return text_of(value); }
  static void add(std::string& meta, const std::string& name, const Json& value) {
    add_member(meta, dump(name), dump(value));
  }
  std::string lines() const {
    std::string text;
    for (const auto& [name, value] : object_.items()) {
      text += name + ": " + (value.is_string() ? value.get<std::string>() : dump(value)) + "\n";
    }
    return text;
  }
  void add_all_but(const std::vector<Field>& used, std::string& meta) const {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(used.begin(), used.end(), name) == used.end()) {
        add(meta, name, value);
      }
    }
  }

 private:
  const Json& object_;
};

template <typename Record>
MappedRecord map_record(const FieldMap& map, const Record& record) {
  MappedRecord mapped;
  std::vector<typename Record::Field> used;
  if (map.all()) {
    mapped.text = record.lines();
  }
  for (const std::string& path : map.all() ? std::vector<std::string>{} : map.text) {
    typename Record::Field field{};
    const auto value = record.find(path, field);
    if (!value || Record::is_null(*value)) {
      continue;
    }
    const auto part = Record::text(*value);
    if (!part) {
      mapped.problem = "text is not a string";
      return mapped;
    }
    join(mapped.text, *part);
    used.push_back(field);
  }
  if (used.empty() && !map.all()) {
    mapped.problem = "no text field";
    return mapped;
  }
  mapped.meta = "{";
  if (map.meta.empty()) {
    record.add_all_but(used, mapped.meta);
  }
  for (const auto& [name, path] : map.meta) {
    typename Record::Field field{};
    if (const auto value = record.find(path, field)) {
      Record::add(mapped.meta, name, *value);
    }
  }
  mapped.meta += "}";
  return mapped;
}

}  // namespace

FieldMap parse_field_map(const Json& map) {
  FieldMap fields;
  if (map.is_null() || (map.is_object() && map.empty())) {
    return fields;
  }
  if (!map.is_object() || !map.contains("text")) {
    fail(map.is_object() ? "names no text" : "is not a map");
  }
  for (const auto& [name, value] : map.items()) {
    if (name == "text" && value.is_array()) {
      for (const Json& path : value) {
        if (!path.is_string() || path.get_ref<const std::string&>().empty()) {
          fail("a path of text is not a name");
        }
        fields.text.push_back(path.get<std::string>());
      }
    } else if (!value.is_string() || value.get_ref<const std::string&>().empty()) {
      fail("'" + name + "' is not given a name of a field");
    } else if (name == "text") {
      fields.text.push_back(value.get<std::string>());
    } else {
      fields.meta.emplace_back(name, value.get<std::string>());
    }
  }
  if (fields.text.empty()) {
    fail("names no text");
  }
  return fields;
}

const Json* find_path(const Json& object, std::string_view path) {
  if (!object.is_object()) {
    return nullptr;
  }
  if (const auto found = object.find(path); found != object.end()) {
    return &*found;
  }
  for (size_t dot = path.find('.'); dot != std::string_view::npos; dot = path.find('.', dot + 1)) {
    const auto found = object.find(path.substr(0, dot));
    if (found != object.end()) {
      if (const Json* value = find_path(*found, path.substr(dot + 1))) {
        return value;
      }
    }
  }
  return nullptr;
}

MappedRecord apply_map(const FieldMap& map, const std::vector<JsonField>& fields) {
  return map_record(map, ScannedRecord(fields));
}

MappedRecord apply_map(const FieldMap& map, const Json& object) { return map_record(map, ParsedRecord(object)); }

}  // namespace athanor
