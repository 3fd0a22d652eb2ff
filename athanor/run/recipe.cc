#include "athanor/run/recipe.h"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/parser.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr size_t kMaxDepth = 32;
constexpr uint64_t kMaxRecipeBytes = 4 << 20;

// Builds the tree from the parser's events, so that anchors and tags are seen and refused.
class TreeBuilder final : public YAML::EventHandler {
 public:
  explicit TreeBuilder(std::string file) : file_(std::move(file)) {}

  Node take() { return std::move(root_); }

  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnAlias(const YAML::Mark& mark, YAML::anchor_t) override { refuse(mark, "aliases (*name)"); }
  void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override {
    check(mark, "", anchor);
    begin(mark, Node::Kind::kNull);
    end();
  }
  void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                const std::string& value) override {
    check(mark, tag == "!" ? "" : tag, anchor);
    if (expects_key()) {
      add_key(mark, value);
      return;
    }
    Node& node = begin(mark, Node::Kind::kScalar);
    node.scalar = value;
    node.quoted = tag == "!";  // yaml-cpp gives quoted scalars the tag "!"
    end();
  }
  void OnSequenceStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                       YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    begin(mark, Node::Kind::kSequence);
  }
  void OnSequenceEnd() override { end(); }
  void OnMapStart(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  YAML::EmitterStyle::value) override {
    check(mark, tag, anchor);
    begin(mark, Node::Kind::kMap);
  }
  void OnMapEnd() override { end(); }

 private:
  Mark place(const YAML::Mark& mark) const { return {file_, mark.line + 1, mark.column + 1}; }

  [[noreturn]] void refuse(const YAML::Mark& mark, const std::string& what) const {
    throw Error(ErrorKind::kUsage, "recipes have no " + what, place(mark).text(), "write the value out");
  }

  void check(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor) const {
    if (anchor != 0) {
      refuse(mark, "anchors (&name)");
    }
    if (!tag.empty() && tag != "?") {
      refuse(mark, "tags (" + tag + ")");
    }
    if (stack_.size() > kMaxDepth) {
      throw Error(ErrorKind::kUsage, "the recipe is nested too deep", place(mark).text());
    }
  }

  bool expects_key() const {
    return !stack_.empty() && stack_.back()->kind == Node::Kind::kMap && !has_key_.back();
  }

  void add_key(const YAML::Mark& mark, const std::string& key) {
    Node& map = *stack_.back();
    if (map.find(key) != nullptr) {
      throw Error(ErrorKind::kUsage, "the key '" + key + "' stands here twice", place(mark).text());
    }
    map.entries.push_back({key, place(mark), {}});
    has_key_.back() = true;
  }

  Node& begin(const YAML::Mark& mark, Node::Kind kind) {
    if (expects_key()) {
      throw Error(ErrorKind::kUsage, "a key must be plain text", place(mark).text());
    }
    Node* node = &root_;
    if (!stack_.empty()) {
      Node& parent = *stack_.back();
      if (parent.kind == Node::Kind::kSequence) {
        node = &parent.items.emplace_back();
      } else {
        node = &parent.entries.back().value;
        has_key_.back() = false;
      }
    }
    node->kind = kind;
    node->mark = place(mark);
    stack_.push_back(node);
    has_key_.push_back(false);
    return *node;
  }

  void end() {
    stack_.pop_back();
    has_key_.pop_back();
  }

  std::string file_;
  Node root_;
  std::vector<Node*> stack_;
  std::vector<bool> has_key_;
};

nlohmann::json plain_scalar(const std::string& text) {
  if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") {
    return nullptr;
  }
  if (text == "true" || text == "True" || text == "TRUE") {
    return true;
  }
  if (text == "false" || text == "False" || text == "FALSE") {
    return false;
  }
  const char* end = text.data() + text.size();
  int64_t integer = 0;
  if (const auto [at, code] = std::from_chars(text.data(), end, integer); code == std::errc() && at == end) {
    return integer;
  }
  double number = 0;
  if (const auto [at, code] = std::from_chars(text.data(), end, number);
      code == std::errc() && at == end && std::isfinite(number)) {
    return number;
  }
  return text;
}

}  // namespace

std::string Mark::text() const {
  return line == 0 ? file : file + ":" + std::to_string(line) + ":" + std::to_string(column);
}

const Node* Node::find(std::string_view key) const {
  for (const auto& entry : entries) {
    if (entry.key == key) {
      return &entry.value;
    }
  }
  return nullptr;
}

Node& Node::at_or_add(const std::string& key, const Mark& place) {
  kind = Kind::kMap;
  for (auto& entry : entries) {
    if (entry.key == key) {
      return entry.value;
    }
  }
  entries.push_back({key, place, {}});
  entries.back().value.mark = place;
  return entries.back().value;
}

std::vector<std::string> Node::keys() const {
  std::vector<std::string> names;
  for (const auto& entry : entries) {
    names.push_back(entry.key);
  }
  return names;
}

nlohmann::json Node::to_json() const {
  switch (kind) {
    case Kind::kNull:
      return nullptr;
    case Kind::kScalar:
      return quoted ? nlohmann::json(scalar) : plain_scalar(scalar);
    case Kind::kSequence: {
      auto list = nlohmann::json::array();
      for (const auto& item : items) {
        list.push_back(item.to_json());
      }
      return list;
    }
    case Kind::kMap: {
      auto map = nlohmann::json::object();
      for (const auto& entry : entries) {
        map[entry.key] = entry.value.to_json();
      }
      return map;
    }
  }
  return nullptr;
}

Node Node::from_json(const nlohmann::json& value, const Mark& mark) {
  Node node;
  node.mark = mark;
  if (value.is_object()) {
    node.kind = Kind::kMap;
    for (const auto& [key, item] : value.items()) {
      node.entries.push_back({key, mark, from_json(item, mark)});
    }
  } else if (value.is_array()) {
    node.kind = Kind::kSequence;
    for (const auto& item : value) {
      node.items.push_back(from_json(item, mark));
    }
  } else if (!value.is_null()) {
    node.kind = Kind::kScalar;
    node.quoted = value.is_string();
    node.scalar = value.is_string() ? value.get<std::string>() : value.dump();
  }
  return node;
}

const char* Node::kind_name() const {
  switch (kind) {
    case Kind::kNull:
      return "nothing";
    case Kind::kScalar:
      return "a single value";
    case Kind::kSequence:
      return "a list";
    case Kind::kMap:
      return "a map";
  }
  return "";
}

Node parse_recipe(std::string_view text, const std::string& file) {
  if (text.find('\0') != std::string_view::npos) {
    throw Error(ErrorKind::kUsage, "holds a zero byte: not a text file", file);
  }
  if (!is_valid_utf8(text)) {
    const std::string_view before = text.substr(0, find_invalid_utf8(text));
    const auto line = static_cast<int>(std::count(before.begin(), before.end(), '\n')) + 1;
    throw Error(ErrorKind::kUsage, "not valid UTF-8", Mark{file, line, static_cast<int>(before.size() - (before.rfind('\n') + 1)) + 1}.text(),
                "save the recipe as UTF-8");
  }
  std::istringstream stream{std::string(text)};
  TreeBuilder builder(file);
  try {
    YAML::Parser parser(stream);
    parser.HandleNextDocument(builder);
    TreeBuilder second(file);
    if (parser.HandleNextDocument(second)) {
      throw Error(ErrorKind::kUsage, "holds more than one YAML document", file);
    }
  } catch (const YAML::Exception& error) {
    throw Error(ErrorKind::kUsage, "not valid YAML: " + error.msg,
                Mark{file, error.mark.line + 1, error.mark.column + 1}.text());
  }
  return builder.take();
}

Node load_recipe(const fs::path& path) { return parse_recipe(read_file(path, kMaxRecipeBytes), path.string()); }

void set_by_path(Node& root, std::string_view dotted, std::string_view value, const Mark& mark) {
  Node parsed;
  try {
    parsed = parse_recipe(value, mark.file);
  } catch (const Error&) {
    parsed.kind = Node::Kind::kScalar;  // text such as "npm:@a/b" or "Once upon a time: the end" needs no quotes here
    parsed.scalar = std::string(value);
    parsed.quoted = true;
  }
  Node* node = &root;
  for (const auto& part : split_text(dotted, '.')) {
    if (part.empty()) {
      throw Error(ErrorKind::kUsage, "the key '" + std::string(dotted) + "' has an empty part", mark.text());
    }
    if (node->kind == Node::Kind::kSequence || node->kind == Node::Kind::kScalar) {
      throw Error(ErrorKind::kUsage, "'" + std::string(dotted) + "' goes through " + node->kind_name(), mark.text());
    }
    node = &node->at_or_add(part, mark);
  }
  const auto place = [&](auto&& self, Node& at) -> void {
    at.mark = mark;
    for (auto& item : at.items) {
      self(self, item);
    }
    for (auto& entry : at.entries) {
      entry.key_mark = mark;
      self(self, entry.value);
    }
  };
  place(place, parsed);
  *node = std::move(parsed);
}

namespace {

// JSON's own escapes are a subset of YAML's double-quoted style; plain text that reads back as text stays bare.
std::string yaml_scalar(const nlohmann::json& value) {
  if (!value.is_string()) {
    return value.dump();
  }
  const auto& text = value.get_ref<const std::string&>();
  const bool plain = !text.empty() && text.size() < 200 &&
                     text.find_first_not_of("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./+") ==
                         std::string::npos &&
                     text[0] != '-' && plain_scalar(text).is_string();
  return plain ? text : value.dump();
}

void append_yaml(std::string& out, const nlohmann::json& value, size_t indent) {
  const std::string pad(indent, ' ');
  if (value.is_object()) {
    for (const auto& [key, item] : value.items()) {
      out += pad + yaml_scalar(key) + ":";
      if ((item.is_object() || item.is_array()) && !item.empty()) {
        out += "\n";
        append_yaml(out, item, indent + 2);
      } else {
        out += " " + (item.is_structured() ? item.dump() : yaml_scalar(item)) + "\n";
      }
    }
    return;
  }
  for (const auto& item : value) {
    if (item.is_structured() && !item.empty()) {
      std::string nested;
      append_yaml(nested, item, indent + 2);
      out += pad + "- " + nested.substr(indent + 2);
    } else {
      out += pad + "- " + (item.is_structured() ? item.dump() : yaml_scalar(item)) + "\n";
    }
  }
}

}  // namespace

std::string to_yaml(const nlohmann::json& value) {
  if (!value.is_structured() || value.empty()) {
    return value.dump() + "\n";
  }
  std::string out;
  append_yaml(out, value, 0);
  return out;
}

}  // namespace athanor
