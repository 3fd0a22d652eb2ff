#include "athanor/token/chat/chat_template.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/token/chat/context.h"
#include "athanor/token/chat/py_text.h"

namespace athanor::chat {
namespace {

constexpr size_t kMaxConfigBytes = 64 << 20;
constexpr std::string_view kSpecialTokens[] = {"bos_token", "eos_token", "unk_token", "sep_token",
                                               "pad_token", "cls_token", "mask_token"};
constexpr std::string_view kContinue = "CONTINUE_FINAL_MESSAGE_TAG ";  // transformers' own
constexpr const char* kReasoning[] = {"reasoning_content", "thinking", "reasoning"};

[[noreturn]] void refuse(std::string what, std::string where, std::string hint = "") {
  throw Error(ErrorKind::kInput, std::move(what), std::move(where), std::move(hint));
}

Json parse_config(std::string_view text, const std::string& where) {
  if (text.size() > kMaxConfigBytes) {
    refuse("the file is larger than 64 MiB", where);
  }
  try {
    // Depth is checked as it is read: nlohmann's own parser does not recurse, but its destructor does.
    const auto shallow = [](int depth, Json::parse_event_t, Json&) {
      if (depth > 100) {
        throw Fail{"nested more than 100 levels deep"};
      }
      return true;
    };
    Json json = Json::parse(text, shallow);
    if (!json.is_object()) {
      refuse("a tokenizer_config.json is a JSON object", where);
    }
    return json;
  } catch (const nlohmann::json::exception& e) {
    refuse(std::string("not JSON: ") + e.what(), where);
  } catch (const Fail& fail) {
    refuse(fail.what, where);
  }
}

// A token as text, or as {"content": text, ...}; nothing when it is null.
std::optional<std::string> token_text(const Json& value, const std::string& field, const std::string& where) {
  const Json* text = &value;
  if (value.is_object()) {
    const auto content = value.find("content");
    text = content != value.end() ? &*content : text;
  }
  if (text->is_null()) {
    return std::nullopt;
  }
  if (!text->is_string()) {
    refuse("field '" + field + "' is no text", where);
  }
  return text->get<std::string>();
}

bool is_role_word(const std::string& role) {
  const auto plain = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
  };
  return !role.empty() && role.size() <= 64 && std::all_of(role.begin(), role.end(), plain);
}

Value convert_message(Template::Context& context, const Json& message, const std::string& where) {
  if (!message.is_object()) {
    refuse("a message is an object with role and content", where);
  }
  const Json* reasoning = nullptr;
  for (const char* name : kReasoning) {
    const auto found = message.find(name);
    if (reasoning == nullptr && found != message.end() && !found->is_null()) {
      reasoning = &*found;
    }
  }
  Dict* dict = make_dict(context.arena, message.size() + 2);
  const auto set = [&](std::string_view name, const Value& value) {
    set_item(context.arena, *dict, Value::of(make_str(context.arena, name, kData)), value);
  };
  Value shared;
  if (reasoning != nullptr) {
    shared = context.convert(*reasoning, kData, where);
    set("thinking", shared);
  }
  for (auto it = message.begin(); it != message.end(); ++it) {
    if (it.value().is_null()) {
      continue;
    }
    const bool role = it.key() == "role" && it.value().is_string() && is_role_word(it.value().get_ref<const std::string&>());
    context.check_text(it.key(), where);
    set(it.key(), context.convert(it.value(), role ? kTemplate : kData, where));
  }
  if (reasoning != nullptr) {
    set("reasoning_content", shared);
  }
  return Value::of(static_cast<const Dict*>(dict));
}

}  // namespace

ChatTemplate ChatTemplate::from_tokenizer_config(std::string_view text, const std::string& where,
                                                 const Limits& limits) {
  const Json json = parse_config(text, where);
  ChatTemplate chat;
  chat.limits_ = limits;
  for (const std::string_view name : kSpecialTokens) {
    const auto found = json.find(std::string(name));
    if (found == json.end()) {
      continue;
    }
    if (auto token = token_text(*found, std::string(name), where)) {
      chat.special_tokens_.emplace(name, std::move(*token));
    }
  }
  if (const auto extra = json.find("extra_special_tokens"); extra != json.end() && extra->is_object()) {
    for (auto it = extra->begin(); it != extra->end(); ++it) {
      if (auto token = token_text(it.value(), "extra_special_tokens." + it.key(), where)) {
        chat.special_tokens_.emplace(it.key(), std::move(*token));
      }
    }
  }
  const auto field = json.find("chat_template");
  if (field == json.end() || field->is_null()) {
    refuse("there is no chat_template", where, "give chat_template.jinja, or a model that has one");
  }
  const auto add = [&](const std::string& name, const Json& source, const std::string& place) {
    if (!source.is_string()) {
      refuse("field '" + place + "' is no text", where);
    }
    chat.templates_.insert_or_assign(
        name, Template::parse(source.get_ref<const std::string&>(), where + ":" + place, limits));
  };
  if (!field->is_array()) {
    add("default", *field, "chat_template");
    return chat;
  }
  for (size_t i = 0; i < field->size(); ++i) {
    const Json& item = (*field)[i];
    const std::string place = "chat_template[" + std::to_string(i) + "]";
    if (!item.is_object() || !item.contains("name") || !item["name"].is_string() || !item.contains("template")) {
      refuse("field '" + place + "' needs a name and a template", where);
    }
    add(item["name"].get<std::string>(), item["template"], place);
  }
  return chat;
}

ChatTemplate ChatTemplate::from_jinja(std::string_view source, const std::string& where,
                                      std::map<std::string, std::string> special_tokens, const Limits& limits) {
  ChatTemplate chat;
  chat.limits_ = limits;
  chat.special_tokens_ = std::move(special_tokens);
  chat.templates_.emplace("default", Template::parse(source, where, limits));
  return chat;
}

std::vector<std::string> ChatTemplate::names() const {
  std::vector<std::string> names;
  for (const auto& [name, text] : templates_) {
    names.push_back(name);
  }
  return names;
}

const Template& ChatTemplate::choose(const Request& request) const {
  const bool tools = request.tools != nullptr && !request.tools->is_null();
  std::string name = request.template_name;
  if (name.empty()) {
    name = tools && templates_.contains("tool_use") ? "tool_use" : "default";
  }
  const auto found = templates_.find(name);
  if (found == templates_.end()) {
    std::string all;
    for (const auto& [other, text] : templates_) {
      all += (all.empty() ? "" : ", ") + other;
    }
    refuse("the model has no chat template named '" + name.substr(0, 60) + "'", "", "it has " + all);
  }
  return found->second;
}

Rendered ChatTemplate::render_messages(const Request& request, size_t num_messages, bool add_generation_prompt) const {
  Template::Context context(limits_);
  try {
    fill(context, request, num_messages, add_generation_prompt);
  } catch (const Fail& fail) {
    refuse(fail.what, "messages", fail.hint);
  }
  return choose(request).render(context);
}

void ChatTemplate::fill(Template::Context& context, const Request& request, size_t num_messages,
                        bool add_generation_prompt) const {
  context.now = request.now;
  const auto optional = [&](const Json* json, const char* name) {
    return json == nullptr ? Value::none() : context.convert(*json, kData, name);
  };
  auto* items = context.arena.array<Value>(num_messages);
  for (size_t i = 0; i < num_messages; ++i) {
    items[i] = convert_message(context, request.messages[i], "messages[" + std::to_string(i) + "]");
  }
  for (const auto& [name, token] : special_tokens_) {
    context.set(name, Value::of(make_str(context.arena, token, kTemplate)));
  }
  context.set("messages", Value::of(Kind::kList, context.arena.make<List>(
                                                     List{items, static_cast<uint32_t>(num_messages)})));
  context.set("tools", optional(request.tools, "tools"));
  context.set("documents", optional(request.documents, "documents"));
  context.set("add_generation_prompt", Value::of(add_generation_prompt));
  if (request.arguments != nullptr && !request.arguments->is_null()) {
    if (!request.arguments->is_object()) {
      refuse("the arguments of a template are an object", "arguments");
    }
    for (auto it = request.arguments->begin(); it != request.arguments->end(); ++it) {
      context.set(it.key(), context.convert(it.value(), kData, it.key()));
    }
  }
}

namespace {

std::string_view stripped(std::string_view text) {
  text = text.substr(0, py_rstrip_size(text));
  return text.substr(py_lstrip_size(text));
}

// Puts kContinue behind the content of the last message, or behind its last text; returns what that was.
std::string mark_final_message(Json& messages) {
  const std::string where = "messages[" + std::to_string(messages.size() - 1) + "]";
  Json& last = messages.back();
  const auto content = last.is_object() ? last.find("content") : last.end();
  if (!last.is_object() || content == last.end() || content->is_null()) {
    refuse("there is no content to continue in the final message", where);
  }
  Json* text = content->is_string() ? &*content : nullptr;
  for (size_t i = content->is_array() ? content->size() : 0; i-- > 0 && text == nullptr;) {
    Json& block = (*content)[i];
    text = block.is_object() && block.contains("text") ? &block["text"] : nullptr;
  }
  if (text == nullptr || !text->is_string()) {
    refuse("there is no text to continue in the final message", where);
  }
  const std::string before = text->get<std::string>();
  *text = before + std::string(kContinue);
  return before;
}

void clip(std::vector<Span>& spans, size_t end) {
  std::erase_if(spans, [end](const Span& span) { return span.begin >= end; });
  if (!spans.empty() && spans.back().end > end) {
    spans.back().end = end;
  }
}

// Cuts what was rendered of a marked conversation where the final message ends.
void cut_at_mark(const std::string& final_message, Rendered& rendered) {
  std::string& text = rendered.text;
  const size_t at = text.rfind(stripped(kContinue));
  if (at == std::string::npos || text.find(stripped(final_message)) == std::string::npos) {
    refuse("the final message does not stand in the text as it is, so it cannot be continued", "messages",
           "the template leaves out or changes parts of it");
  }
  const bool spacing_kept = std::string_view(text).substr(at).starts_with(kContinue);
  text.resize(at);
  text.resize(spacing_kept ? at : py_rstrip_size(text));
  clip(rendered.data, text.size());
  clip(rendered.assistant, text.size());
}

}  // namespace

Rendered ChatTemplate::render(const Request& request) const {
  if (!request.messages.is_array() || request.messages.empty()) {
    refuse("a conversation is a list of at least one message", "messages");
  }
  if (request.tools != nullptr && !request.tools->is_null() && !request.tools->is_array()) {
    refuse("tools are a list of JSON schemas", "tools");
  }
  if (!request.continue_final_message) {
    return render_messages(request, request.messages.size(), request.add_generation_prompt);
  }
  if (request.add_generation_prompt) {
    refuse("a final message to continue and a generation prompt exclude each other", "messages");
  }
  Json marked = request.messages;
  const std::string final_message = mark_final_message(marked);
  const Request tagged{.messages = marked,
                       .tools = request.tools,
                       .documents = request.documents,
                       .arguments = request.arguments,
                       .template_name = request.template_name,
                       .now = request.now};
  Rendered rendered = render_messages(tagged, marked.size(), false);
  cut_at_mark(final_message, rendered);
  return rendered;
}

Rendered ChatTemplate::render_for_training(const Request& request) const {
  Rendered whole = render(request);
  if (choose(request).has_generation()) {
    return whole;
  }
  for (size_t i = 0; i < request.messages.size(); ++i) {
    const auto role = request.messages[i].find("role");
    if (role == request.messages[i].end() || *role != "assistant") {
      continue;
    }
    const std::string where = "messages[" + std::to_string(i) + "]";
    const std::string before = render_messages(request, i, true).text;
    const std::string through = render_messages(request, i + 1, false).text;
    if (!through.starts_with(before) || !whole.text.starts_with(through)) {
      refuse("which text the assistant wrote cannot be told: the template does not write a longer conversation as an "
             "extension of a shorter one", where,
             "use a template with {% generation %}, or train on the last reply only");
    }
    if (through.size() > before.size()) {
      whole.assistant.push_back({before.size(), through.size()});
    }
  }
  return whole;
}

}  // namespace athanor::chat
