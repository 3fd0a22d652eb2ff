// What stands beside a tokenizer in a Hugging Face folder: tokenizer_config.json, special_tokens_map.json,
// added_tokens.json. Who wants the chat template or the names of the special tokens reads it from here.
//
//   const TokenizerConfig config = TokenizerConfig::load("models/qwen3");
//   config.eos_token   // "<|im_end|>"
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/token/file/json_field.h"

namespace athanor::token {

struct TokenizerConfig {
  struct Added {
    std::optional<int32_t> id;  // none: the next free one
    std::string content;
    bool special = true, lstrip = false, rstrip = false, single_word = false, normalized = false;
  };

  std::string tokenizer_class;  // "Qwen2Tokenizer"
  // Named tokens; empty: none.
  std::string bos_token, eos_token, unk_token, pad_token, sep_token, cls_token, mask_token;
  std::vector<std::string> extra_special_tokens;  // additional_special_tokens
  std::vector<Added> added;                       // added_tokens_decoder, added_tokens.json; by id
  std::optional<bool> add_bos_token, add_eos_token, add_prefix_space, legacy;
  std::optional<bool> do_lower_case, strip_accents, tokenize_chinese_chars;  // BERT
  std::string chat_template;                              // the default one; empty: none
  std::map<std::string, std::string> chat_templates;      // all by name, "default" included
  std::optional<int64_t> model_max_length;                // none when unlimited (HF writes 1e30)
  bool found = false;                                     // whether any of the files was there

  // From the files in the folder; missing ones are no error. chat_template.jinja goes before the config's own.
  static TokenizerConfig load(const fs::path& folder);
  // Adds what a file's text says. kind: its name ("tokenizer_config.json", ...).
  void read(const std::string& kind, std::string_view text, const std::string& where);
};

// Puts the config's added tokens and its special tokens into a converted tokenizer's Json, as transformers does when
// it loads a slow tokenizer: added tokens keep their ids, named special tokens become special added tokens when the
// vocabulary has them or get the next id; add_bos_token and add_eos_token become the post_processor.
void apply_config(const TokenizerConfig& config, Json& tokenizer, const std::string& where);

}  // namespace athanor::token
