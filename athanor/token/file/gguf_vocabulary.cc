// The vocabulary in a GGUF file -> tokenizer.json. Keys: ggml-org/ggml, docs/gguf.md; what they mean to llama.cpp.
#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/base/unicode.h"
#include "athanor/data/gguf.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/sentencepiece_model.h"
#include "athanor/token/file/splits.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

constexpr const char* kSpace = "\xE2\x96\x81";  // U+2581
constexpr const char* kTokens = "tokenizer.ggml.tokens";
constexpr const char* kTypes = "tokenizer.ggml.token_type";
constexpr const char* kScores = "tokenizer.ggml.scores";
constexpr size_t kT5Extra = 100;  // <extra_id_0> to <extra_id_99>

[[noreturn]] void fail(const GgufFile& file, const std::string& field, const std::string& what) {
  throw Error(ErrorKind::kInput, "field '" + field + "' " + what, file.where());
}

std::vector<std::string> read_tokens(const GgufFile& file) {
  const std::vector<std::string_view>* const list = file.strings(kTokens);
  if (list == nullptr || list->empty() || list->size() > static_cast<size_t>(kMaxVocabulary)) {
    fail(file, kTokens, list == nullptr ? "is missing: the file holds no vocabulary"
                                        : "has " + std::to_string(list->size()) + " tokens");
  }
  std::vector<std::string> tokens;
  tokens.reserve(list->size());
  for (const std::string_view token : *list) {
    if (!is_valid_utf8(token)) {
      fail(file, std::string(kTokens) + "[" + std::to_string(tokens.size()) + "]", "is not UTF-8");
    }
    tokens.emplace_back(token);
  }
  return tokens;
}

std::vector<PieceType> read_types(const GgufFile& file, size_t count) {
  std::vector<PieceType> types(count, PieceType::kNormal);
  const GgufValue* const list = file.find(kTypes);
  if (list == nullptr) {
    return types;
  }
  if (!list->is_integer_array() || list->count != count) {
    fail(file, kTypes, "must be a list of " + std::to_string(count) + " integers");
  }
  for (size_t i = 0; i < count; ++i) {
    const int64_t type = list->integer(i);
    if (type < 0 || type > 6) {
      fail(file, std::string(kTypes) + "[" + std::to_string(i) + "]", "is " + std::to_string(type) + ", not 1 to 6");
    }
    types[i] = type == 0 ? PieceType::kNormal : static_cast<PieceType>(type);
  }
  return types;
}

std::vector<float> read_scores(const GgufFile& file, size_t count) {
  const GgufValue* const list = file.find(kScores);
  if (list == nullptr || list->type != GgufType::kArray || list->item_type != GgufType::kFloat32 ||
      list->count != count) {
    fail(file, kScores, "must be a list of " + std::to_string(count) + " float32");
  }
  std::vector<float> scores(count);
  for (size_t i = 0; i < count; ++i) {
    scores[i] = static_cast<float>(list->number(i));
    if (!std::isfinite(scores[i])) {
      fail(file, std::string(kScores) + "[" + std::to_string(i) + "]", "is not a finite number");
    }
  }
  return scores;
}

Json vocab_of(const GgufFile& file, const std::vector<std::string>& tokens) {
  Json vocab = Json::object();
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (!vocab.emplace(tokens[id], id).second) {
      fail(file, std::string(kTokens) + "[" + std::to_string(id) + "]",
           "is " + json_string(tokens[id]) + ", which stands there twice");
    }
  }
  return vocab;
}

Json merges_of(const GgufFile& file) {
  const std::vector<std::string_view>* const list = file.strings("tokenizer.ggml.merges");
  if (list == nullptr) {
    fail(file, "tokenizer.ggml.merges", "is missing");
  }
  Json::array_t merges;
  merges.reserve(list->size());
  for (const std::string_view merge : *list) {
    const size_t space = merge.find(' ', 1);  // the left part may be a space itself
    if (space == std::string_view::npos || !is_valid_utf8(merge)) {
      fail(file, "tokenizer.ggml.merges[" + std::to_string(merges.size()) + "]", "is not two tokens");
    }
    if (merge.find(' ') == space && merge.find(' ', space + 1) == std::string_view::npos) {
      merges.emplace_back(std::string(merge));
    } else {
      merges.emplace_back(Json::array({std::string(merge.substr(0, space)), std::string(merge.substr(space + 1))}));
    }
  }
  return Json(std::move(merges));
}

void add_tokens(const std::vector<std::string>& tokens, const std::vector<PieceType>& types, Json& json) {
  for (size_t id = 0; id < tokens.size(); ++id) {
    const bool control = types[id] == PieceType::kControl;
    if ((control || types[id] == PieceType::kUserDefined) && !tokens[id].empty()) {
      json["added_tokens"].push_back(added_token(static_cast<int32_t>(id), tokens[id], control));
    }
  }
}

Json read_byte_level(const GgufFile& file) {
  const std::vector<std::string> tokens = read_tokens(file);
  const std::string pre = file.text("tokenizer.ggml.pre");
  const SplitFamily* const splits =
      split_family_by_pre(pre.empty() || pre == "default" ? std::string("gpt-2") : pre);
  if (splits == nullptr) {
    std::vector<std::string> names;
    for (const SplitFamily& family : split_families()) {
      names.insert(names.end(), family.pre_names.begin(), family.pre_names.end());
    }
    throw Error(ErrorKind::kInput, "field 'tokenizer.ggml.pre' is " + json_string(pre) + ", which is not supported",
                file.where(), "supported: " + join_text(names, ", "));
  }
  Json json = empty_tokenizer();
  if (splits->normalizer != nullptr) {
    json["normalizer"] = {{"type", splits->normalizer}};
  }
  json["pre_tokenizer"] = byte_level_splits(splits->regexes);
  json["decoder"] = byte_level(false, true, true);
  json["post_processor"] = byte_level(true, true, false);
  json["model"] = bpe_model(nullptr, false, false, splits->ignore_merges);
  json["model"]["vocab"] = vocab_of(file, tokens);
  json["model"]["merges"] = merges_of(file);
  add_tokens(tokens, read_types(file, tokens.size()), json);
  return json;
}

// llama.cpp writes BERT's "##ing" as "ing" and "word" as U+2581 "word"; [CLS] and its like stay as they are.
Json read_bert(const GgufFile& file) {
  std::vector<std::string> tokens = read_tokens(file);
  const std::vector<PieceType> types = read_types(file, tokens.size());
  std::string text;
  for (size_t id = 0; id < tokens.size(); ++id) {
    std::string& token = tokens[id];
    const bool bracketed = token.starts_with('[') && token.ends_with(']') && token.size() > 1;
    if (types[id] == PieceType::kNormal && !bracketed) {
      token = token.starts_with(kSpace) && token.size() > 3 ? token.substr(3) : "##" + token;
    }
    if (token.find_first_of("\r\n") != std::string::npos) {
      fail(file, std::string(kTokens) + "[" + std::to_string(id) + "]", "has a line break");
    }
    text += token + "\n";
  }
  TokenizerConfig config = gguf_config(file);
  config.do_lower_case = file.boolean("tokenizer.ggml.normalizer.lowercase").value_or(true);
  const std::optional<bool> strip = file.boolean("tokenizer.ggml.normalizer.strip_accents");
  if (strip && *strip != *config.do_lower_case) {  // otherwise it follows lowercase, as HF's null does
    config.strip_accents = *strip;
  }
  return read_vocab_txt(text, config, file.where());
}

// T5's blanks are <extra_id_99> to <extra_id_0>; converters leave them out and fill up with [PAD32000] and so on.
void name_t5_blanks(SentencePieceModel& model) {
  size_t next = 0;
  for (SentencePieceModel::Piece& piece : model.pieces) {
    if (next < kT5Extra && piece.type == PieceType::kUnused && piece.text.starts_with("[PAD")) {
      piece.text = "<extra_id_" + std::to_string(kT5Extra - ++next) + ">";
      piece.type = PieceType::kControl;
    }
  }
}

// Which scores order the merges: the file's, or the ids where the file gives every piece the same.
void check_scores(SentencePieceModel& model) {
  std::optional<float> first;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    if (piece.type == PieceType::kNormal && first && *first != piece.score) {
      return;
    }
    first = piece.type == PieceType::kNormal ? piece.score : first;
  }
  for (size_t id = 0; id < model.pieces.size(); ++id) {
    model.pieces[id].score = -static_cast<float>(id);
  }
}

std::string read_charsmap(const GgufFile& file) {
  std::string bytes;
  if (const GgufValue* const list = file.find("tokenizer.ggml.precompiled_charsmap")) {
    if (!list->is_integer_array()) {
      fail(file, "tokenizer.ggml.precompiled_charsmap", "must be a list of bytes");
    }
    for (uint64_t i = 0; i < list->count; ++i) {
      bytes += static_cast<char>(list->integer(i));
    }
  }
  return bytes;
}

// Gemma's runs of spaces are user-defined tokens, which converters write with real spaces.
std::string spelt(const std::string& token) {
  std::string text;
  if (token.find_first_not_of(' ') != std::string::npos) {
    return token;
  }
  for (size_t i = 0; i < token.size(); ++i) {
    text += kSpace;
  }
  return text;
}

Json read_pieces(const GgufFile& file, SentencePieceModel::Kind kind) {
  const std::vector<std::string> tokens = read_tokens(file);
  const std::vector<PieceType> types = read_types(file, tokens.size());
  const bool merges = kind == SentencePieceModel::Kind::kBpe && file.find("tokenizer.ggml.merges") != nullptr;
  const std::vector<float> scores =
      merges && file.find(kScores) == nullptr ? std::vector<float>(tokens.size()) : read_scores(file, tokens.size());
  SentencePieceModel model;
  model.kind = kind;
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty()) {
      fail(file, std::string(kTokens) + "[" + std::to_string(id) + "]", "is empty");
    }
    model.byte_fallback = model.byte_fallback || types[id] == PieceType::kByte;
    model.pieces.push_back({spelt(tokens[id]), scores[id], types[id]});
  }
  const int64_t unknown = file.integer("tokenizer.ggml.unknown_token_id").value_or(0);
  if (model.id_of_type(PieceType::kUnknown) < 0) {
    if (unknown < 0 || unknown >= static_cast<int64_t>(tokens.size())) {
      fail(file, "tokenizer.ggml.unknown_token_id", "is " + std::to_string(unknown) + ", which is no token");
    }
    model.pieces[static_cast<size_t>(unknown)].type = PieceType::kUnknown;
  }
  model.charsmap = read_charsmap(file);
  model.add_dummy_prefix = file.boolean("tokenizer.ggml.add_space_prefix").value_or(true);
  model.remove_extra_whitespaces = file.boolean("tokenizer.ggml.remove_extra_whitespaces").value_or(false);
  if (kind == SentencePieceModel::Kind::kUnigram) {
    name_t5_blanks(model);
  } else {
    check_scores(model);
  }
  std::vector<std::string> texts;
  for (const SentencePieceModel::Piece& piece : model.pieces) {
    texts.push_back(piece.text);
  }
  vocab_of(file, texts);  // none twice
  Json json = sentencepiece_json(model, file.where());
  if (merges) {
    json["model"]["merges"] = merges_of(file);
  }
  return json;
}

}  // namespace

TokenizerConfig gguf_config(const GgufFile& file) {
  TokenizerConfig config;
  config.found = true;
  const std::vector<std::string_view>* const tokens = file.strings(kTokens);
  const std::string model = file.text("tokenizer.ggml.model");
  const SplitFamily* const splits = split_family_by_pre(file.text("tokenizer.ggml.pre"));
  const std::pair<const char*, std::string TokenizerConfig::*> named[] = {
      {"bos", &TokenizerConfig::bos_token},           {"eos", &TokenizerConfig::eos_token},
      {"unknown", &TokenizerConfig::unk_token},       {"padding", &TokenizerConfig::pad_token},
      {"seperator", &TokenizerConfig::sep_token},     {"cls", &TokenizerConfig::cls_token},
      {"mask", &TokenizerConfig::mask_token}};
  for (const auto& [name, member] : named) {
    const std::string key = std::string("tokenizer.ggml.") + name + "_token_id";
    const std::optional<int64_t> id = file.integer(key);
    if (!id || tokens == nullptr) {
      continue;
    }
    if (*id < 0 || *id >= static_cast<int64_t>(tokens->size())) {
      fail(file, key, "is " + std::to_string(*id) + ", which is no token");
    }
    config.*member = std::string((*tokens)[static_cast<size_t>(*id)]);
  }
  config.add_bos_token = file.boolean("tokenizer.ggml.add_bos_token");
  config.add_eos_token = file.boolean("tokenizer.ggml.add_eos_token");
  if (!config.add_bos_token && !config.bos_token.empty()) {  // llama.cpp's defaults
    config.add_bos_token = model == "llama" || (splits != nullptr && splits->ignore_merges);
  }
  if (!config.add_eos_token && !config.eos_token.empty()) {
    config.add_eos_token = model == "t5";
  }
  config.chat_template = file.text("tokenizer.chat_template");
  if (!config.chat_template.empty()) {
    config.chat_templates["default"] = config.chat_template;
  }
  return config;
}

Json read_gguf_vocabulary(const GgufFile& file) {
  const std::string model = file.text("tokenizer.ggml.model");
  Json json;
  if (model == "gpt2") {
    json = read_byte_level(file);
  } else if (model == "llama" || model == "gemma4") {
    json = read_pieces(file, SentencePieceModel::Kind::kBpe);
  } else if (model == "t5") {
    json = read_pieces(file, SentencePieceModel::Kind::kUnigram);
  } else if (model == "bert") {
    return read_bert(file);
  } else {
    throw Error(ErrorKind::kInput, "field 'tokenizer.ggml.model' is " + json_string(model) + ", which is not supported",
                file.where(), model.empty() ? "the file holds no vocabulary" : "supported: llama, gpt2, bert, t5, gemma4");
  }
  apply_config(gguf_config(file), json, file.where());
  return json;
}

}  // namespace athanor::token
