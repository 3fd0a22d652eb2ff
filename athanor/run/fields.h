// One list of fields beside each options struct. From it come reading recipes, unknown-key errors, range checks,
// the resolved dump, the run id, `athanor explain`, and later the console's forms.
//
//   struct SplitOptions {
//     double valid = 0.05;
//     static void fields(Fields<SplitOptions>& f) {
//       f.add("valid", &SplitOptions::valid, "share of documents for validation").range(0, 1);
//     }
//   };
//   SplitOptions options = parse_options<SplitOptions>(node);
//
// Member types: bool, int64_t, double, std::string, std::vector<std::string>, std::vector<double>, nlohmann::json
// (free form), and structs with fields() of their own.
#pragma once

#include <functional>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <type_traits>
#include <vector>

#include "athanor/run/recipe.h"

namespace athanor {

struct FieldInfo {
  std::string name;
  std::string doc;
  std::string type;  // "integer", "number", "text", "true or false", "list of text", "list of numbers", "map", "any"
  nlohmann::json default_value;
  std::vector<std::string> choices;
  double minimum = -std::numeric_limits<double>::infinity();
  double maximum = std::numeric_limits<double>::infinity();
  bool speed = false;     // changes only how fast or where, never the result: stays out of the run id
  bool required = false;  // has no default
  std::vector<FieldInfo> children;
};

namespace fields_detail {

// Readers of one value. They throw Error(kUsage) with the node's place.
void read(const Node& node, const FieldInfo& info, bool& out);
void read(const Node& node, const FieldInfo& info, int64_t& out);
void read(const Node& node, const FieldInfo& info, double& out);
void read(const Node& node, const FieldInfo& info, std::string& out);
void read(const Node& node, const FieldInfo& info, std::vector<std::string>& out);
void read(const Node& node, const FieldInfo& info, std::vector<double>& out);
void read(const Node& node, const FieldInfo& info, nlohmann::json& out);

// The fields' defaults become those of this map.
void set_defaults(std::vector<FieldInfo>& fields, const nlohmann::json& values);

[[noreturn]] void fail_unknown(const Node::Entry& entry, const std::string& path,
                               const std::vector<FieldInfo>& known);
[[noreturn]] void fail_missing(const Node& map, const std::string& path, const FieldInfo& info);
[[noreturn]] void fail_not_map(const Node& node, const std::string& path);

template <class M>
const char* type_name() {
  if constexpr (std::is_same_v<M, bool>) {
    return "true or false";
  } else if constexpr (std::is_same_v<M, int64_t>) {
    return "integer";
  } else if constexpr (std::is_same_v<M, double>) {
    return "number";
  } else if constexpr (std::is_same_v<M, std::string>) {
    return "text";
  } else if constexpr (std::is_same_v<M, std::vector<std::string>>) {
    return "list of text";
  } else if constexpr (std::is_same_v<M, std::vector<double>>) {
    return "list of numbers";
  } else if constexpr (std::is_same_v<M, nlohmann::json>) {
    return "any";
  } else {
    return "map";
  }
}

}  // namespace fields_detail

template <class T>
class Fields {
 public:
  struct Entry {
    FieldInfo info;
    std::function<void(T&, const Node&, const std::string& path, const FieldInfo&)> parse;
    std::function<nlohmann::json(const T&, bool with_speed)> dump;
    std::function<void(T&, const nlohmann::json&)> load;
  };

  // A member of T or of a base of T.
  template <class M, class B>
    requires std::is_base_of_v<B, T>
  Fields& add(const char* name, M B::*base_member, const char* doc) {
    M T::*member = base_member;
    Entry entry;
    entry.info.name = name;
    entry.info.doc = doc;
    entry.info.type = fields_detail::type_name<M>();
    if constexpr (requires(Fields<M>& nested) { M::fields(nested); }) {
      add_nested(entry, member);
    } else {
      entry.info.default_value = T{}.*member;
      entry.parse = [member](T& object, const Node& node, const std::string&, const FieldInfo& info) {
        fields_detail::read(node, info, object.*member);
      };
      entry.dump = [member](const T& object, bool) { return nlohmann::json(object.*member); };
      entry.load = [member](T& object, const nlohmann::json& value) { object.*member = value.get<M>(); };
    }
    entries.push_back(std::move(entry));
    return *this;
  }

  // These change the field added last.
  Fields& range(double minimum, double maximum) {
    entries.back().info.minimum = minimum;
    entries.back().info.maximum = maximum;
    return *this;
  }
  Fields& choices(std::vector<std::string> names) {
    entries.back().info.choices = std::move(names);
    return *this;
  }
  Fields& speed() {
    entries.back().info.speed = true;
    return *this;
  }
  Fields& required() {
    entries.back().info.required = true;
    return *this;
  }

  std::vector<FieldInfo> infos() const {
    std::vector<FieldInfo> list;
    for (const auto& entry : entries) {
      list.push_back(entry.info);
    }
    return list;
  }

  std::vector<Entry> entries;

 private:
  template <class M>
  void add_nested(Entry& entry, M T::*member);
};

template <class T>
const Fields<T>& fields_of() {
  static const Fields<T> fields = [] {
    Fields<T> list;
    T::fields(list);
    return list;
  }();
  return fields;
}

// Reads the map's keys into a T that starts with its defaults, or as given. path is the prefix for messages ("pretrain").
// An unknown key, a wrong type, a value out of range or a missing required field is Error(kUsage).
template <class T>
T parse_options(const Node& map, const std::string& path, T object = T{}) {
  if (map.kind != Node::Kind::kMap && map.kind != Node::Kind::kNull) {
    fields_detail::fail_not_map(map, path);
  }
  const auto& fields = fields_of<T>();
  std::vector<bool> seen(fields.entries.size(), false);
  for (const auto& given : map.entries) {
    bool known = false;
    for (size_t i = 0; i < fields.entries.size(); ++i) {
      const auto& entry = fields.entries[i];
      if (entry.info.name == given.key) {
        entry.parse(object, given.value, path.empty() ? given.key : path + "." + given.key, entry.info);
        seen[i] = known = true;
      }
    }
    if (!known) {
      fields_detail::fail_unknown(given, path, fields.infos());
    }
  }
  for (size_t i = 0; i < seen.size(); ++i) {
    if (!seen[i] && fields.entries[i].info.required) {
      fields_detail::fail_missing(map, path, fields.entries[i].info);
    }
  }
  return object;
}

// Every field with its value. Without speed fields: what the run id is made of.
template <class T>
nlohmann::json dump_options(const T& object, bool with_speed) {
  auto map = nlohmann::json::object();
  for (const auto& entry : fields_of<T>().entries) {
    if (with_speed || !entry.info.speed) {
      map[entry.info.name] = entry.dump(object, with_speed);
    }
  }
  return map;
}

// The reverse of dump_options; fields that are absent keep their defaults, or what was given.
template <class T>
T load_options(const nlohmann::json& map, T object = T{}) {
  for (const auto& entry : fields_of<T>().entries) {
    if (const auto found = map.find(entry.info.name); found != map.end()) {
      entry.load(object, *found);
    }
  }
  return object;
}

template <class T>
template <class M>
void Fields<T>::add_nested(Entry& entry, M T::*member) {
  entry.info.children = fields_of<M>().infos();
  entry.info.default_value = dump_options(T{}.*member, true);  // an outer struct may have defaults of its own
  fields_detail::set_defaults(entry.info.children, entry.info.default_value);
  entry.parse = [member](T& object, const Node& node, const std::string& path, const FieldInfo&) {
    object.*member = parse_options<M>(node, path, object.*member);
  };
  entry.dump = [member](const T& object, bool with_speed) { return dump_options(object.*member, with_speed); };
  entry.load = [member](T& object, const nlohmann::json& value) { object.*member = load_options<M>(value, object.*member); };
}

// The same three operations without the type: what the table of verbs holds.
struct OptionSchema {
  std::function<nlohmann::json(const Node& map, const std::string& path)> parse;  // checked, every default written out
  std::function<nlohmann::json(const nlohmann::json& resolved)> result_part;      // without the speed fields
  std::vector<FieldInfo> fields;

  const FieldInfo* find(std::string_view name) const;
};

template <class T>
OptionSchema schema_of() {
  return {[](const Node& map, const std::string& path) { return dump_options(parse_options<T>(map, path), true); },
          [](const nlohmann::json& resolved) { return dump_options(load_options<T>(resolved), false); },
          fields_of<T>().infos()};
}

}  // namespace athanor
