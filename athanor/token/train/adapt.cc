#include "athanor/token/train/adapt.h"

#include <optional>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/file/json_field.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/split/split.h"
#include "athanor/token/train/bpe_file.h"
#include "athanor/token/train/merge_loop.h"
#include "athanor/token/train/piece_extender.h"

namespace athanor {

namespace {

using token::BpeFile;
using token::Field;
using token::Json;

constexpr size_t kBatch = 256;

// Of byte-level BPE.
struct ByteLevel {
  BpeFile file;
  token::PreTokenizer cut;
  bool nfc = false;
  Tokenizer whole;  // encodes a piece without cutting it again
};

Tokenizer without_cut(Json json, const std::string& where) {
  json["normalizer"] = nullptr;
  json["post_processor"] = nullptr;
  json["pre_tokenizer"] = {
      {"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", false}};
  return Tokenizer::from_json(json.dump(), where);
}

ByteLevel read_byte_level(const std::string& text, const std::string& where) {
  BpeFile file = token::read_bpe(text, where);
  const Field root(file.json, "", where);
  const token::PreTokenizer cut = token::read_pre_tokenizer(root.at("pre_tokenizer"));
  if (!cut.byte_level || cut.add_prefix_space) {
    root.at("pre_tokenizer").fail("puts a space before a text: such a tokenizer cannot be extended",
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
  return {std::move(file), cut, nfc, std::move(whole)};
}

// Unigram, or a BPE whose pieces are characters.
bool has_character_pieces(const std::string& text, const std::string& where) {
  const Json json = token::parse_json(text, where);
  const Field root(json, "", where);
  const auto type = root.at("model").find("type");
  const bool unigram = type && type->string() == "Unigram";
  const bool bpe = root.at("model").find("merges") && (!type || type->string() == "BPE");
  if (!unigram && !bpe) {
    root.at("model").fail("is neither a BPE nor a Unigram model: no other can be extended");
  }
  const auto cuts = root.find("pre_tokenizer");
  return unigram || !cuts || !token::read_pre_tokenizer_chain(*cuts).byte_level;
}

}  // namespace

struct TokenizerExtender::State {
  std::optional<ByteLevel> bytes;
  std::optional<token::PieceExtender> pieces;
};

TokenizerExtender::TokenizerExtender(const std::string& text, const std::string& where) : state_(std::make_unique<State>()) {
  if (has_character_pieces(text, where)) {
    state_->pieces.emplace(text, where);
  } else {
    state_->bytes.emplace(read_byte_level(text, where));
  }
}

TokenizerExtender::~TokenizerExtender() = default;
TokenizerExtender::TokenizerExtender(TokenizerExtender&&) noexcept = default;

void TokenizerExtender::count(std::string_view text, token::PieceCounter& counter) const {
  if (state_->pieces) {
    return state_->pieces->count(text, counter);
  }
  std::string normal;
  if (state_->bytes->nfc) {
    normal = to_nfc(text);
    text = normal;
  }
  size_t ends[kBatch];
  size_t begin = 0;
  while (const size_t count = state_->bytes->cut.scan(text, begin, ends, kBatch)) {
    for (size_t i = 0; i < count; ++i) {
      counter.add(text.substr(begin, ends[i] - begin), 1);
      begin = ends[i];
    }
  }
}

AdaptedTokenizer TokenizerExtender::extend(const CountSource& counts, int64_t num_tokens, int64_t min_frequency,
                                           const TrainProgress& progress) const {
  if (state_->pieces) {
    return state_->pieces->extend(counts, num_tokens, min_frequency, progress);
  }
  const BpeFile& file = state_->bytes->file;
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
    state_->bytes->whole.encode(piece, ids);
    loop.add_word(ids, count);
    any = true;
  });
  if (!any) {
    throw Error(ErrorKind::kInput, "there is no text to learn from", "tokenizer training");
  }
  loop.run(progress);
  AdaptedTokenizer out;
  out.map = token::empty_map(static_cast<size_t>(old_size));
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
      const auto [left, right] = token::merge_parts(Field(merge, "model.merges", "the tokenizer"));
      merge = {left, right};
    }
  }
  out.json = json.dump();
  return out;
}

}  // namespace athanor
