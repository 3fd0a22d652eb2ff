// A Jinja2 template as transformers' apply_chat_template runs it (jinja2 3.1.6's ImmutableSandboxedEnvironment with
// trim_blocks, lstrip_blocks, loopcontrols, the generation tag, tojson, raise_exception and strftime_now): parsed once,
// rendered many times, by any number of threads. It reads nothing but its arguments.
//
//   const chat::Template greeting = chat::Template::parse("{{ name | title }}!", "greeting");
//   greeting.render({{"name", chat::Json("ann")}}).text == "Ann!"
//
// What is refused, and the bounds: docs/chat-templates.md and limits.h. A wrong template, or one that fails or costs too
// much, is an Error(kInput) whose `where` is name:line:column.
#pragma once

#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/chat/limits.h"

namespace athanor::chat {

using Json = nlohmann::ordered_json;  // tools are printed in the order of their keys

struct Span {  // bytes [begin, end) of the text
  size_t begin = 0;
  size_t end = 0;
  bool operator==(const Span&) const = default;
};

// Spans are sorted, not empty and do not overlap.
struct Rendered {
  std::string text;  // UTF-8
  // What came from the caller's data, byte by byte: through slices, trim, replace, joins, case, tojson and the like. All
  // else was written by the template or is one of the tokenizer's own tokens. Numbers, true and none have no origin:
  // they count as the template's, as do the marks that tojson puts around data.
  std::vector<Span> data;
  // What {% generation %} blocks wrote, a span each; empty when the template has none.
  std::vector<Span> assistant;
};

struct Argument {
  std::string name;
  Json value;
  // The text of it, at any depth, is the caller's (Rendered::data). false: the tokenizer's, as bos_token is.
  bool is_data = true;
};

class Template {
 public:
  // name: for messages ("tokenizer_config.json"). Accepts invalid input only to refuse it: text that is not UTF-8, or
  // longer than limits.template_bytes.
  static Template parse(std::string_view source, const std::string& name, const Limits& limits = {});

  // now: what strftime_now() tells; without it a template that asks is an error.
  Rendered render(const std::vector<Argument>& arguments, const std::optional<std::tm>& now = std::nullopt) const;

  bool has_generation() const;  // {% generation %} is there
  const std::string& name() const;

  // Everything that a render needs, arguments already as values. For chat_template.cc.
  class Context;
  Rendered render(Context& context) const;

  Template(Template&&) noexcept;
  Template& operator=(Template&&) noexcept;
  ~Template();

 private:
  struct Impl;
  explicit Template(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor::chat
