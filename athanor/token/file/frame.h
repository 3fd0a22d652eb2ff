// The parts of a tokenizer.json that readers of foreign formats put together.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "athanor/token/file/json_field.h"
#include "athanor/token/file/tokenizer_config.h"

namespace athanor::token {

// All sections, null or empty.
Json empty_tokenizer();
Json bpe_model(const char* unk_token, bool byte_fallback, bool fuse_unk, bool ignore_merges);
Json byte_level(bool add_prefix_space, bool use_regex, bool trim_offsets);
// Split by each regex in turn, isolated, then bytes. No regex: ByteLevel with its own.
Json byte_level_splits(const std::vector<std::string>& regexes, bool add_prefix_space = false);
Json replace_regex(const std::string& regex, const std::string& content);
Json replace_string(const std::string& from, const std::string& content);
Json sequence(const char* member, Json parts);  // {"type": "Sequence", member: parts}
Json added_token(int32_t id, const std::string& content, bool special, bool normalized = false);

using TokenIds = std::vector<std::pair<std::string, int32_t>>;
// TemplateProcessing: the tokens before and after each sequence, both of type 0 (1 for the second of a pair).
Json template_json(const TokenIds& before, const TokenIds& after);

// Finds tokens in the model's vocabulary (an object, or Unigram's list) and among the added tokens.
class VocabularyView {
 public:
  explicit VocabularyView(const Json& tokenizer);
  std::optional<int32_t> find(const std::string& token) const;
  int32_t size() const { return size_; }  // largest id + 1
  // By id; empty where there is none. Model first, then added.
  std::vector<std::string> tokens() const;

 private:
  std::map<std::string, int32_t> list_;  // Unigram's
  std::map<std::string, int32_t> added_;
  const Json* vocab_ = nullptr;
  int32_t size_ = 0;
};

// added_tokens, while they are being put together.
class AddedTokens {
 public:
  explicit AddedTokens(const Json& tokenizer);
  // The vocabulary's id is taken where it has the token; the given one otherwise; else the next free one. A token
  // that is there already becomes special when this one is. Error(kInput) when ids contradict each other.
  void add(const TokenizerConfig::Added& token, const std::string& where);
  void store(Json& tokenizer) const;

 private:
  VocabularyView view_;
  std::map<int32_t, Json> by_id_;
  std::map<std::string, int32_t> ids_;
  int32_t next_ = 0;
};

}  // namespace athanor::token
