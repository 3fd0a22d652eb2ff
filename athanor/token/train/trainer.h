// Training tokenizers: text in (any order, any number of calls), tokenizer.json out.
//
//   BpeTrainer trainer({.vocab_size = 8192});
//   trainer.add(text);                       // for each document
//   Tokenizer tokenizer = trainer.train();   // vocabulary and merges equal those of HF tokenizers' BpeTrainer
//   trainer.report();
//
// or from counts that stand on disk (count_run.h): trainer.train_json(counts). The result depends only on the
// multiset of pre-tokens: not on the order of texts nor on the number of threads. unigram_trainer.h has the
// other method.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/thread_pool.h"
#include "athanor/token/tokenizer.h"
#include "athanor/token/train/sentencepiece_rules.h"

namespace athanor {

// Counted pre-tokens, sorted by bytes; may be asked for more than once.
using CountVisitor = std::function<void(std::string_view piece, int64_t count)>;
using CountSource = std::function<void(const CountVisitor&)>;
CountSource counts_of_run(const fs::path& path);  // of a count_run.h file

using TrainProgress = std::function<void(double fraction)>;

enum class BpeStyle {
  kHf,             // HF's BpeTrainer
  kSentencePiece,  // SentencePiece's BPE trainer: its pieces and their order
  kWordPiece       // HF's WordPieceTrainer, which is its BpeTrainer with a prefix
};

struct BpeTrainOptions {
  // Tokens in all: special tokens, the alphabet, then merges. Fewer when no pair is frequent enough.
  int64_t vocab_size = 8192;
  // A pair seen less often becomes no token.
  int64_t min_frequency = 2;
  // They get the first ids. SentencePiece: the first is the unknown token.
  std::vector<std::string> special_tokens = {"<|endoftext|>"};
  // How text is cut, and normalised before (piece_source.h); bytes or characters follow from it.
  std::string pre_tokenizer = "gpt2";
  std::string normalizer;  // empty: the usual one of the cut

  // The rest is for characters, not bytes.
  BpeStyle style = BpeStyle::kHf;
  int64_t limit_alphabet = 0;     // keep so many characters, the most frequent (ties: the smaller code); 0: all
  std::string initial_alphabet;   // characters that are there in any case
  int64_t max_token_length = 0;   // HF's: tokens stay below it; 0: no bound
  std::string continuing_prefix;  // of symbols inside a word
  std::string end_of_word_suffix;  // of the last symbol of a word
  // Symbols with a prefix or suffix get their ids by the character's code. HF gives them as a hash map has
  // them, another order at every run, and ties go by ids: to repeat one of its runs, name them here in its
  // order.
  std::vector<std::string> first_symbols;
  std::string unk_token;       // for what is not in the alphabet
  bool byte_fallback = false;  // 256 tokens <0x00>..<0xFF> in its place
  token::PieceRules pieces;    // SentencePiece
};

// Byte-pair encoding (Sennrich, Haddow, Birch 2016). Ties: merge_loop.h.
class BpeTrainer {
 public:
  // Error(kUsage) for options that cannot be.
  explicit BpeTrainer(BpeTrainOptions options = {});
  ~BpeTrainer();
  BpeTrainer(BpeTrainer&&) noexcept;
  BpeTrainer& operator=(BpeTrainer&&) noexcept;

  void add(std::string_view text);
  void add(std::span<const std::string_view> texts, ThreadPool& pool);

  // progress (may be empty) gets fractions in [0, 1]. Once only. Error(kInput) when there was no text.
  Tokenizer train(const TrainProgress& progress = nullptr);
  std::string train_json(const TrainProgress& progress = nullptr);
  std::string train_json(const CountSource& counts, const TrainProgress& progress = nullptr);

  // After train(): {"vocab_size", "num_merges", "num_bytes", "num_tokens", "bytes_per_token", "num_pieces",
  // "num_unused_tokens", "alphabet"}: of the training text as the trained tokenizer encodes it; special tokens
  // and those for bytes do not count as unused.
  const nlohmann::json& report() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// One id a code point: <unk>, the special tokens, then the code points seen, in order. Ill-formed bytes count
// as U+FFFD.
class CharTrainer {
 public:
  explicit CharTrainer(std::vector<std::string> special_tokens = {"<|endoftext|>"});

  void add(std::string_view text);
  Tokenizer train();
  const nlohmann::json& report() const { return report_; }  // as BpeTrainer's

 private:
  std::vector<std::string> special_tokens_;
  std::vector<bool> seen_;
  uint64_t num_bytes_ = 0;
  uint64_t num_characters_ = 0;
  nlohmann::json report_;
};

// One id a word (a pre-token), the most frequent vocab_size of them; ties: by bytes. WordLevel in
// tokenizer.json.
std::string train_words(const BpeTrainOptions& options, const CountSource& counts, nlohmann::json& report);

}  // namespace athanor
