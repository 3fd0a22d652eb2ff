// The chat template of a model: conversations to text, as transformers' apply_chat_template(tokenize=False) writes them
// (version 5.23: keys whose value is null are dropped from messages, and reasoning, thinking and reasoning_content fill
// in for one another).
//
//   const auto chat = chat::ChatTemplate::from_tokenizer_config(read_file("tokenizer_config.json"), "tokenizer_config.json");
//   const auto messages = chat::Json::parse(R"([{"role": "user", "content": "Hi"}])");
//   chat::Rendered prompt = chat.render({.messages = messages, .add_generation_prompt = true});
//   // prompt.text: "<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n"; prompt.data: where "Hi" stands
//
// Special tokens in what a user wrote are text: an encoder looks for special tokens only where the template wrote, that
// is, it takes none that begins, ends or lies inside a span of Rendered::data.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/chat/template.h"

namespace athanor::chat {

struct Request {
  const Json& messages;              // a list of objects, not empty
  const Json* tools = nullptr;       // a list of JSON schemas; none when null
  const Json* documents = nullptr;   // a list of objects; none when null
  const Json* arguments = nullptr;   // an object: more variables (enable_thinking, ...)
  bool add_generation_prompt = false;
  bool continue_final_message = false;  // the text ends where the last message's content ends, for a model to go on
  std::string template_name = {};    // "": tool_use when there are tools and it exists, else default
  std::optional<std::tm> now = {};   // for strftime_now()
};

class ChatTemplate {
 public:
  // Reads chat_template (text, or a list of {name, template}) and the special tokens. where: the file, for messages.
  // Error(kInput) when there is no chat_template, or when one is wrong.
  static ChatTemplate from_tokenizer_config(std::string_view json, const std::string& where,
                                            const Limits& limits = {});
  // The text of a chat_template.jinja. special_tokens: {"bos_token": "<s>", ...}, variables of the template.
  static ChatTemplate from_jinja(std::string_view source, const std::string& where,
                                 std::map<std::string, std::string> special_tokens = {}, const Limits& limits = {});

  // Error(kInput) when the template refuses the conversation, is wrong, or costs more than the limits.
  //
  // Of a message, `role` is the application's word, not the user's: as long as it is made of letters, digits, _ and -,
  // it counts as the template's (some write '<|' + role + '|>'). All other text of the request is data.
  Rendered render(const Request& request) const;

  // render(), with `assistant` filled also for templates without {% generation %}: the part by which message i extends
  // the text, from after its generation prompt to the end of what it wrote (so with its end-of-turn token). That needs a
  // template that only ever appends: render(messages[0..i), generation prompt) must begin render(messages[0..i]), and
  // that must begin the whole. Where it does not (templates that drop earlier reasoning, say) this is an Error(kInput),
  // never a guess. Renders the conversation twice per assistant message.
  Rendered render_for_training(const Request& request) const;

  bool has_generation(const Request& request) const { return choose(request).has_generation(); }
  std::vector<std::string> names() const;
  const std::map<std::string, std::string>& special_tokens() const { return special_tokens_; }

 private:
  ChatTemplate() = default;
  const Template& choose(const Request& request) const;
  Rendered render_messages(const Request& request, size_t num_messages, bool add_generation_prompt) const;
  void fill(Template::Context& context, const Request& request, size_t num_messages, bool add_generation_prompt) const;

  Limits limits_;
  std::map<std::string, Template> templates_;
  std::map<std::string, std::string> special_tokens_;
};

}  // namespace athanor::chat
