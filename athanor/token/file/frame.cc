#include "athanor/token/file/frame.h"

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor::token {

Json empty_tokenizer() {
  Json json = {{"version", "1.0"}, {"added_tokens", Json::array()}};
  for (const char* name : {"truncation", "padding", "normalizer", "pre_tokenizer", "post_processor", "decoder"}) {
    json[name] = nullptr;
  }
  return json;
}

Json bpe_model(const char* unk_token, bool byte_fallback, bool fuse_unk, bool ignore_merges) {
  Json model = {{"type", "BPE"},
                {"dropout", nullptr},
                {"unk_token", nullptr},
                {"continuing_subword_prefix", nullptr},
                {"end_of_word_suffix", nullptr},
                {"fuse_unk", fuse_unk},
                {"byte_fallback", byte_fallback},
                {"ignore_merges", ignore_merges},
                {"vocab", Json::object()},
                {"merges", Json::array()}};
  if (unk_token != nullptr) {
    model["unk_token"] = unk_token;
  }
  return model;
}

Json byte_level(bool add_prefix_space, bool use_regex, bool trim_offsets) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", add_prefix_space},
          {"trim_offsets", trim_offsets},
          {"use_regex", use_regex}};
}

Json byte_level_splits(const std::vector<std::string>& regexes, bool add_prefix_space) {
  if (regexes.empty()) {
    return byte_level(add_prefix_space, true, true);
  }
  Json parts = Json::array();
  for (const std::string& regex : regexes) {
    parts.push_back(
        {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}});
  }
  parts.push_back(byte_level(add_prefix_space, false, true));
  return sequence("pretokenizers", std::move(parts));
}

Json replace_regex(const std::string& regex, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{"Regex", regex}}}, {"content", content}};
}

Json replace_string(const std::string& from, const std::string& content) {
  return {{"type", "Replace"}, {"pattern", {{"String", from}}}, {"content", content}};
}

Json sequence(const char* member, Json parts) { return {{"type", "Sequence"}, {member, std::move(parts)}}; }

Json added_token(int32_t id, const std::string& content, bool special, bool normalized) {
  return {{"id", id},         {"content", content},      {"single_word", false}, {"lstrip", false},
          {"rstrip", false}, {"normalized", normalized}, {"special", special}};
}

namespace {

Json special_part(const std::string& token, int type_id) {
  return {{"SpecialToken", {{"id", token}, {"type_id", type_id}}}};
}

Json sequence_part(const char* name, int type_id) { return {{"Sequence", {{"id", name}, {"type_id", type_id}}}}; }

}  // namespace

Json template_json(const TokenIds& before, const TokenIds& after) {
  Json single = Json::array(), pair = Json::array(), special = Json::object();
  const auto side = [&](Json& out, const char* name, int type_id) {
    for (const auto& [token, id] : before) {
      out.push_back(special_part(token, type_id));
    }
    out.push_back(sequence_part(name, type_id));
    for (const auto& [token, id] : after) {
      out.push_back(special_part(token, type_id));
    }
  };
  side(single, "A", 0);
  side(pair, "A", 0);
  side(pair, "B", 1);
  for (const TokenIds* tokens : {&before, &after}) {
    for (const auto& [token, id] : *tokens) {
      special[token] = {{"id", token}, {"ids", Json::array({id})}, {"tokens", Json::array({token})}};
    }
  }
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", special}};
}

VocabularyView::VocabularyView(const Json& tokenizer) {
  const Json& vocab = tokenizer.at("model").at("vocab");
  if (vocab.is_object()) {
    vocab_ = &vocab;
    for (const auto& [token, id] : vocab.items()) {
      size_ = std::max(size_, id.get<int32_t>() + 1);
    }
  } else {
    for (const Json& item : vocab) {
      list_.emplace(item.at(0).get<std::string>(), size_++);
    }
  }
  for (const Json& added : tokenizer.at("added_tokens")) {
    const int32_t id = added.at("id").get<int32_t>();
    added_.emplace(added.at("content").get<std::string>(), id);
    size_ = std::max(size_, id + 1);
  }
}

std::optional<int32_t> VocabularyView::find(const std::string& token) const {
  if (vocab_ != nullptr) {
    if (const auto found = vocab_->find(token); found != vocab_->end()) {
      return found->get<int32_t>();
    }
  } else if (const auto found = list_.find(token); found != list_.end()) {
    return found->second;
  }
  const auto found = added_.find(token);
  return found == added_.end() ? std::nullopt : std::optional<int32_t>(found->second);
}

std::vector<std::string> VocabularyView::tokens() const {
  std::vector<std::string> out(static_cast<size_t>(size_));
  for (const auto& [token, id] : added_) {
    out[static_cast<size_t>(id)] = token;
  }
  for (const auto& [token, id] : list_) {
    out[static_cast<size_t>(id)] = token;
  }
  if (vocab_ != nullptr) {
    for (const auto& [token, id] : vocab_->items()) {
      out[id.get<size_t>()] = token;
    }
  }
  return out;
}

AddedTokens::AddedTokens(const Json& tokenizer) : view_(tokenizer), next_(view_.size()) {
  for (const Json& added : tokenizer.at("added_tokens")) {
    const int32_t id = added.at("id").get<int32_t>();
    by_id_[id] = added;
    ids_[added.at("content").get<std::string>()] = id;
  }
}

void AddedTokens::add(const TokenizerConfig::Added& token, const std::string& where) {
  if (const auto found = ids_.find(token.content); found != ids_.end()) {
    by_id_[found->second]["special"] = by_id_[found->second]["special"].get<bool>() || token.special;
    return;
  }
  const std::optional<int32_t> known = view_.find(token.content);
  const int32_t id = known ? *known : token.id.value_or(next_);
  if (known && token.id && *token.id != *known) {
    throw Error(ErrorKind::kInput, "the added token " + json_string(token.content) + " is given the id " +
                                       std::to_string(*token.id) + ", but the vocabulary has it as " +
                                       std::to_string(*known), where);
  }
  if (by_id_.contains(id) || (!known && id < view_.size() && token.id)) {
    throw Error(ErrorKind::kInput, "the added token " + json_string(token.content) + " is given the id " +
                                       std::to_string(id) + ", which is another token's", where);
  }
  next_ = std::max(next_, id + 1);
  Json json = added_token(id, token.content, token.special, token.normalized);
  json["lstrip"] = token.lstrip;
  json["rstrip"] = token.rstrip;
  json["single_word"] = token.single_word;
  by_id_[id] = std::move(json);
  ids_[token.content] = id;
}

void AddedTokens::store(Json& tokenizer) const {
  Json list = Json::array();
  for (const auto& [id, json] : by_id_) {
    list.push_back(json);
  }
  tokenizer["added_tokens"] = std::move(list);
}

}  // namespace athanor::token
