// What a chat gives the model to go on from: the conversation through the model's own chat template, or, without one, each
// line as it stands.
//
//   ChatPrompt prompt(folder, tokenizer, "You are brief.");
//   auto ids = prompt.ask("What is an athanor?");
//   ... generate ...
//   prompt.answered(text);
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "athanor/token/chat/chat_template.h"
#include "athanor/token/tokenizer.h"

namespace athanor {

class ChatPrompt {
 public:
  // folder: the model's, with chat_template.jinja or a chat_template in tokenizer_config.json, or neither. tokenizer
  // outlives the object. system: the first message, "" for none; Error(kUsage) when there is no template for it.
  ChatPrompt(const fs::path& folder, const Tokenizer& tokenizer, const std::string& system);

  bool has_template() const { return template_.has_value(); }

  // The ids after which the answer to `line` follows. Special tokens that the line spells out are plain text. Error(kInput)
  // when the template refuses the conversation.
  std::vector<int32_t> ask(const std::string& line);
  // What was answered becomes part of the conversation.
  void answered(const std::string& text);

 private:
  const Tokenizer* tokenizer_;
  int32_t start_ = -1;
  std::optional<chat::ChatTemplate> template_;
  chat::Json messages_ = chat::Json::array();
};

// The ids that a model goes on from: those that transformers' tokenizer(text) gives, special tokens that the text spells out
// being plain text. So the post-processor decides what stands in front. Where it puts nothing, start does: the token that the
// model's documents began with in training (start_token); -1 puts nothing. An empty text begins where a document would.
// Error(kUsage) when there is no token at all.
std::vector<int32_t> continuation_ids(const Tokenizer& tokenizer, int32_t start, const std::string& text);

// bos_token_id of the folder's config.json, unless tokenizer_config.json says add_bos_token: false (Qwen's); -1: none.
int32_t start_token(const fs::path& folder);

}  // namespace athanor
