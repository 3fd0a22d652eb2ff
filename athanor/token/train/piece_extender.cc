#include "athanor/token/train/piece_extender.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/train/bpe_file.h"
#include "athanor/token/train/bpe_parts.h"

namespace athanor::token {

namespace {

constexpr std::string_view kMark = "\xE2\x96\x81";  // U+2581

bool is_byte_spelling(const std::string& token) {
  return token.size() == 6 && token.starts_with("<0x") && token.ends_with(">");
}

std::string plain_normalised(const std::vector<NormalizerStep>& steps, std::string_view text) {
  std::string normal(text);
  for (const NormalizerStep& step : steps) {
    if (step.plain) {
      normal = step.plain(normal);
    } else {
      Aligned aligned = Aligned::of(normal, 0, false, true);
      step.apply(aligned);
      normal = std::move(aligned.text);
    }
    check_growth(text.size(), normal.size());
  }
  return normal;
}

}  // namespace

PieceExtender::PieceExtender(const std::string& text, const std::string& where)
    : json_(parse_json(text, where)), where_(where) {
  const Field root(json_, "", where_);
  const Field model = root.at("model");
  unigram_ = model.at("type").string() == "Unigram";
  const Tokenizer sound = Tokenizer::from_json(text, where);  // its complaints name the field
  tokens_.resize(static_cast<size_t>(sound.vocab_size()));
  merges_.resize(tokens_.size(), true);
  if (unigram_) {
    for (size_t id = 0; id < model.at("vocab").list().size(); ++id) {
      tokens_[id] = model.at("vocab").value()[id][0].get<std::string>();
    }
    if (model.at("vocab").list().size() != tokens_.size()) {
      root.at("added_tokens").fail("has ids behind the vocabulary, where new pieces would have to go");
    }
    const Json unknown = model.value().value("unk_id", Json());
    merges_[unknown.is_number_unsigned() ? unknown.get<size_t>() : 0] = !unknown.is_number_unsigned();
  } else {
    for (const char* name : {"continuing_subword_prefix", "end_of_word_suffix"}) {
      if (const auto affix = model.find(name); affix && !affix->string().empty()) {
        affix->fail("is set: a BPE with marks inside words cannot be extended");
      }
    }
    for (const auto& [token, id] : model.at("vocab").object().items()) {
      tokens_[id.get<size_t>()] = token;
      merges_[id.get<size_t>()] = token != model.value().value("unk_token", Json());
    }
  }
  for (size_t id = 0; id < tokens_.size(); ++id) {
    merges_[id] = merges_[id] && !tokens_[id].empty() && !is_byte_spelling(tokens_[id]);
  }
  if (const auto added = root.find("added_tokens")) {
    for (size_t i = 0; i < added->list().size(); ++i) {
      const auto id = static_cast<size_t>(added->item(i).at("id").integer(0, kMaxVocabulary));
      tokens_[id] = added->item(i).at("content").string();
      merges_[id] = false;
    }
  }
  if (const auto normalizer = root.find("normalizer")) {
    normalizers_ = read_normalizers(*normalizer);
  }
  if (const auto cuts = root.find("pre_tokenizer")) {
    chain_ = read_pre_tokenizer_chain(*cuts);
  }
  Json bare = json_;
  bare["normalizer"] = bare["pre_tokenizer"] = bare["post_processor"] = nullptr;
  bare["truncation"] = bare["padding"] = nullptr;
  whole_ = std::make_unique<Tokenizer>(Tokenizer::from_json(bare.dump(), where));
}

// As the tokenizer cuts, and before each space mark that follows something else: new pieces have it in front only.
void PieceExtender::count(std::string_view text, PieceCounter& counter) const {
  Pieces pieces;
  pieces.text = Aligned::of(plain_normalised(normalizers_, text), 0, false, true);
  if (pieces.text.text.empty()) {
    return;
  }
  pieces.pieces = {{0, pieces.text.text.size(), -1, true}};
  for (const PreTokenizerStep& step : chain_.steps) {
    step.apply(pieces);
  }
  for (const Piece& piece : pieces.pieces) {
    std::string_view left = std::string_view(pieces.text.text).substr(piece.begin, piece.end - piece.begin);
    while (!left.empty()) {
      size_t end = left.find_first_not_of(kMark);
      end = std::min(left.find(kMark, std::min(end, left.size())), left.size());
      counter.add(left.substr(0, end), 1);
      left.remove_prefix(end);
    }
  }
}

std::vector<char32_t> PieceExtender::new_characters(const CountSource& counts, int64_t most, int64_t min_frequency) const {
  std::vector<std::pair<uint64_t, char32_t>> found;
  for (const auto& [code, count] : count_characters(counts)) {
    const bool is_text = is_letter(code) || is_number(code) || is_mark(code) || is_punctuation(code) || is_symbol(code);
    const bool known = std::find(tokens_.begin(), tokens_.end(), utf8(code)) != tokens_.end();
    if (is_text && !known && code != kReplacement && count >= static_cast<uint64_t>(std::max<int64_t>(min_frequency, 1))) {
      found.emplace_back(~count, code);
    }
  }
  std::sort(found.begin(), found.end());
  found.resize(std::min(found.size(), static_cast<size_t>(most)));
  std::vector<char32_t> out;
  for (const auto& [count, code] : found) {
    out.push_back(code);
  }
  return out;
}

void PieceExtender::cut(std::string_view stretch, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  if (!stretch.empty()) {
    whole_->encode(stretch, AddedTokens::kNone, ids);
  }
  for (size_t i = before; i < ids.size(); ++i) {
    ids[i] = merges_[static_cast<size_t>(ids[i])] ? ids[i] : -1;
  }
}

AdaptedTokenizer PieceExtender::extend(const CountSource& counts, int64_t num_tokens, int64_t min_frequency,
                                       const TrainProgress& progress) const {
  const auto old_size = static_cast<int64_t>(tokens_.size());
  if (old_size + num_tokens > kMaxVocabulary) {
    throw Error(ErrorKind::kUsage, "the vocabulary would have " + std::to_string(old_size + num_tokens) + " tokens");
  }
  const PieceRules rules;
  MergeLoop loop({.vocab_size = old_size + num_tokens,
                  .min_frequency = min_frequency,
                  .max_token_length = 0,
                  .prefix = "",
                  .sentencepiece = true,
                  .valid = [&rules](std::string_view text) {
                    const std::vector<char32_t> characters = characters_of(text);
                    return valid_piece(characters.data(), characters.data() + characters.size(), rules);
                  }});
  for (int64_t id = 0; id < old_size; ++id) {  // a hole keeps its id: by a string that no merge can make
    const std::string& token = tokens_[static_cast<size_t>(id)];
    if (loop.add_token(token.empty() ? std::string("\0hole", 5) + std::to_string(id) : token) != id) {
      throw Error(ErrorKind::kInput, "the token '" + token + "' has two ids", where_);
    }
  }
  AdaptedTokenizer out;
  out.map = empty_map(static_cast<size_t>(old_size));
  std::unordered_map<char32_t, int32_t> added;
  std::vector<std::vector<int32_t>> parts(static_cast<size_t>(old_size));
  for (int32_t id = 0; id < old_size; ++id) {
    out.map["old_to_new"].push_back(tokens_[static_cast<size_t>(id)].empty() ? -1 : id);
    parts[static_cast<size_t>(id)] = {id};
  }
  for (const char32_t code : new_characters(counts, (num_tokens + 1) / 2, min_frequency)) {
    added[code] = loop.add_token(utf8(code));
    whole_->encode(utf8(code), AddedTokens::kNone, parts.emplace_back());
  }
  std::vector<int32_t> ids;
  bool any = false;
  counts([&](std::string_view piece, int64_t count) {
    ids.clear();
    const char *begin = piece.data(), *end = begin + piece.size();
    for (const char* p = begin; p != end;) {
      const char* const at = p;
      if (const auto found = added.find(decode_utf8(p, end)); found != added.end()) {
        cut({begin, static_cast<size_t>(at - begin)}, ids);
        ids.push_back(found->second);
        begin = p;
      }
    }
    cut({begin, static_cast<size_t>(end - begin)}, ids);
    loop.add_word(ids, count);
    any = true;
  });
  if (!any) {
    throw Error(ErrorKind::kInput, "there is no text to learn from", "tokenizer training");
  }
  loop.run(progress);
  parts.resize(loop.tokens().size());
  for (size_t i = 0; i < loop.merges().size(); ++i) {
    std::vector<int32_t>& made = parts[static_cast<size_t>(loop.results()[i])];
    made = parts[loop.merges()[i] >> 32];
    const std::vector<int32_t>& right = parts[loop.merges()[i] & 0xFFFFFFFF];
    made.insert(made.end(), right.begin(), right.end());
  }
  for (size_t id = static_cast<size_t>(old_size); id < parts.size(); ++id) {
    out.map["new_tokens"][std::to_string(id)] = parts[id];
  }
  out.map["new_vocab_size"] = loop.tokens().size();
  Json json = json_;
  unigram_ ? write_unigram(loop, json["model"]) : write_bpe(loop, json["model"]);
  out.json = json.dump();
  return out;
}

// Every two tokens that spell a new one are a merge of its rank.
void PieceExtender::write_bpe(const MergeLoop& loop, Json& model) const {
  std::unordered_map<std::string_view, int32_t> ids;
  for (size_t id = 0; id < loop.tokens().size(); ++id) {
    if (id >= tokens_.size()) {
      model["vocab"][loop.tokens()[id]] = id;
    }
    if (id >= tokens_.size() || merges_[id]) {
      ids.emplace(loop.tokens()[id], static_cast<int32_t>(id));
    }
  }
  for (Json& merge : model["merges"]) {  // one spelling for all
    if (merge.is_string()) {
      const auto [left, right] = merge_parts(Field(merge, "model.merges", where_));
      merge = {left, right};
    }
  }
  for (const int32_t made : loop.results()) {
    const std::string_view piece = loop.tokens()[static_cast<size_t>(made)];
    std::vector<std::pair<int32_t, int32_t>> halves;
    for (size_t at = 1; at < piece.size(); ++at) {
      const auto left = ids.find(piece.substr(0, at)), right = ids.find(piece.substr(at));
      if (left != ids.end() && right != ids.end()) {
        halves.emplace_back(left->second, right->second);
      }
    }
    std::sort(halves.begin(), halves.end());
    for (const auto& [left, right] : halves) {
      model["merges"].push_back({loop.tokens()[static_cast<size_t>(left)], loop.tokens()[static_cast<size_t>(right)]});
    }
  }
}

void PieceExtender::write_unigram(const MergeLoop& loop, Json& model) const {
  const std::vector<uint64_t> counts = loop.token_counts();
  uint64_t total = 0;
  for (const uint64_t count : counts) {
    total += count;
  }
  for (size_t id = tokens_.size(); id < loop.tokens().size(); ++id) {
    const double share = static_cast<double>(std::max<uint64_t>(counts[id], 1)) / static_cast<double>(std::max<uint64_t>(total, 1));
    model["vocab"].push_back({loop.tokens()[id], std::log(share)});
  }
}

}  // namespace athanor::token
