// Small tokenizers of every model, and the question whether the real one and token_reference.h give the same ids.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/unicode.h"
#include "athanor/token/split/split.h"
#include "athanor/token/split/class_table.h"
#include "athanor/token/tokenizer.h"
#include "tests/reference/token_reference.h"

namespace athanor::reference {

// A BPE whose merges put together the most usual pairs of a few words, in the order in which they come.
inline Json bpe_model(bool byte_level) {
  Json model = {{"type", "BPE"}, {"vocab", Json::object()}, {"merges", Json::array()}};
  const auto add = [&](const std::string& token) {
    if (!model["vocab"].contains(token)) {
      const int id = static_cast<int>(model["vocab"].size());
      model["vocab"][token] = id;
    }
  };
  for (int byte = 0; byte < 256; ++byte) {
    add(spell(std::string(1, static_cast<char>(byte))));
  }
  for (const char* word : {" the", " a", "aa", "aaaa", "ab", "abab", "ba", " ab", "'s", "  ", "    ", "\n\n", "!!", "中国",
                           "人", "é", "12", "123", "aab", "baa", "\r\n", " 中", "한", "😀", "bab", "aA", "AAA", "\u0301"}) {
    std::vector<std::string> symbols = characters(byte_level ? spell(word) : word);
    while (symbols.size() > 1) {
      const Json pair = {symbols[0], symbols[1]};
      symbols[0] += symbols[1];
      symbols.erase(symbols.begin() + 1);
      if (!model["vocab"].contains(symbols[0])) {
        add(symbols[0]);
        model["merges"].push_back(pair);
      }
    }
  }
  return model;
}

inline Json file_of(const Json& pre_tokenizer, const Json& model, const char* decoder) {
  return {{"version", "1.0"}, {"added_tokens", Json::array()}, {"pre_tokenizer", pre_tokenizer},
          {"decoder", {{"type", decoder}}}, {"model", model}};
}

inline std::vector<Json> differential_files() {
  std::vector<Json> out;
  for (const token::SplitKind& kind : token::split_kinds()) {
    if (kind.byte_level) {
      Json file = token::frame_json(kind);
      file["normalizer"] = nullptr;
      file["model"] = bpe_model(true);
      out.push_back(file);
    }
  }
  const Json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"use_regex", false}};
  for (const char* regex : {R"([a-z]+|[A-Z]|\p{N}{1,2}| ?[^\s\w]+|\s+(?!\S))", R"((?<=a)b+|(?i:ab)|\s{2,}?|\p{L}\p{M}*)",
                            R"(^\s*|[^\p{L}\d]+(?=a)|(?:ab|a)+)"}) {
    const Json split = {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
    out.push_back(file_of({{"type", "Sequence"}, {"pretokenizers", {split, bytes}}}, bpe_model(true), "ByteLevel"));
  }
  const Json spaces = {{"type", "Split"}, {"pattern", {{"Regex", R"(\s+)"}}}, {"behavior", "Removed"}, {"invert", false}};
  Json pieces = Json::object();
  for (const char* piece : {"[UNK]", "a", "b", "ab", "##a", "##b", "##ab", "##abab", "中", "##中", "##国", "é", "##é", "the",
                            "##s", "##'", "'", "1", "##1", "##12", "A", "##A", "!", "##!", "##😀", "한"}) {
    const int id = static_cast<int>(pieces.size());
    pieces[piece] = id;
  }
  out.push_back(file_of(spaces, {{"type", "WordPiece"}, {"unk_token", "[UNK]"}, {"continuing_subword_prefix", "##"},
                                 {"max_input_chars_per_word", 12}, {"vocab", pieces}}, "Fuse"));
  Json scores = Json::array({{"<unk>", 0.0}});
  double score = -1.0;
  for (const char* piece : {"\u2581", "a", "\u2581a", "b", "ab", "\u2581ab", "abab", "ba", "aa", "aaa", "中", "中国", "国", "é", "s",
                            "'s", "t", "the", "\u2581the", "h", "e", "1", "12", "!", "!!", "A", "한", "\n"}) {
    scores.push_back({piece, score});
    score -= 0.37;
  }
  const Json metaspace = {{"type", "Metaspace"}, {"replacement", "\u2581"}, {"prepend_scheme", "always"}};
  out.push_back(file_of(metaspace, {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", scores}}, "Fuse"));
  return out;
}

// Text that both hold for the same: UTF-8, of characters whose classes the system's PCRE2 knows as class_table.h does.
inline std::string agreed(std::string_view text) {
  static const Pattern letter(R"(\p{L})"), number(R"(\p{N})"), space(R"(\s)"), word(R"(\w)"), mark(R"(\p{M})"),
      symbol(R"([\p{P}\p{S}])");
  std::string out;
  for (const std::string& one : characters(repair_utf8(text))) {
    size_t from, to;
    const char* p = one.data();
    const char32_t code = decode_utf8(p, p + one.size());
    const Category category = token::regex_category(code);
    const auto within = [&](Category low, Category high) { return category >= low && category <= high; };
    const bool agree = letter.find(one, 0, from, to) == within(Category::kLl, Category::kLu) &&
                       number.find(one, 0, from, to) == within(Category::kNd, Category::kNo) &&
                       mark.find(one, 0, from, to) == within(Category::kMc, Category::kMn) &&
                       space.find(one, 0, from, to) == token::has_class(code, token::kWhiteBit) &&
                       symbol.find(one, 0, from, to) == within(Category::kPc, Category::kSo);
    if (agree && (code < 0x80 || word.find(one, 0, from, to) == token::has_class(code, token::kWordBit))) {
      out += one;
    }
  }
  return out;
}

class Differential {
 public:
  Differential() {
    for (const Json& file : differential_files()) {
      real_.push_back(Tokenizer::from_json(file.dump(), "differential"));
      plain_.emplace_back(file);
      about_.push_back(file["pre_tokenizer"].dump());
    }
  }
  size_t size() const { return real_.size(); }

  // Nothing when both agree on text; else what they say.
  std::string difference(size_t which, std::string_view raw) const {
    const std::string text = agreed(raw);
    std::vector<int32_t> ids;
    real_[which].encode(text, ids);
    const std::vector<int32_t> wanted = plain_[which].encode(text);
    const EncodeOptions bare{.added_tokens = AddedTokens::kNone, .add_special_tokens = false};
    const std::vector<int32_t> full = real_[which].encode_full(text, bare).ids;
    if (ids == wanted && full == wanted) {
      return "";
    }
    return about_[which] + "\ntext " + Json(text).dump() + "\nencode " + Json(ids).dump() + "\nfull   " + Json(full).dump() +
           "\nwanted " + Json(wanted).dump();
  }

 private:
  std::vector<Tokenizer> real_;
  std::vector<ReferenceTokenizer> plain_;
  std::vector<std::string> about_;
};

}  // namespace athanor::reference
