// Pruning: prune_tokenizer of adapt.h.
#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/model/model.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/train/adapt.h"
#include "athanor/token/train/bpe_file.h"

namespace athanor {

namespace {

using token::BpeFile;
using token::Field;
using token::Json;

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

// Ids that a kept one gets, in the old order; -1 for the others.
std::vector<int32_t> new_ids(const std::vector<bool>& keep, AdaptedTokenizer& out) {
  out.map = token::empty_map(keep.size());
  std::vector<int32_t> to(keep.size(), -1);
  int32_t next = 0;
  for (size_t id = 0; id < keep.size(); ++id) {
    to[id] = keep[id] ? next++ : -1;
    out.map["old_to_new"].push_back(to[id]);
  }
  out.map["new_vocab_size"] = next;
  return to;
}

// What holds ids outside the model.
void renumber_rest(Json& json, const std::vector<int32_t>& to) {
  Json& tokens = json["added_tokens"];
  for (Json& token : tokens.is_null() ? (tokens = Json::array()) : tokens) {
    token["id"] = to[token["id"].get<size_t>()];
  }
  renumber_ids(json["post_processor"], to);
  Json& padding = json["padding"];
  if (padding.is_object() && padding.contains("pad_id") && padding["pad_id"].is_number_unsigned() &&
      padding["pad_id"].get<size_t>() < to.size()) {
    padding["pad_id"] = to[padding["pad_id"].get<size_t>()];
  }
}

// Marks the added tokens of a sound file in `keep`, which grows for those beyond the vocabulary.
void keep_added(const Json& json, std::vector<bool>& keep) {
  const auto listed = json.find("added_tokens");
  for (const Json& token : listed != json.end() && listed->is_array() ? *listed : Json::array()) {
    const auto id = token["id"].get<size_t>();
    keep.resize(std::max(keep.size(), id + 1));
    keep[id] = true;
  }
}

bool is_used(size_t id, const std::vector<uint64_t>& counts, uint64_t least) {
  return id < counts.size() && counts[id] >= least;
}

bool is_byte_spelling(const std::string& token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with(">");
}

AdaptedTokenizer prune_bpe(BpeFile file, const std::vector<uint64_t>& counts, uint64_t least) {
  std::vector<bool> keep(file.tokens.size());
  std::vector<bool> made(file.tokens.size());
  for (const int32_t result : file.results) {
    made[result] = true;
  }
  for (size_t id = 0; id < keep.size(); ++id) {
    keep[id] = file.present[id] && (!made[id] || is_used(id, counts, least));
  }
  keep_added(file.json, keep);
  for (size_t i = file.merges.size(); i-- > 0;) {  // a token's parts are merged before it
    if (keep[file.results[i]]) {
      keep[file.merges[i].first] = keep[file.merges[i].second] = true;
    }
  }
  AdaptedTokenizer out;
  const std::vector<int32_t> to = new_ids(keep, out);
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
  renumber_rest(file.json, to);
  out.json = file.json.dump();
  return out;
}

AdaptedTokenizer prune_unigram(Json json, const std::vector<uint64_t>& counts, uint64_t least) {
  Json& model = json["model"];
  const Json vocab = std::move(model["vocab"]);
  std::vector<bool> keep(vocab.size());
  for (size_t id = 0; id < keep.size(); ++id) {
    const std::string& piece = vocab[id][0].get_ref<const std::string&>();
    keep[id] = count_code_points(piece) <= 1 || is_byte_spelling(piece) || is_used(id, counts, least);
  }
  if (model["unk_id"].is_number_unsigned()) {
    keep[model["unk_id"].get<size_t>()] = true;
  }
  keep_added(json, keep);
  AdaptedTokenizer out;
  const std::vector<int32_t> to = new_ids(keep, out);
  model["vocab"] = Json::array();
  for (size_t id = 0; id < vocab.size(); ++id) {
    if (keep[id]) {
      model["vocab"].push_back(vocab[id]);
    }
  }
  if (model["unk_id"].is_number_unsigned()) {
    model["unk_id"] = to[model["unk_id"].get<size_t>()];
  }
  if (model.contains("unmatched_ids")) {  // file/sentencepiece.cc
    Json kept = Json::array();
    for (const Json& id : model["unmatched_ids"]) {
      if (to[id.get<size_t>()] >= 0) {
        kept.push_back(to[id.get<size_t>()]);
      }
    }
    model["unmatched_ids"] = std::move(kept);
  }
  renumber_rest(json, to);
  out.json = json.dump();
  return out;
}

AdaptedTokenizer prune_word_piece(Json json, const std::vector<uint64_t>& counts, uint64_t least, int32_t vocab_size) {
  Json& model = json["model"];
  const std::string prefix = model.value("continuing_subword_prefix", "##"), unknown = model.value("unk_token", "[UNK]");
  std::vector<bool> keep(static_cast<size_t>(vocab_size));
  for (const auto& [token, id] : model["vocab"].items()) {
    const std::string_view text = token.starts_with(prefix) ? std::string_view(token).substr(prefix.size()) : token;
    keep[id.get<size_t>()] = token == unknown || count_code_points(text) <= 1 || is_used(id.get<size_t>(), counts, least);
  }
  keep_added(json, keep);
  AdaptedTokenizer out;
  const std::vector<int32_t> to = new_ids(keep, out);
  Json vocab = Json::object();
  for (const auto& [token, id] : model["vocab"].items()) {
    if (to[id.get<size_t>()] >= 0) {
      vocab[token] = to[id.get<size_t>()];
    }
  }
  model["vocab"] = std::move(vocab);
  renumber_rest(json, to);
  out.json = json.dump();
  return out;
}

}  // namespace

AdaptedTokenizer prune_tokenizer(const std::string& text, const std::string& where,
                                 const std::vector<uint64_t>& counts, uint64_t least) {
  Json json = token::parse_json(text, where);
  const Field root(json, "", where);
  const std::optional<Field> type = root.at("model").find("type");
  if (!type || (type->string() != "Unigram" && type->string() != "WordPiece")) {
    return prune_bpe(token::read_bpe(text, where), counts, least);
  }
  const bool unigram = type->string() == "Unigram";
  const Tokenizer sound = Tokenizer::from_json(text, where);  // its complaints name the field
  return unigram ? prune_unigram(std::move(json), counts, least)
                 : prune_word_piece(std::move(json), counts, least, sound.vocab_size());
}

}  // namespace athanor
