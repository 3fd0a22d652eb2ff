#include "athanor/token/train/adapt.h"

#include <algorithm>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/file/json_field.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/split/split.h"
#include "athanor/token/train/merge_loop.h"

namespace athanor {

namespace {

using token::Field;
using token::Json;

constexpr size_t kBatch = 256;

// The vocabulary of a BPE model with its merges as pairs of ids.
struct BpeFile {
  Json json;
  std::vector<std::string> tokens;  // by id; empty for a hole
  std::vector<bool> present;
  std::unordered_map<std::string, int32_t> ids;
  std::vector<std::pair<int32_t, int32_t>> merges;
  std::vector<int32_t> results;  // of merges
  std::string prefix;            // continuing_subword_prefix
};

void put_token(BpeFile& file, const std::string& token, int64_t id, const Field& field) {
  if (id < 0 || id > token::kMaxVocabulary) {
    field.fail("has the id " + std::to_string(id) + ", which is out of range");
  }
  if (static_cast<size_t>(id) >= file.tokens.size()) {
    file.tokens.resize(static_cast<size_t>(id) + 1);
    file.present.resize(static_cast<size_t>(id) + 1);
  }
  file.tokens[id] = token;
  file.present[id] = true;
  file.ids[token] = static_cast<int32_t>(id);
}

std::pair<std::string, std::string> merge_parts(const Field& item) {
  if (item.value().is_array() && item.value().size() == 2 && item.value()[0].is_string() &&
      item.value()[1].is_string()) {
    return {item.value()[0].get<std::string>(), item.value()[1].get<std::string>()};
  }
  const std::string& line = item.string();
  const size_t space = line.find(' ', line.starts_with(' ') ? 1 : 0);
  if (space == std::string::npos) {
    item.fail("is not a pair of tokens");
  }
  return {line.substr(0, space), line.substr(space + 1)};
}

BpeFile read_bpe(const std::string& text, const std::string& where) {
  BpeFile file;
  file.json = token::parse_json(text, where);
  const Field root(file.json, "", where);
  const Field model = root.at("model");
  if (const auto type = model.find("type"); (type && type->string() != "BPE") || !model.find("merges")) {
    model.fail("is not a BPE model: only these can be extended or pruned");
  }
  const Field vocab = model.at("vocab");
  for (const auto& [token, id] : vocab.object().items()) {
    put_token(file, token, id.is_number_integer() ? id.get<int64_t>() : -1, vocab);
  }
  if (const auto prefix = model.find("continuing_subword_prefix")) {
    file.prefix = prefix->string();
  }
  const Field merges = model.at("merges");
  for (size_t i = 0; i < merges.list().size(); ++i) {
    const auto [left, right] = merge_parts(merges.item(i));
    const std::string joined =
        left +
        (!file.prefix.empty() && right.starts_with(file.prefix) ? right.substr(file.prefix.size()) : right);
    const auto l = file.ids.find(left), r = file.ids.find(right), made = file.ids.find(joined);
    if (l == file.ids.end() || r == file.ids.end() || made == file.ids.end()) {
      merges.item(i).fail("names a token that is not in the vocabulary");
    }
    file.merges.emplace_back(l->second, r->second);
    file.results.push_back(made->second);
  }
  if (const auto added = root.find("added_tokens")) {
    for (size_t i = 0; i < added->list().size(); ++i) {
      const Field item = added->item(i);
      put_token(file, item.at("content").string(), item.at("id").integer(0, token::kMaxVocabulary),
                item.at("id"));
    }
  }
  return file;
}

Json empty_map(size_t old_size) {
  return {{"old_vocab_size", old_size},
          {"new_vocab_size", old_size},
          {"old_to_new", Json::array()},
          {"new_tokens", Json::object()}};
}

}  // namespace

struct TokenizerExtender::State {
  BpeFile file;
  token::PreTokenizer cut;
  bool nfc = false;
  Tokenizer whole;  // encodes a piece without cutting it again
};

namespace {

Tokenizer without_cut(Json json, const std::string& where) {
  json["normalizer"] = nullptr;
  json["post_processor"] = nullptr;
  json["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  return Tokenizer::from_json(json.dump(), where);
}

}  // namespace

TokenizerExtender::TokenizerExtender(const std::string& text, const std::string& where) {
  BpeFile file = read_bpe(text, where);
  const Field root(file.json, "", where);
  const token::PreTokenizer cut = token::read_pre_tokenizer(root.at("pre_tokenizer"));
  if (!cut.byte_level || cut.add_prefix_space) {
    root.at("pre_tokenizer")
        .fail("must be of the byte-level kind: only such tokenizers can be extended",
              "train a new one on both texts");
  }
  bool nfc = false;
  if (const auto normalizer = root.find("normalizer")) {
    nfc = normalizer->at("type").string() == "NFC";
    if (!nfc &&
        !(normalizer->at("type").string() == "Sequence" && normalizer->at("normalizers").list().empty())) {
      normalizer->at("type").fail("is a normalizer that extending does not know", "known: NFC, none");
    }
  }
  Tokenizer whole = without_cut(file.json, where);
  state_ = std::make_unique<State>(State{std::move(file), cut, nfc, std::move(whole)});
}

TokenizerExtender::~TokenizerExtender() = default;
TokenizerExtender::TokenizerExtender(TokenizerExtender&&) noexcept = default;

void TokenizerExtender::count(std::string_view text, token::PieceCounter& counter) const {
  std::string normal;
  if (state_->nfc) {
    normal = to_nfc(text);
    text = normal;
  }
  size_t ends[kBatch];
  size_t begin = 0;
  while (const size_t count = state_->cut.scan(text, begin, ends, kBatch)) {
    for (size_t i = 0; i < count; ++i) {
      counter.add(text.substr(begin, ends[i] - begin), 1);
      begin = ends[i];
    }
  }
}

AdaptedTokenizer TokenizerExtender::extend(const CountSource& counts, int64_t num_tokens, int64_t min_frequency,
                                           const TrainProgress& progress) const {
  const BpeFile& file = state_->file;
  const auto old_size = static_cast<int64_t>(file.tokens.size());
  if (old_size + num_tokens > token::kMaxVocabulary) {
    throw Error(ErrorKind::kUsage,
                "the vocabulary would have " + std::to_string(old_size + num_tokens) + " tokens");
  }
  token::MergeLoop loop({.vocab_size = old_size + num_tokens,
                         .min_frequency = min_frequency,
                         .max_token_length = 0,
                         .prefix = "",
                         .sentencepiece = false,
                         .valid = nullptr});
  for (int64_t id = 0; id < old_size; ++id) {
    // A hole keeps its id: by a string that no merge can make.
    const std::string token =
        file.present[id] ? file.tokens[id] : std::string("\0hole", 5) + std::to_string(id);
    if (loop.add_token(token) != id) {
      throw Error(ErrorKind::kInput, "the token '" + token + "' has two ids", "the tokenizer to extend");
    }
  }
  std::vector<int32_t> ids;
  bool any = false;
  counts([&](std::string_view piece, int64_t count) {
    ids.clear();
    state_->whole.encode(piece, ids);
    loop.add_word(ids, count);
    any = true;
  });
  if (!any) {
    throw Error(ErrorKind::kInput, "there is no text to learn from", "tokenizer training");
  }
  loop.run(progress);
  AdaptedTokenizer out;
  out.map = empty_map(static_cast<size_t>(old_size));
  for (int64_t id = 0; id < old_size; ++id) {
    out.map["old_to_new"].push_back(file.present[id] ? id : -1);
  }
  out.map["new_vocab_size"] = loop.tokens().size();
  std::vector<std::vector<int32_t>> parts(loop.tokens().size());
  for (int32_t id = 0; id < old_size; ++id) {
    parts[id] = {id};
  }
  Json json = file.json;
  for (size_t i = 0; i < loop.merges().size(); ++i) {
    const auto left = static_cast<int32_t>(loop.merges()[i] >> 32),
               right = static_cast<int32_t>(loop.merges()[i] & 0xFFFFFFFF);
    const int32_t made = loop.results()[i];
    json["model"]["merges"].push_back({loop.tokens()[left], loop.tokens()[right]});
    if (made < old_size || !parts[made].empty()) {
      continue;  // another way to an old token
    }
    json["model"]["vocab"][loop.tokens()[made]] = made;
    parts[made] = parts[left];
    parts[made].insert(parts[made].end(), parts[right].begin(), parts[right].end());
    out.map["new_tokens"][std::to_string(made)] = parts[made];
  }
  for (Json& merge : json["model"]["merges"]) {  // one spelling for all
    if (merge.is_string()) {
      const auto [left, right] = merge_parts(Field(merge, "model.merges", "the tokenizer"));
      merge = {left, right};
    }
  }
  out.json = json.dump();
  return out;
}

namespace {

// Template, BERT's and RoBERTa's post-processors hold ids of special tokens: "ids": [..], "sep": ["[SEP]", id],
// "cls".
void renumber_ids(Json& value, const std::vector<int32_t>& to) {
  if (value.is_array()) {
    for (Json& item : value) {
      renumber_ids(item, to);
    }
    return;
  }
  if (!value.is_object()) {
    return;
  }
  for (auto& [key, item] : value.items()) {
    if (item.is_array() && (key == "ids" || key == "sep" || key == "cls")) {
      for (Json& id : item) {
        if (id.is_number_unsigned() && id.get<size_t>() < to.size()) {
          id = to[id.get<size_t>()];
        }
      }
    } else {
      renumber_ids(item, to);
    }
  }
}

}  // namespace

AdaptedTokenizer prune_tokenizer(const std::string& text, const std::string& where,
                                 const std::vector<uint64_t>& counts, uint64_t least) {
  BpeFile file = read_bpe(text, where);
  std::vector<bool> keep(file.tokens.size());
  std::vector<bool> made(file.tokens.size());
  for (const int32_t result : file.results) {
    made[result] = true;
  }
  std::vector<bool> added(file.tokens.size());
  const Json no_tokens = Json::array();
  const auto listed = file.json.find("added_tokens");
  for (const Json& token : listed != file.json.end() && listed->is_array() ? *listed : no_tokens) {
    added[token["id"].get<size_t>()] = true;
  }
  for (size_t id = 0; id < keep.size(); ++id) {
    keep[id] = file.present[id] && (added[id] || !made[id] || (id < counts.size() && counts[id] >= least));
  }
  for (size_t i = file.merges.size(); i-- > 0;) {  // a token's parts are merged before it
    if (keep[file.results[i]]) {
      keep[file.merges[i].first] = keep[file.merges[i].second] = true;
    }
  }
  AdaptedTokenizer out;
  out.map = empty_map(keep.size());
  std::vector<int32_t> to(keep.size(), -1);
  int32_t next = 0;
  for (size_t id = 0; id < keep.size(); ++id) {
    to[id] = keep[id] ? next++ : -1;
    out.map["old_to_new"].push_back(to[id]);
  }
  out.map["new_vocab_size"] = next;
  Json& model = file.json["model"];
  Json vocab = Json::object(), merges = Json::array();
  for (const auto& [token, id] : model["vocab"].items()) {
    if (to[id.get<size_t>()] >= 0) {
      vocab[token] = to[id.get<size_t>()];
    }
  }
  for (size_t i = 0; i < file.merges.size(); ++i) {
    const auto& [left, right] = file.merges[i];
    if (keep[file.results[i]] && keep[left] && keep[right]) {
      merges.push_back({file.tokens[left], file.tokens[right]});
    }
  }
  model["vocab"] = std::move(vocab);
  model["merges"] = std::move(merges);
  Json& tokens = file.json["added_tokens"];
  for (Json& token : tokens.is_null() ? (tokens = Json::array()) : tokens) {
    token["id"] = to[token["id"].get<size_t>()];
  }
  renumber_ids(file.json["post_processor"], to);
  out.json = file.json.dump();
  return out;
}

}  // namespace athanor
