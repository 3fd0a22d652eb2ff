// tiktoken rank files, in and out.
#include <algorithm>
#include <charconv>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/base/base64.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/file/frame.h"
#include "athanor/token/file/piece_merges.h"
#include "athanor/token/file/splits.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/vocabulary.h"

namespace athanor::token {

namespace {

struct Published {
  const char* family;  // in tiktoken
  const char* splits;  // in splits.cc
  size_t num_ranks;    // of the file; 0: told by name only
  std::vector<std::pair<std::string, int32_t>> special;
};

// tiktoken 0.14, tiktoken_ext/openai_public.py.
const std::vector<Published>& published() {
  static const std::vector<Published> list = {
      {"r50k", "gpt2", 50256, {{"<|endoftext|>", 50256}}},
      {"gpt2", "gpt2", 50256, {{"<|endoftext|>", 50256}}},
      {"p50k", "gpt2", 50280, {{"<|endoftext|>", 50256}}},
      {"p50k_edit", "gpt2", 0,
       {{"<|endoftext|>", 50256}, {"<|fim_prefix|>", 50281}, {"<|fim_middle|>", 50282}, {"<|fim_suffix|>", 50283}}},
      {"cl100k", "cl100k", 100256,
       {{"<|endoftext|>", 100257}, {"<|fim_prefix|>", 100258}, {"<|fim_middle|>", 100259},
        {"<|fim_suffix|>", 100260}, {"<|endofprompt|>", 100276}}},
      {"o200k", "o200k", 199998, {{"<|endoftext|>", 199999}, {"<|endofprompt|>", 200018}}},
      {"llama3", "llama3", 128000, {}},
      {"qwen2", "qwen2", 151643, {}},
      {"qwen", "qwen2", 0, {}},
  };
  return list;
}

const Published* by_family(std::string_view family) {
  if (family.ends_with("_base")) {
    family.remove_suffix(5);
  }
  for (const Published& each : published()) {
    if (family == each.family) {
      return &each;
    }
  }
  return nullptr;
}

// By the longest family that the file's name holds ("cl100k_base.tiktoken"), else by the number of ranks.
const Published* guess(const std::string& where, size_t num_ranks) {
  const std::string name = fs::path(where).filename().string();
  const Published* best = nullptr;
  for (const Published& each : published()) {
    if (name.find(each.family) != std::string::npos &&
        (best == nullptr || std::string_view(each.family).size() > std::string_view(best->family).size())) {
      best = &each;
    }
  }
  for (const Published& each : published()) {
    if (best == nullptr && each.num_ranks == num_ranks) {
      best = &each;
    }
  }
  return best;
}

std::vector<std::string> read_ranks(std::string_view text, const std::string& where) {
  std::vector<std::string> tokens;
  size_t num_lines = 0, num_tokens = 0;
  while (!text.empty()) {
    const size_t stop = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, stop);
    text.remove_prefix(std::min(stop + 1, text.size()));
    const auto fail = [&](const std::string& what) {
      throw Error(ErrorKind::kInput, what, where + ":" + std::to_string(num_lines),
                  "a tiktoken file has lines of base64, a space, a rank");
    };
    ++num_lines;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      continue;
    }
    const size_t space = line.find(' ');
    const std::optional<std::string> token =
        space == std::string_view::npos ? std::nullopt : from_base64(line.substr(0, space));
    if (!token || token->empty()) {
      fail("the token is not base64");
    }
    uint32_t rank = 0;
    const char* const end = line.data() + line.size();
    const auto [stopped, error] = std::from_chars(line.data() + space + 1, end, rank);
    if (error != std::errc() || stopped != end || rank >= static_cast<uint32_t>(kMaxVocabulary)) {
      fail("the rank is not a number below " + std::to_string(kMaxVocabulary));
    }
    if (rank > 4 * num_tokens + 65536) {  // holes are rare and small; a hostile rank must not cost memory
      fail("the rank " + std::to_string(rank) + " is far beyond the number of tokens");
    }
    if (rank >= tokens.size()) {
      tokens.resize(rank + 1);
    }
    if (!tokens[rank].empty()) {
      fail("the rank " + std::to_string(rank) + " stands there twice");
    }
    tokens[rank] = *token;
    ++num_tokens;
  }
  return tokens;
}

// tokens: spelt as in a vocabulary.
Json vocab_json(const std::vector<std::string>& tokens, const std::string& where) {
  Json vocab = Json::object();
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    if (!tokens[rank].empty() && !vocab.emplace(tokens[rank], rank).second) {
      throw Error(ErrorKind::kInput, "the token of rank " + std::to_string(rank) + " stands there twice", where);
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    if (!vocab.contains(bytes_to_token(std::string(1, static_cast<char>(byte))))) {
      throw Error(ErrorKind::kInput, "the byte " + std::to_string(byte) + " is no token", where,
                  "a tiktoken file has all 256 bytes");
    }
  }
  return vocab;
}

}  // namespace

std::vector<std::string> tiktoken_families() {
  std::vector<std::string> out;
  for (const Published& each : published()) {
    out.push_back(each.family);
  }
  for (const SplitFamily& each : split_families()) {
    if (by_family(each.name) == nullptr) {
      out.push_back(each.name);
    }
  }
  return out;
}

Json read_tiktoken(std::string_view text, const std::string& where, std::string family,
                   const std::vector<std::pair<std::string, int32_t>>& special) {
  const std::vector<std::string> tokens = read_ranks(text, where);
  const Published* const known = family.empty() ? guess(where, tokens.size()) : by_family(family);
  const SplitFamily* const splits = split_family_by_name(known != nullptr ? known->splits : family);
  if (splits == nullptr) {
    const std::vector<std::string> names = tiktoken_families();
    const std::string list = "one of: " + join_text(names, ", ");
    if (family.empty()) {
      throw Error(ErrorKind::kUsage, "a tiktoken file does not say how text is cut, and neither its name nor its " +
                                         std::to_string(tokens.size()) + " ranks tell", where,
                  "give family=NAME, " + list);
    }
    throw Error(ErrorKind::kUsage, "there is no family '" + family + "'", where, list);
  }
  Json json = empty_tokenizer();
  if (splits->normalizer != nullptr) {
    json["normalizer"] = {{"type", splits->normalizer}};
  }
  json["pre_tokenizer"] = byte_level_splits(splits->regexes);
  json["decoder"] = byte_level(true, true, true);
  json["post_processor"] = byte_level(true, true, false);
  json["model"] = bpe_model(nullptr, false, false, true);
  std::vector<std::string> spelt;
  spelt.reserve(tokens.size());
  for (const std::string& token : tokens) {
    spelt.push_back(bytes_to_token(token));
  }
  json["model"]["vocab"] = vocab_json(spelt, where);
  json["model"]["merges"] = merges_json(merges_by_rank(tokens, where), spelt);
  AddedTokens added(json);
  const bool is_published = known != nullptr && (known->num_ranks == 0 || known->num_ranks == tokens.size());
  for (const auto& [content, id] : special.empty() && is_published ? known->special : special) {
    TokenizerConfig::Added token;
    token.id = id;
    token.content = content;
    added.add(token, where);
  }
  added.store(json);
  return json;
}

std::string write_tiktoken(const Json& tokenizer, const std::string& where) {
  const auto fail = [&](const std::string& what, const std::string& hint) {
    throw Error(ErrorKind::kUsage, what, where, hint);
  };
  const Json& model = tokenizer.at("model");
  if (model.value("type", "BPE") != "BPE" || split_family_of(tokenizer, false) == nullptr) {
    const bool bpe = model.value("type", "BPE") == "BPE";
    fail(std::string("field '") + (bpe ? "pre_tokenizer" : "model.type") +
             "' is not that of a byte-level BPE of a known family, which is all that a tiktoken file can hold",
         "save it as tokenizer.json");
  }
  std::vector<std::string> tokens;
  for (const auto& [token, id] : model.at("vocab").items()) {
    tokens.resize(std::max(tokens.size(), id.get<size_t>() + 1));
    tokens[id.get<size_t>()] = token_to_bytes(token);
  }
  for (const Json& added : tokenizer.at("added_tokens")) {  // tiktoken keeps them outside the file
    if (const size_t id = added.at("id").get<size_t>(); id < tokens.size()) {
      tokens[id].clear();
    }
  }
  const std::vector<std::string> made = merge_results(model);
  size_t next = 0;
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    if (tokens[rank].size() > 1) {
      if (next >= made.size() || token_to_bytes(made[next]) != tokens[rank]) {
        fail("field 'model.merges' makes tokens in another order than their ids: " +
                 json_string(bytes_to_token(tokens[rank])) + " has the id " + std::to_string(rank),
             "in a tiktoken file the id is the rank: only a vocabulary in the order of its merges can be written");
      }
      ++next;
    }
  }
  std::string out;
  for (size_t rank = 0; rank < tokens.size(); ++rank) {
    if (!tokens[rank].empty()) {
      out += to_base64(tokens[rank]) + " " + std::to_string(rank) + "\n";
    }
  }
  return out;
}

}  // namespace athanor::token
