// The arguments of one render, as values.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "athanor/token/chat/template.h"
#include "athanor/token/chat/value.h"

namespace athanor::chat {

class Template::Context {
 public:
  explicit Context(const Limits& limits) : arena(limits.memory_bytes) {}

  // Text is not copied: json must outlive the context. Error(kInput) naming `where` for text that is not UTF-8, numbers
  // beyond 64 bits, and nesting beyond 100.
  Value convert(const Json& json, uint8_t mark, const std::string& where);
  static void check_text(std::string_view text, const std::string& where);  // valid UTF-8, or Error
  void set(std::string_view name, const Value& value) { values.emplace_back(name, value); }

  Arena arena;
  std::vector<std::pair<std::string_view, Value>> values;  // a later one wins
  std::optional<std::tm> now;

 private:
  Value convert(const Json& json, uint8_t mark, const std::string& where, int depth);
};

}  // namespace athanor::chat
