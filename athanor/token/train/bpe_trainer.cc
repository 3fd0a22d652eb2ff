#include <algorithm>
#include <set>
#include <tuple>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_map.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/train/bpe_parts.h"
#include "athanor/token/train/count_run.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/trained_json.h"
#include "athanor/token/train/trainer.h"

namespace athanor {

namespace {

using token::Json;
using token::MergeLoop;
using token::PieceCounter;

using token::TextTotals;
using token::utf8;

// HF's compute_alphabet; among equally rare characters the larger codes go (HF: as its hash map has them).
std::vector<char32_t> hf_alphabet(const BpeTrainOptions& o, const CountSource& counts) {
  std::unordered_map<char32_t, uint64_t> seen = token::count_characters(counts);
  for (const char32_t c : token::characters_of(o.initial_alphabet)) {
    seen[c] = ~uint64_t{0};
  }
  std::vector<std::pair<uint64_t, char32_t>> kept;
  for (const auto& [c, count] : seen) {
    kept.emplace_back(~count, c);
  }
  std::sort(kept.begin(), kept.end());
  if (o.limit_alphabet > 0 && kept.size() > static_cast<size_t>(o.limit_alphabet)) {
    kept.resize(static_cast<size_t>(o.limit_alphabet));
  }
  std::vector<char32_t> alphabet;
  for (const auto& [count, c] : kept) {
    alphabet.push_back(c);
  }
  std::sort(alphabet.begin(), alphabet.end());
  return alphabet;
}

// Symbols of words whose tokens are characters, with HF's prefix and suffix; a character outside the alphabet
// is left out.
class CharacterSymbols {
 public:
  CharacterSymbols(const BpeTrainOptions& o, const CountSource& counts, MergeLoop& loop) : o_(o), loop_(loop) {
    for (const char32_t c : hf_alphabet(o, counts)) {
      known_.insert(c);
      loop.add_token(utf8(c));
    }
    if (o.continuing_prefix.empty() && o.end_of_word_suffix.empty()) {
      return;
    }
    for (const std::string& symbol : o.first_symbols) {
      loop.add_token(symbol);
    }
    std::set<std::tuple<char32_t, bool, bool>> forms;
    counts([&](std::string_view piece, int64_t) {
      visit(piece, [&](char32_t c, bool first, bool last) { forms.insert({c, first, last}); });
    });
    for (const auto& [c, first, last] : forms) {
      loop.add_token(form(c, first, last));
    }
  }

  void symbols_of(std::string_view piece, std::vector<int32_t>& out) {
    out.clear();
    visit(piece, [&](char32_t c, bool first, bool last) {
      const auto [found, is_new] = ids_.emplace(static_cast<uint64_t>(c) << 2 | first << 1 | last, 0);
      if (is_new) {
        found->second = loop_.add_token(form(c, first, last));
      }
      out.push_back(found->second);
    });
  }

 private:
  template <class Fn>
  void visit(std::string_view piece, Fn fn) const {
    const char* p = piece.data();
    for (const char *const begin = p, *const end = p + piece.size(); p != end;) {
      const bool first = p == begin;
      const char32_t c = decode_utf8(p, end);
      if (known_.contains(c)) {
        fn(c, first, p == end);
      }
    }
  }
  std::string form(char32_t c, bool first, bool last) const {
    return (first ? "" : o_.continuing_prefix) + utf8(c) + (last ? o_.end_of_word_suffix : "");
  }

  const BpeTrainOptions& o_;
  MergeLoop& loop_;
  std::set<char32_t> known_;
  std::unordered_map<uint64_t, int32_t> ids_;
};

void add_bytes(MergeLoop& loop, int32_t* byte_ids) {
  std::vector<char32_t> characters(256);
  for (int byte = 0; byte < 256; ++byte) {
    characters[byte] = token::character_of_byte(static_cast<uint8_t>(byte));
  }
  std::sort(characters.begin(), characters.end());
  for (const char32_t character : characters) {
    byte_ids[token::byte_of_character(character)] = loop.add_token(utf8(character));
  }
}

TextTotals load_hf(const BpeTrainOptions& o, bool byte_level, const CountSource& counts, MergeLoop& loop) {
  for (const std::string& token : o.special_tokens) {
    loop.add_token(token);
  }
  for (int byte = 0; o.byte_fallback && byte < 256; ++byte) {
    loop.add_token(token::byte_token(byte));
  }
  TextTotals totals;
  std::vector<int32_t> symbols;
  const auto load = [&](const auto& symbols_of) {
    counts([&](std::string_view piece, int64_t count) {
      symbols_of(piece);
      totals.bytes += piece.size() * static_cast<uint64_t>(count);
      ++totals.pieces;
      loop.add_word(symbols, count);
    });
  };
  if (byte_level) {
    int32_t byte_ids[256];
    add_bytes(loop, byte_ids);
    load([&](std::string_view piece) {
      symbols.clear();
      for (const char byte : piece) {
        symbols.push_back(byte_ids[static_cast<uint8_t>(byte)]);
      }
    });
  } else {
    CharacterSymbols characters(o, counts, loop);
    load([&](std::string_view piece) { characters.symbols_of(piece, symbols); });
  }
  return totals;
}

// In order; of two equal pairs the later stays, as when HF tokenizers writes them.
Json merges_of(const MergeLoop& loop) {
  std::unordered_map<uint64_t, size_t> last;
  for (size_t i = 0; i < loop.merges().size(); ++i) {
    last[loop.merges()[i]] = i;
  }
  Json json = Json::array();
  for (size_t i = 0; i < loop.merges().size(); ++i) {
    const uint64_t key = loop.merges()[i];
    if (last[key] == i) {
      json.push_back({loop.tokens()[key >> 32], loop.tokens()[key & 0xFFFFFFFF]});
    }
  }
  return json;
}

void set_hf_model(const BpeTrainOptions& o, const MergeLoop& loop, Json& json) {
  if (o.style == BpeStyle::kWordPiece) {
    json["model"] = {{"type", "WordPiece"},
                     {"unk_token", o.unk_token},
                     {"continuing_subword_prefix", o.continuing_prefix},
                     {"max_input_chars_per_word", 100},
                     {"vocab", token::vocabulary_of(loop.tokens())}};
    json["decoder"] = {{"type", "WordPiece"}, {"prefix", o.continuing_prefix}, {"cleanup", true}};
    return;
  }
  json["model"] = token::bpe_json(o);
  json["model"]["vocab"] = token::vocabulary_of(loop.tokens());
  json["model"]["merges"] = merges_of(loop);
}

}  // namespace

CountSource counts_of_run(const fs::path& path) {
  return [path](const CountVisitor& visit) {
    token::CountRunReader reader(path);
    while (reader.next()) {
      visit(reader.piece(), static_cast<int64_t>(reader.count()));
    }
  };
}

struct BpeTrainer::State {
  BpeTrainOptions options;
  token::PieceSource source;
  PieceCounter counter;
  Json report;

  std::string train_hf(const CountSource& counts, const TrainProgress& progress);
};

BpeTrainer::BpeTrainer(BpeTrainOptions options)
    : state_(new State{options, token::PieceSource(options.normalizer, options.pre_tokenizer), {}, {}}) {
  BpeTrainOptions& o = state_->options;
  const bool bytes = state_->source.byte_level();
  if (bytes && (o.style != BpeStyle::kHf || !o.continuing_prefix.empty() || !o.end_of_word_suffix.empty() ||
                o.byte_fallback || o.limit_alphabet > 0 || !o.initial_alphabet.empty())) {
    throw Error(ErrorKind::kUsage,
                "the pre-tokenizer '" + o.pre_tokenizer +
                    "' makes tokens of bytes: prefix, suffix, "
                    "alphabet, byte_fallback and the other styles are for characters",
                "", "pre_tokenizer: metaspace");
  }
  if (o.style == BpeStyle::kWordPiece) {
    o.continuing_prefix = o.continuing_prefix.empty() ? "##" : o.continuing_prefix;
    o.unk_token = o.unk_token.empty() ? "[UNK]" : o.unk_token;
  } else if (o.style == BpeStyle::kSentencePiece && o.unk_token.empty()) {
    o.unk_token = o.special_tokens.empty() ? "<unk>" : o.special_tokens[0];
  }
  if (!o.unk_token.empty() &&
      std::find(o.special_tokens.begin(), o.special_tokens.end(), o.unk_token) == o.special_tokens.end()) {
    throw Error(ErrorKind::kUsage, "the unknown token '" + o.unk_token + "' is none of the special tokens", "",
                "name it in special_tokens");
  }
  const int64_t least = (bytes || o.byte_fallback ? 256 : 1) + static_cast<int64_t>(o.special_tokens.size());
  if (o.vocab_size < least || o.vocab_size > token::kMaxVocabulary) {
    throw Error(ErrorKind::kUsage,
                "vocab_size must be from " + std::to_string(least) + " (the bytes and the special tokens) to " +
                    std::to_string(token::kMaxVocabulary) + ", not " + std::to_string(o.vocab_size));
  }
  // A single character could be the spelling of a byte.
  token::check_special_tokens(o.special_tokens, bytes ? 2 : 1);
}

BpeTrainer::~BpeTrainer() = default;
BpeTrainer::BpeTrainer(BpeTrainer&&) noexcept = default;
BpeTrainer& BpeTrainer::operator=(BpeTrainer&&) noexcept = default;

void BpeTrainer::add(std::string_view text) {
  state_->source.count(text, state_->counter);
}

void BpeTrainer::add(std::span<const std::string_view> texts, ThreadPool& pool) {
  std::vector<PieceCounter> counters(static_cast<size_t>(std::max(pool.num_threads(), 1)));
  pool.parallel_for(counters.size(), [&](size_t part) {
    for (size_t i = part; i < texts.size(); i += counters.size()) {
      state_->source.count(texts[i], counters[part]);
    }
  });
  for (const PieceCounter& counter : counters) {
    for (const PieceCounter::Entry& entry : counter.entries()) {
      state_->counter.add(entry.piece, entry.count);
    }
  }
}

std::string BpeTrainer::State::train_hf(const CountSource& counts, const TrainProgress& progress) {
  const BpeTrainOptions& o = options;
  MergeLoop loop({.vocab_size = o.vocab_size,
                  .min_frequency = o.min_frequency,
                  .max_token_length = static_cast<uint64_t>(o.max_token_length),
                  .prefix = o.continuing_prefix,
                  .sentencepiece = false,
                  .valid = nullptr});
  const TextTotals totals = load_hf(o, source.byte_level(), counts, loop);
  counter = PieceCounter();
  if (totals.pieces == 0) {
    throw Error(ErrorKind::kInput, "there is no text to train on", "tokenizer training");
  }
  const size_t num_first = loop.tokens().size();
  if (static_cast<int64_t>(num_first) > o.vocab_size) {
    throw Error(ErrorKind::kUsage, "vocab_size " + std::to_string(o.vocab_size) + " is less than the " + std::to_string(num_first) +
                    " special tokens and characters", "", "raise vocab_size, or set limit_alphabet");
  }
  loop.run(progress);
  report = token::bpe_report(loop, totals, o.special_tokens.size() + (o.byte_fallback ? 256 : 0),
                             loop.tokens().size());
  report["alphabet"] = num_first - o.special_tokens.size() - (o.byte_fallback ? 256 : 0);
  Json json = token::trained_frame(source, o.special_tokens);
  set_hf_model(o, loop, json);
  if (source.metaspace()) {
    json["decoder"] = token::metaspace_decoder(o.byte_fallback);
  }
  return json.dump();
}

std::string BpeTrainer::train_json(const CountSource& counts, const TrainProgress& progress) {
  if (state_->options.style == BpeStyle::kSentencePiece) {
    return token::train_sentencepiece_bpe(state_->options, state_->source, counts, progress, state_->report);
  }
  return state_->train_hf(counts, progress);
}

std::string BpeTrainer::train_json(const TrainProgress& progress) {
  return train_json(
      [this](const CountVisitor& visit) {
        for (const PieceCounter::Entry& entry : state_->counter.entries()) {
          visit(entry.piece, entry.count);
        }
      },
      progress);
}

Tokenizer BpeTrainer::train(const TrainProgress& progress) {
  return Tokenizer::from_json(train_json(progress), "the trained tokenizer");
}

const nlohmann::json& BpeTrainer::report() const {
  return state_->report;
}

}  // namespace athanor
