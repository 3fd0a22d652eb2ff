#include "athanor/token/chat/template.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/chat/context.h"
#include "athanor/token/chat/interp.h"
#include "athanor/token/chat/parser.h"

namespace athanor::chat {
namespace {

constexpr int kMaxJsonDepth = 100;

std::string place_of(const std::string& name, std::string_view source, size_t at) {
  at = std::min(at, source.size());
  const std::string_view before = source.substr(0, at);
  const auto line = 1 + std::count(before.begin(), before.end(), '\n');
  const size_t begin = before.rfind('\n') + 1;  // npos + 1 is 0
  return name + ":" + std::to_string(line) + ":" + std::to_string(1 + count_code_points(before.substr(begin)));
}

Rendered collect(Out& out) {
  Rendered rendered;
  uint8_t reply = 0;
  for (size_t at = 0; at < out.size();) {
    const size_t end = out.run_end(at);
    const uint8_t mark = out.mark_at(at);
    if ((mark & kData) != 0) {
      const bool joins = !rendered.data.empty() && rendered.data.back().end == at;
      joins ? void(rendered.data.back().end = end) : rendered.data.push_back({at, end});
    }
    const auto now = static_cast<uint8_t>(mark & (kReplyEven | kReplyOdd));
    if (now != 0) {
      const bool joins = !rendered.assistant.empty() && rendered.assistant.back().end == at && now == reply;
      joins ? void(rendered.assistant.back().end = end) : rendered.assistant.push_back({at, end});
    }
    reply = now;
    at = end;
  }
  rendered.text = out.take_text();
  return rendered;
}

}  // namespace

struct Template::Impl {
  Impl(std::string name_of, const Limits& limits_of)
      : name(std::move(name_of)), limits(limits_of), ast(limits_of.memory_bytes) {}

  std::string name;
  Limits limits;
  Ast ast;
};

Template::Template(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Template::Template(Template&&) noexcept = default;
Template& Template::operator=(Template&&) noexcept = default;
Template::~Template() = default;

bool Template::has_generation() const { return impl_->ast.has_generation; }
const std::string& Template::name() const { return impl_->name; }

Template Template::parse(std::string_view source, const std::string& name, const Limits& limits) {
  if (source.size() > limits.template_bytes) {
    throw Error(ErrorKind::kInput,
                "the chat template has " + std::to_string(source.size()) + " bytes; at most " +
                    std::to_string(limits.template_bytes) + " are read",
                name, "raise limits.template_bytes if it is to be trusted");
  }
  if (!is_valid_utf8(source)) {
    throw Error(ErrorKind::kInput, "the chat template is not valid UTF-8 at byte " +
                                       std::to_string(find_invalid_utf8(source)), name);
  }
  auto impl = std::make_unique<Impl>(name, limits);
  Ast& ast = impl->ast;
  ast.source = normalise_source(source);
  try {
    Parser(ast, impl->limits).run();
  } catch (const LexFail& fail) {
    throw Error(ErrorKind::kInput, "the chat template: " + fail.what, place_of(name, ast.source, fail.at),
                "correct the template");
  } catch (const Fail& fail) {
    throw Error(ErrorKind::kInput, "the chat template: " + fail.what, name, fail.hint);
  }
  return Template(std::move(impl));
}

Rendered Template::render(Context& context) const {
  const Ast& ast = impl_->ast;
  std::vector<Value> values(ast.names.size());
  for (const auto& [name, value] : context.values) {
    if (const auto id = ast.name_ids.find(name); id != ast.name_ids.end()) {
      values[id->second] = value;
    }
  }
  Interp interp(ast, impl_->limits, std::move(values), context.now, context.arena);
  try {
    interp.run();
  } catch (const Fail& fail) {
    throw Error(ErrorKind::kInput, fail.what, place_of(impl_->name, ast.source, interp.at()), fail.hint);
  }
  return collect(interp.out());
}

Rendered Template::render(const std::vector<Argument>& arguments, const std::optional<std::tm>& now) const {
  Context context(impl_->limits);
  context.now = now;
  for (const Argument& argument : arguments) {
    context.set(argument.name,
                context.convert(argument.value, argument.is_data ? kData : kTemplate, argument.name));
  }
  return render(context);
}

void Template::Context::check_text(std::string_view text, const std::string& where) {
  if (!is_valid_utf8(text)) {
    throw Error(ErrorKind::kInput, "text that is not valid UTF-8, at its byte " + std::to_string(find_invalid_utf8(text)),
                where, "clean the text first");
  }
}

Value Template::Context::convert(const Json& json, uint8_t mark, const std::string& where) {
  try {
    return convert(json, mark, where, 0);
  } catch (const Fail& fail) {
    throw Error(ErrorKind::kInput, fail.what, where, fail.hint);
  }
}

Value Template::Context::convert(const Json& json, uint8_t mark, const std::string& where, int depth) {
  const auto text = [&](const std::string& string) {
    check_text(string, where);
    return Value::of(make_str(arena, string, mark));
  };
  if (depth > kMaxJsonDepth) {
    throw Error(ErrorKind::kInput, "data nested more than " + std::to_string(kMaxJsonDepth) + " levels deep", where);
  }
  switch (json.type()) {
    case Json::value_t::null:
      return Value::none();
    case Json::value_t::boolean:
      return Value::of(json.get<bool>());
    case Json::value_t::number_integer:
      return Value::of(json.get<int64_t>());
    case Json::value_t::number_unsigned:
      if (json.get<uint64_t>() > static_cast<uint64_t>(INT64_MAX)) {
        throw Error(ErrorKind::kInput, "an integer beyond 64 bits", where, "write it as a string");
      }
      return Value::of(json.get<int64_t>());
    case Json::value_t::number_float:
      return Value::of(json.get<double>());
    case Json::value_t::string:
      return text(json.get_ref<const std::string&>());
    case Json::value_t::array: {
      auto* items = arena.array<Value>(json.size());
      uint32_t size = 0;
      for (const Json& item : json) {
        items[size++] = convert(item, mark, where, depth + 1);
      }
      return Value::of(Kind::kList, arena.make<List>(List{items, size}));
    }
    case Json::value_t::object: {
      Dict* dict = make_dict(arena, json.size());
      for (auto it = json.begin(); it != json.end(); ++it) {
        set_item(arena, *dict, text(it.key()), convert(it.value(), mark, where, depth + 1));
      }
      return Value::of(static_cast<const Dict*>(dict));
    }
    default:
      throw Error(ErrorKind::kInput, "binary data in JSON", where);
  }
}

}  // namespace athanor::chat
