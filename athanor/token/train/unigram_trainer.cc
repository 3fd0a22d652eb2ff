#include "athanor/token/train/unigram_trainer.h"

#include <algorithm>
#include <cmath>
#include <unordered_map>

#include "athanor/base/error.h"
#include "athanor/token/model/vocabulary.h"
#include "athanor/token/train/bpe_parts.h"
#include "athanor/token/train/trained_json.h"
#include "athanor/token/train/unigram_steps.h"

namespace athanor {

namespace {

using token::Json;
using token::PieceGrid;
using token::SeedPiece;
using token::UnigramText;

constexpr float kLeastExpected = 0.5;
constexpr float kRequiredStep = 0.0001;  // between required characters that are no piece

double digamma(double x) {
  double result = 0;
  for (; x < 7; ++x) {
    result -= 1 / x;
  }
  x -= 0.5;
  const double xx = 1 / x, xx2 = xx * xx, xx4 = xx2 * xx2;
  return result + std::log(x) + xx2 / 24 - 7.0 / 960 * xx4 + 31.0 / 8064 * xx4 * xx2 -
         127.0 / 30720 * xx4 * xx4;
}

// The state of training: pieces with their scores, and where they stand.
class Rounds {
 public:
  Rounds(const UnigramText& text, token::Seeds seeds, ThreadPool& pool)
      : text_(text), pool_(pool), grid_(text, seeds, pool), pieces_(std::move(seeds.pieces)) {
    for (const SeedPiece& piece : pieces_) {
      scores_.push_back(piece.score);
    }
  }

  size_t size() const { return pieces_.size(); }
  const std::vector<SeedPiece>& pieces() const { return pieces_; }
  const std::vector<float>& scores() const { return scores_; }
  double objective() const { return objective_; }
  uint64_t num_tokens() const { return token::cut_best(text_, grid_, scores_, pool_).num_tokens; }

  // The M step is the Bayesian one of Liang and Klein 2007.
  void step() {
    const token::Expectation expected = token::expect(text_, grid_, scores_, pool_);
    objective_ = expected.objective;
    std::vector<bool> keep(size());
    float sum = 0;  // as SentencePiece adds them
    for (size_t i = 0; i < size(); ++i) {
      const float frequency = static_cast<float>(expected.pieces[i]);
      keep[i] = frequency >= kLeastExpected;
      sum += keep[i] ? frequency : 0;
    }
    const float log_sum = static_cast<float>(digamma(sum));
    for (size_t i = 0; i < size(); ++i) {
      if (keep[i]) {
        scores_[i] =
            static_cast<float>(digamma(static_cast<float>(expected.pieces[i])) - static_cast<double>(log_sum));
      }
    }
    keep_only(keep);
  }

  // Keeps at most `target` pieces, those whose loss would cost most.
  void prune(size_t target) {
    const std::vector<token::Alternative> others = token::find_alternatives(grid_, pieces_, scores_, pool_);
    const token::BestCuts cuts = token::cut_best(text_, grid_, scores_, pool_);
    const double sum = static_cast<double>(cuts.num_tokens);
    std::vector<bool> keep(size());
    std::vector<std::pair<float, size_t>> losses;
    size_t num_kept = 0;
    for (size_t i = 0; i < size(); ++i) {
      if (cuts.pieces[i] == 0 || others[i].better) {
        continue;
      }
      if (others[i].pieces.empty()) {
        keep[i] = true;
        ++num_kept;
      } else {
        losses.emplace_back(-loss(i, others[i].pieces, cuts, sum), i);
      }
    }
    std::sort(losses.begin(), losses.end());
    std::vector<size_t>
        order;  // SentencePiece puts the sure ones first, then by loss; later ties go by that order
    for (size_t i = 0; i < size(); ++i) {
      if (keep[i]) {
        order.push_back(i);
      }
    }
    for (size_t i = 0; i < losses.size() && num_kept < target; ++i, ++num_kept) {
      order.push_back(losses[i].second);
    }
    reorder(order);
  }

 private:
  float loss(size_t i, const std::vector<int32_t>& others, const token::BestCuts& cuts, double sum) const {
    const double frequency = static_cast<double>(cuts.pieces[i]);
    const double with = std::log(frequency) - std::log(sum);
    const double log_sum = std::log(sum + frequency * static_cast<double>(others.size() - 1));
    double without = 0;
    for (const int32_t other : others) {
      without += std::log(static_cast<double>(cuts.pieces[other]) + frequency) - log_sum;
    }
    return static_cast<float>(frequency / static_cast<double>(text_.counted) * (with - without));
  }

  void keep_only(const std::vector<bool>& keep) {
    std::vector<size_t> order;
    for (size_t i = 0; i < size(); ++i) {
      if (keep[i]) {
        order.push_back(i);
      }
    }
    if (order.size() < size()) {
      reorder(order);
    }
  }

  void reorder(const std::vector<size_t>& order) {
    std::vector<int32_t> to(size(), -1);
    std::vector<SeedPiece> pieces;
    std::vector<float> scores;
    for (size_t i = 0; i < order.size(); ++i) {
      to[order[i]] = static_cast<int32_t>(i);
      pieces.push_back(pieces_[order[i]]);
      scores.push_back(scores_[order[i]]);
    }
    grid_.renumber(to, pool_);
    pieces_.swap(pieces);
    scores_.swap(scores);
  }

  const UnigramText& text_;
  ThreadPool& pool_;
  PieceGrid grid_;
  std::vector<SeedPiece> pieces_;
  std::vector<float> scores_;
  double objective_ = 0;
};

using ScoredPiece =
    std::pair<float, std::string>;  // the score negated, so that sorting is SentencePiece's order

// Required characters, then the best pieces, until there are `target`.
std::vector<ScoredPiece> final_pieces(const UnigramText& text, const Rounds& rounds, size_t target) {
  std::vector<ScoredPiece> sorted;
  std::unordered_map<std::string, float> scores;
  float least = 0;
  for (size_t i = 0; i < rounds.size(); ++i) {
    const std::string piece = text.utf8_at(rounds.pieces()[i].begin, rounds.pieces()[i].length);
    sorted.emplace_back(-rounds.scores()[i], piece);
    scores[piece] = rounds.scores()[i];
    least = std::min(least, rounds.scores()[i]);
  }
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::pair<uint64_t, char32_t>> required;
  for (size_t i = 0; i < text.alphabet.characters.size(); ++i) {
    required.emplace_back(~text.alphabet.counts[i], text.alphabet.characters[i]);
  }
  std::sort(required.begin(), required.end());
  std::unordered_map<std::string, float> taken;
  float penalty = 0;
  for (const auto& [count, c] : required) {
    const auto found = scores.find(token::utf8(c));
    taken[token::utf8(c)] = found != scores.end() ? found->second : least + penalty;
    penalty += found != scores.end() ? 0 : kRequiredStep;
  }
  for (const auto& [score, piece] : sorted) {
    if (taken.size() >= target) {
      break;
    }
    taken.emplace(piece, -score);
  }
  std::vector<ScoredPiece> out;
  for (const auto& [piece, score] : taken) {
    out.emplace_back(-score, piece);
  }
  std::sort(out.begin(), out.end());
  return out;
}

void check_options(const UnigramTrainOptions& o) {
  token::check_special_tokens(o.special_tokens, 1);
  token::check_special_tokens(o.user_symbols, 1);
  if (o.special_tokens.empty()) {
    throw Error(ErrorKind::kUsage, "a Unigram tokenizer needs an unknown token", "",
                "special_tokens: [<unk>, <s>, </s>]");
  }
  if (o.pieces.max_piece_length > PieceGrid::kMaxLength) {
    throw Error(ErrorKind::kUsage,
                "a piece may have at most " + std::to_string(PieceGrid::kMaxLength) + " characters");
  }
  if (o.vocab_size > token::kMaxVocabulary) {
    throw Error(ErrorKind::kUsage, "vocab_size is above " + std::to_string(token::kMaxVocabulary));
  }
  if (token::PieceSource(o.normalizer, o.pre_tokenizer).byte_level()) {
    throw Error(ErrorKind::kUsage, "the pre-tokenizer '" + o.pre_tokenizer + "' makes tokens of bytes", "",
                "a Unigram model is of characters: pre_tokenizer: metaspace");
  }
}

Json model_json(const UnigramTrainOptions& o, const std::vector<ScoredPiece>& pieces) {
  Json vocab = Json::array();
  for (const std::string& token : o.special_tokens) {
    vocab.push_back({token, 0.0});
  }
  for (int byte = 0; o.byte_fallback && byte < 256; ++byte) {
    vocab.push_back({token::byte_token(byte), 0.0});
  }
  for (const std::string& token : o.user_symbols) {
    vocab.push_back({token, 0.0});
  }
  for (const auto& [score, piece] : pieces) {
    vocab.push_back({piece, -static_cast<double>(score)});
  }
  return {{"type", "Unigram"}, {"unk_id", 0}, {"vocab", std::move(vocab)}, {"byte_fallback", o.byte_fallback}};
}

}  // namespace

UnigramTrainer::UnigramTrainer(UnigramTrainOptions options) : options_(std::move(options)) {
  check_options(options_);
}

std::string UnigramTrainer::train_json(const CountSource& counts, ThreadPool& pool,
                                       const TrainProgress& progress) {
  const UnigramTrainOptions& o = options_;
  const auto tell = [&](double fraction) {
    if (progress) {
      progress(fraction);
    }
  };
  const UnigramText text = token::load_words(counts, o.pieces);
  const int64_t num_meta =
      static_cast<int64_t>(o.special_tokens.size() + o.user_symbols.size()) + (o.byte_fallback ? 256 : 0);
  const auto num_characters = static_cast<int64_t>(text.alphabet.characters.size());
  if (num_meta + num_characters >= o.vocab_size) {
    throw Error(ErrorKind::kUsage,
                "vocab_size " + std::to_string(o.vocab_size) + " does not exceed the " +
                    std::to_string(num_meta + num_characters) + " special tokens and characters",
                "", "raise vocab_size or lower character_coverage");
  }
  tell(0.05);
  Rounds rounds(text, token::make_seeds(text, o.pieces, static_cast<size_t>(o.seed_size)), pool);
  const size_t num_seeds = rounds.size();
  tell(0.3);
  const auto wanted = static_cast<size_t>(static_cast<double>(o.vocab_size) * 1.1);
  int num_rounds = 0;
  for (;;) {
    for (int64_t i = 0; i < o.sub_iterations; ++i) {
      rounds.step();
    }
    ++num_rounds;
    const double way = std::log(static_cast<double>(num_seeds) / static_cast<double>(rounds.size())) /
                       std::log(std::max(1.01, static_cast<double>(num_seeds) / static_cast<double>(wanted)));
    tell(0.3 + 0.65 * std::clamp(way, 0.0, 1.0));
    if (rounds.size() > wanted) {
      rounds.prune(
          std::max(wanted, static_cast<size_t>(o.shrinking_factor * static_cast<double>(rounds.size()))));
    }
    if (rounds.size() <= wanted) {  // with the scores of the round before, as SentencePiece 0.2.3
      break;
    }
  }
  const std::vector<ScoredPiece> pieces =
      final_pieces(text, rounds, static_cast<size_t>(o.vocab_size - num_meta));
  const uint64_t num_tokens = rounds.num_tokens();
  report_ = {{"vocab_size", static_cast<int64_t>(pieces.size()) + num_meta},
             {"num_seeds", num_seeds},
             {"rounds", num_rounds},
             {"objective", rounds.objective()},
             {"num_tokens", num_tokens},
             {"num_bytes", text.counted_bytes},
             {"bytes_per_token",
              static_cast<double>(text.counted_bytes) / static_cast<double>(std::max<uint64_t>(1, num_tokens))},
             {"num_pieces", text.num_pieces},
             {"alphabet", num_characters},
             {"left_out_characters", text.alphabet.num_left_out}};
  token::PieceSource source(o.normalizer, o.pre_tokenizer);
  Json json = token::trained_frame(source, o.special_tokens);
  for (size_t i = 0; i < o.user_symbols.size(); ++i) {
    Json added = token::added_token_json(
        static_cast<int32_t>(o.special_tokens.size() + (o.byte_fallback ? 256 : 0) + i), o.user_symbols[i]);
    added["special"] = false;
    json["added_tokens"].push_back(std::move(added));
  }
  json["model"] = model_json(o, pieces);
  if (source.metaspace()) {
    json["decoder"] = token::metaspace_decoder(o.byte_fallback);
  }
  tell(1);
  return json.dump();
}

}  // namespace athanor
