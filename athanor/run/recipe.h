// A recipe as written: a tree that knows the file, line and column of every value.
//
// The language is a subset of YAML 1.2 without anchors, aliases, tags and several documents: a recipe is data.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "athanor/base/file.h"

namespace athanor {

struct Mark {
  std::string file;
  int line = 0;    // from 1; 0: no place known
  int column = 0;  // from 1
  std::string text() const;  // "recipe.yaml:14:3"
};

class Node {
 public:
  enum class Kind { kNull, kScalar, kSequence, kMap };
  struct Entry;

  Kind kind = Kind::kNull;
  std::string scalar;   // kScalar
  bool quoted = false;  // kScalar: "12" is text, 12 may be a number
  Mark mark;
  std::vector<Node> items;     // kSequence
  std::vector<Entry> entries;  // kMap, in the order written

  const Node* find(std::string_view key) const;  // null when absent or not a map
  Node& at_or_add(const std::string& key, const Mark& mark);
  std::vector<std::string> keys() const;

  // Plain scalars become null, true, false, integers and floats where they read as such (YAML 1.2 core schema).
  nlohmann::json to_json() const;
  static Node from_json(const nlohmann::json& value, const Mark& mark);

  // The node's kind for messages: "a map", "a list", "text", "nothing".
  const char* kind_name() const;
};

struct Node::Entry {
  std::string key;
  Mark key_mark;
  Node value;
};

// Throws Error(kUsage) with file:line:column for anything outside the language, duplicate keys included.
Node parse_recipe(std::string_view text, const std::string& file);
Node load_recipe(const fs::path& path);

// Sets the value at a dotted path, maps being made on the way: "optimizer.lr" "1e-3". The value is YAML
// ("[a, b]", "{x: 1}", "text").
void set_by_path(Node& root, std::string_view dotted, std::string_view value, const Mark& mark);

// Block-style YAML of a JSON value: what recipe.yaml in a run directory holds. parse_recipe reads it back.
std::string to_yaml(const nlohmann::json& value);

}  // namespace athanor
