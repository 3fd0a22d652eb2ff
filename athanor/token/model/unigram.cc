#include "athanor/token/model/unigram.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/token/file/canonical_json.h"
#include "athanor/token/model/byte_trie.h"
#include "athanor/token/model/lattice.h"

namespace athanor::token {

namespace {

constexpr double kUnknownPenalty = 10;
constexpr size_t kShortPiece = 63;  // up to here the path is on the stack

class Unigram : public TokenModel {
 public:
  // scores: by id. unknown: -1 for none. byte_ids: of "<0x00>" to "<0xFF>", -1 where there is none; empty without
  // byte_fallback. unmatched: by id, whether text never becomes that token.
  Unigram(const Vocabulary& vocabulary, std::vector<double> scores, int32_t unknown, std::vector<int32_t> byte_ids,
          std::vector<bool> unmatched, std::string where)
      : vocabulary_(vocabulary),
        scores_(std::move(scores)),
        unknown_(unknown),
        byte_ids_(std::move(byte_ids)),
        unmatched_(std::move(unmatched)),
        where_(std::move(where)) {
    std::vector<std::pair<std::string_view, int32_t>> strings;
    double lowest = std::numeric_limits<double>::infinity();
    for (int32_t id = 0; id < vocabulary.size(); ++id) {
      if (!unmatched_[id]) {
        strings.emplace_back(vocabulary.token(id), id);
        lowest = std::min(lowest, scores_[id]);
      }
    }
    unknown_score_ = strings.empty() ? 0 : lowest - kUnknownPenalty;
    trie_ = ByteTrie(std::move(strings));
  }

  void encode(std::string_view piece, Workspace& work, std::vector<int32_t>& ids) const override {
    emit(piece, work, ids, nullptr);
  }

  void encode_spans(std::string_view piece, Workspace& work, std::vector<int32_t>& ids,
                    std::vector<Span>& spans) const override {
    emit(piece, work, ids, &spans);
  }

  void encode_sampled(std::string_view piece, const Sampling& sampling, Rng& rng, Workspace& work,
                      std::vector<int32_t>& ids) const override {
    if (sampling.alpha <= 0 && sampling.nbest < 2) {
      return encode(piece, work, ids);
    }
    Lattice lattice(piece.size());
    for (size_t at = 0; at < piece.size(); at += character_size(piece, at)) {
      add_nodes(piece, at, [&](size_t end, int32_t id, double score) { lattice.add(at, end, id, score); });
    }
    std::vector<Lattice::Step> path = sampling.nbest > 1 ? lattice.sample_best(sampling.nbest, sampling.alpha, rng)
                                                         : lattice.sample(sampling.alpha, rng);
    for (size_t i = 0; i < path.size();) {
      size_t last = i;
      while (path[i].id == unknown_ && last + 1 < path.size() && path[last + 1].id == unknown_) {
        ++last;
      }
      emit_token(piece, path[i].begin, path[last].end, path[i].id, ids, nullptr);
      i = last + 1;
    }
  }

  void write(const Vocabulary& vocabulary, std::string& out) const override {
    out += "\"vocab\": [";
    const char* separator = "\n";
    for (int32_t id = 0; id < static_cast<int32_t>(scores_.size()); ++id) {
      out += separator;
      out += "      [" + json_string(vocabulary.token(id)) + ", " + json_number(scores_[id]) + "]";
      separator = ",\n";
    }
    out += scores_.empty() ? "]" : "\n    ]";
  }

 private:
  static size_t character_size(std::string_view piece, size_t at) {
    const uint8_t lead = static_cast<uint8_t>(piece[at]);
    const size_t size = lead < 0xC0 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
    return std::min(size, piece.size() - at);
  }

  // Calls add(end, id, score) for each token that begins at `at`, shortest first, and for the unknown character when
  // no token is just that character.
  template <typename Add>
  void add_nodes(std::string_view piece, size_t at, const Add& add) const {
    const size_t character_end = at + character_size(piece, at);
    bool has_single = false;
    uint32_t node = ByteTrie::kRoot;
    for (size_t end = at; end < piece.size();) {
      node = trie_.child(node, static_cast<uint8_t>(piece[end]));
      if (node == ByteTrie::kNone) {
        break;
      }
      ++end;
      const int32_t id = trie_.value(node);
      if (id >= 0) {
        add(end, id, scores_[id]);
        has_single |= end == character_end;
      }
    }
    if (!has_single) {
      if (unknown_ < 0) {
        throw Error(ErrorKind::kInput,
                    "a character is not covered by the Unigram vocabulary, and model.unk_id is null: " +
                        json_string(piece.substr(at, character_end - at)),
                    where_, "set model.unk_id to the id of the unknown token");
      }
      add(character_end, unknown_, unknown_score_);
    }
  }

  void emit(std::string_view piece, Workspace& work, std::vector<int32_t>& ids, std::vector<Span>* spans) const {
    if (piece.size() >= std::numeric_limits<uint32_t>::max()) {
      throw Error(ErrorKind::kInput, "one pre-token of 4 GiB or more");
    }
    if (piece.size() <= kShortPiece) {
      PathNode path[kShortPiece + 1];
      return emit(piece, path, ids, spans);
    }
    work.path.resize(piece.size() + 1);
    emit(piece, work.path.data(), ids, spans);
  }

  // path: one node for each end of a token in piece, and one for its start.
  void emit(std::string_view piece, PathNode* path, std::vector<int32_t>& ids, std::vector<Span>* spans) const {
    const uint32_t size = static_cast<uint32_t>(piece.size());
    constexpr uint32_t kNone = ~uint32_t{0};
    std::fill_n(path, size + 1, PathNode{0, kNone, 0});
    for (uint32_t at = 0; at < size; at += static_cast<uint32_t>(character_size(piece, at))) {
      const double so_far = path[at].score;
      add_nodes(piece, at, [&](size_t end, int32_t id, double score) {
        if (path[end].begin == kNone || score + so_far > path[end].score) {
          path[end] = {score + so_far, at, id};
        }
      });
    }
    uint32_t after = size;
    for (uint32_t end = size; end > 0;) {  // turns the links round: path[begin].begin is where the next token ends
      const uint32_t begin = path[end].begin;
      path[end].begin = after;
      after = end;
      end = begin;
    }
    path[0].begin = after;
    for (uint32_t begin = 0; begin < size;) {
      uint32_t end = path[begin].begin;
      const int32_t id = path[end].id;
      while (id == unknown_ && end < size && path[path[end].begin].id == unknown_) {
        end = path[end].begin;
      }
      emit_token(piece, begin, end, id, ids, spans);
      begin = end;
    }
  }

  // A run of unknown characters may be a token all the same, if a bad one.
  void emit_token(std::string_view piece, size_t begin, size_t end, int32_t id, std::vector<int32_t>& ids,
                  std::vector<Span>* spans) const {
    const Span span{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
    const auto push = [&](int32_t token) {
      ids.push_back(token);
      if (spans != nullptr) {
        spans->push_back(span);
      }
    };
    if (id != unknown_) {
      return push(id);
    }
    const std::string_view run = piece.substr(begin, end - begin);
    if (const std::optional<int32_t> known = vocabulary_.find(run); known && !unmatched_[*known]) {
      return push(*known);
    }
    const auto has_token = [&](char byte) { return byte_ids_[static_cast<uint8_t>(byte)] >= 0; };
    if (byte_ids_.empty() || !std::all_of(run.begin(), run.end(), has_token)) {
      return push(unknown_);
    }
    for (const char byte : run) {
      push(byte_ids_[static_cast<uint8_t>(byte)]);
    }
  }

  const Vocabulary& vocabulary_;  // the tokenizer's, which outlives its model
  ByteTrie trie_;
  std::vector<double> scores_;
  double unknown_score_;
  int32_t unknown_;
  std::vector<int32_t> byte_ids_;
  std::vector<bool> unmatched_;
  std::string where_;
};

double read_score(const Field& field) {
  if (!field.value().is_number() || !std::isfinite(field.value().get<double>())) {
    field.fail("must be a finite number");
  }
  return field.value().get<double>();
}

}  // namespace

std::unique_ptr<TokenModel> make_unigram(const Field& model, bool byte_level, Vocabulary& vocabulary) {
  if (byte_level) {
    model.at("vocab").fail("is a Unigram, which does not go with a ByteLevel pre_tokenizer");
  }
  const Field list = model.at("vocab");
  if (list.list().size() > static_cast<size_t>(kMaxVocabulary)) {
    list.fail("holds more than " + std::to_string(kMaxVocabulary) + " tokens");
  }
  std::vector<double> scores;
  scores.reserve(list.value().size());
  for (size_t i = 0; i < list.value().size(); ++i) {
    const Field entry = list.item(i);
    if (entry.list().size() != 2) {
      entry.fail("must hold a token and its score");
    }
    if (!vocabulary.add(entry.item(0).string(), static_cast<int32_t>(i))) {
      entry.fail("is the token " + json_string(entry.item(0).string()) + ", which is there already");
    }
    scores.push_back(read_score(entry.item(1)));
  }
  const std::optional<Field> unknown = model.find("unk_id");
  const int32_t unknown_id =
      unknown ? static_cast<int32_t>(unknown->integer(0, static_cast<int64_t>(scores.size()) - 1)) : -1;
  std::vector<bool> unmatched(scores.size());
  if (const std::optional<Field> ids = model.find("unmatched_ids")) {  // our own: file/sentencepiece.cc
    for (size_t i = 0; i < ids->list().size(); ++i) {
      unmatched[static_cast<size_t>(ids->item(i).integer(0, static_cast<int64_t>(scores.size()) - 1))] = true;
    }
  }
  return std::make_unique<Unigram>(vocabulary, std::move(scores), unknown_id,
                                   model.flag("byte_fallback", false) ? byte_tokens(vocabulary) : std::vector<int32_t>(),
                                   std::move(unmatched), model.where());
}

}  // namespace athanor::token
