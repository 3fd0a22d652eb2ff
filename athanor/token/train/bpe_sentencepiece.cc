// BPE in SentencePiece's manner (google/sentencepiece, bpe_model_trainer.cc).
#include <algorithm>
#include <tuple>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/train/bpe_parts.h"
#include "athanor/token/train/trained_json.h"

namespace athanor::token {

namespace {

// SentencePiece's ids: special tokens, bytes, pieces as they were made, characters by count.
std::vector<std::string> sentencepiece_tokens(const BpeTrainOptions& o, const Alphabet& alphabet,
                                              const MergeLoop& loop) {
  std::vector<std::string> tokens = o.special_tokens;
  for (int byte = 0; o.byte_fallback && byte < 256; ++byte) {
    tokens.push_back(byte_token(byte));
  }
  tokens.insert(tokens.end(), loop.tokens().begin() + static_cast<std::ptrdiff_t>(alphabet.characters.size()),
                loop.tokens().end());
  std::vector<std::pair<uint64_t, char32_t>> characters;
  for (size_t i = 0; i < alphabet.characters.size(); ++i) {
    characters.emplace_back(~alphabet.counts[i], alphabet.characters[i]);
  }
  std::sort(characters.begin(), characters.end());
  for (const auto& [count, c] : characters) {
    tokens.push_back(utf8(c));
  }
  return tokens;
}

// SentencePiece merges any two pieces whose string is a piece, by its place; so every split of a piece is a
// merge.
std::string sentencepiece_merges(const std::vector<std::string>& tokens, size_t first, size_t end) {
  std::unordered_map<std::string_view, int64_t> ids;
  ids.reserve(tokens.size());
  for (size_t id = 0; id < tokens.size(); ++id) {
    ids[tokens[id]] = static_cast<int64_t>(id);
  }
  std::string merges = "[";
  std::vector<std::tuple<int64_t, int64_t, size_t>> cuts;
  for (size_t id = first; id < end; ++id) {
    const std::string_view piece = tokens[id];
    cuts.clear();
    for (size_t cut = 1; cut < piece.size(); ++cut) {
      if ((static_cast<uint8_t>(piece[cut]) & 0xC0) == 0x80) {
        continue;  // inside a character
      }
      const auto left = ids.find(piece.substr(0, cut)), right = ids.find(piece.substr(cut));
      if (left != ids.end() && right != ids.end()) {
        cuts.emplace_back(left->second, right->second, cut);
      }
    }
    std::sort(cuts.begin(), cuts.end());
    for (const auto& [left, right, cut] : cuts) {
      merges += merges.size() > 1 ? ",[" : "[";
      merges += json_string(piece.substr(0, cut)) + "," + json_string(piece.substr(cut)) + "]";
    }
  }
  return merges + "]";
}

TextTotals load_sentencepiece(const Alphabet& alphabet, const CountSource& counts, MergeLoop& loop) {
  std::vector<int32_t> ids(0x110000, -1);
  for (const char32_t c : alphabet.characters) {
    ids[c] = loop.add_token(utf8(c));
  }
  TextTotals totals;
  std::vector<int32_t> symbols;
  counts([&](std::string_view piece, int64_t count) {
    symbols.clear();
    for (const char *p = piece.data(), *end = p + piece.size(); p != end;) {
      symbols.push_back(ids[decode_utf8(p, end)]);
    }
    totals.bytes += piece.size() * static_cast<uint64_t>(count);
    ++totals.pieces;
    loop.add_word(symbols, count);
  });
  return totals;
}

}  // namespace

std::string train_sentencepiece_bpe(const BpeTrainOptions& o, const PieceSource& source,
                                    const CountSource& counts, const TrainProgress& progress, Json& report) {
  const Alphabet alphabet = choose_alphabet(count_characters(counts), o.pieces);
  const auto num_meta = static_cast<int64_t>(o.special_tokens.size()) + (o.byte_fallback ? 256 : 0);
  const auto num_characters = static_cast<int64_t>(alphabet.characters.size());
  if (alphabet.counted == 0) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  if (num_meta + num_characters > o.vocab_size) {
    throw Error(ErrorKind::kUsage,
                "vocab_size " + std::to_string(o.vocab_size) + " is less than the " +
                    std::to_string(num_meta + num_characters) + " special tokens and characters",
                "", "raise vocab_size or lower character_coverage");
  }
  MergeLoop loop({.vocab_size = o.vocab_size - num_meta,
                  .min_frequency = o.min_frequency,
                  .max_token_length = 0,
                  .prefix = "",
                  .sentencepiece = true,
                  .valid = [&](std::string_view text) {
                    const std::vector<char32_t> characters = characters_of(text);
                    return valid_piece(characters.data(), characters.data() + characters.size(), o.pieces);
                  }});
  const TextTotals totals = load_sentencepiece(alphabet, counts, loop);
  loop.run(progress);
  const std::vector<std::string> tokens = sentencepiece_tokens(o, alphabet, loop);
  report = bpe_report(loop, totals, 0, tokens.size());
  report["alphabet"] = num_characters;
  report["left_out_characters"] = alphabet.num_left_out;
  Json json = trained_frame(source, o.special_tokens);
  json["model"] = bpe_json(o);
  json["model"]["vocab"] = vocabulary_of(tokens);
  const size_t first = static_cast<size_t>(num_meta);
  json["model"]["merges"] = Json::array();
  json["decoder"] = metaspace_decoder(o.byte_fallback);
  std::string text = json.dump();
  const std::string_view empty = "\"merges\":[]";  // in a token its quotes would be escaped
  const size_t at = text.find(empty) + empty.size() - 2;
  return text.replace(at, 2, sentencepiece_merges(tokens, first, tokens.size() - alphabet.characters.size()));
}

}  // namespace athanor::token
