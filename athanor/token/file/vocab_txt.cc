// BERT's vocab.txt, in and out.
#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

constexpr int kMaxWordCharacters = 100;  // of HF's WordPiece and Google's BERT

// A cased vocabulary has capitals outside of [CLS] and its like; without a config, one without them is lower-cased.
bool has_capitals(const Json& vocab) {
  for (const auto& [token, id] : vocab.items()) {
    const bool bracketed = token.size() > 2 && (token.front() == '[' || token.front() == '<');
    if (!bracketed && std::any_of(token.begin(), token.end(), [](char c) { return c >= 'A' && c <= 'Z'; })) {
      return true;
    }
  }
  return false;
}

std::string or_default(const std::string& name, const char* otherwise) { return name.empty() ? otherwise : name; }

}  // namespace

Json read_vocab_txt(std::string_view text, const TokenizerConfig& config, const std::string& where) {
  Json vocab = Json::object();
  int32_t id = 0;
  while (!text.empty()) {
    const size_t stop = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, stop);
    text.remove_prefix(std::min(stop + 1, text.size()));
    const auto fail = [&](const std::string& what) {
      throw Error(ErrorKind::kInput, what, where + ":" + std::to_string(id + 1), "a vocab.txt has one token a line");
    };
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (!is_valid_utf8(line)) {
      fail("the token is not UTF-8");
    }
    if (id >= kMaxVocabulary) {
      fail("there are more than " + std::to_string(kMaxVocabulary) + " tokens");
    }
    if (!vocab.emplace(std::string(line), id).second) {
      fail("the token " + json_string(line) + " stands there twice");
    }
    ++id;
  }
  const std::string unk = or_default(config.unk_token, "[UNK]");
  if (!vocab.contains(unk)) {
    throw Error(ErrorKind::kInput, "has no line " + json_string(unk) + ", the unknown token", where,
                "is this BERT's vocab.txt? Another name for it is read from tokenizer_config.json");
  }
  const std::string cls = or_default(config.cls_token, "[CLS]"), sep = or_default(config.sep_token, "[SEP]");
  Json json = empty_tokenizer();
  json["normalizer"] = {{"type", "BertNormalizer"},
                        {"clean_text", true},
                        {"handle_chinese_chars", config.tokenize_chinese_chars.value_or(true)},
                        {"strip_accents", nullptr},
                        {"lowercase", config.do_lower_case.value_or(!has_capitals(vocab))}};
  if (config.strip_accents) {
    json["normalizer"]["strip_accents"] = *config.strip_accents;
  }
  json["pre_tokenizer"] = {{"type", "BertPreTokenizer"}};
  json["decoder"] = {{"type", "WordPiece"}, {"prefix", "##"}, {"cleanup", true}};
  if (vocab.contains(cls) && vocab.contains(sep)) {
    json["post_processor"] = template_json({{cls, vocab[cls].get<int32_t>()}}, {{sep, vocab[sep].get<int32_t>()}});
    Json& pair = json["post_processor"]["pair"];
    pair.erase(3);  // BERT has no [CLS] before the second
  }
  json["model"] = {{"type", "WordPiece"},
                   {"unk_token", unk},
                   {"continuing_subword_prefix", "##"},
                   {"max_input_chars_per_word", kMaxWordCharacters},
                   {"vocab", std::move(vocab)}};
  const Json& tokens = json["model"]["vocab"];
  AddedTokens added(json);
  for (const std::string& name : {or_default(config.pad_token, "[PAD]"), unk, cls, sep,
                                  or_default(config.mask_token, "[MASK]")}) {
    if (tokens.contains(name)) {
      TokenizerConfig::Added token;
      token.content = name;
      added.add(token, where);
    }
  }
  added.store(json);
  return json;
}

std::string write_vocab_txt(const Json& tokenizer, const std::string& where) {
  const auto fail = [&](const std::string& field, const std::string& why) {
    throw Error(ErrorKind::kUsage, "field '" + field + "' " + why, where,
                "a vocab.txt holds the tokens of a BERT-style WordPiece, nothing else; save it as tokenizer.json");
  };
  const Json& model = tokenizer.at("model");
  const std::string type = model.value("type", "");
  if (type != "WordPiece") {
    fail("model.type", "is " + json_string(type));
  }
  if (model.value("continuing_subword_prefix", "##") != "##") {
    fail("model.continuing_subword_prefix", "is not \"##\"");
  }
  const auto type_of = [&](const char* section) {
    const Json value = tokenizer.value(section, Json());
    return value.is_object() ? value.value("type", "") : "";
  };
  if (type_of("normalizer") != "BertNormalizer") {
    fail("normalizer.type", "is not \"BertNormalizer\"");
  }
  if (type_of("pre_tokenizer") != "BertPreTokenizer") {
    fail("pre_tokenizer.type", "is not \"BertPreTokenizer\"");
  }
  std::string out;
  const std::vector<std::string> tokens = VocabularyView(tokenizer).tokens();
  for (size_t id = 0; id < tokens.size(); ++id) {
    if (tokens[id].empty() || tokens[id].find_first_of("\r\n") != std::string::npos) {
      fail("model.vocab", "has no token of one line with the id " + std::to_string(id));
    }
    out += tokens[id] + "\n";
  }
  return out;
}

}  // namespace athanor::token
