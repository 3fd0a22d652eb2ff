// Unigram language model (Kudo 2018), trained as SentencePiece does (google/sentencepiece,
// unigram_model_trainer.cc): seed pieces are repeated substrings by count times length; then rounds of EM
// (Bayesian M step by digamma; pieces expected less than half a time go) and of pruning by how much the
// likelihood would lose.
//
//   UnigramTrainer trainer({.vocab_size = 32000});
//   std::string json = trainer.train_json(counts_of_run(path), pool);
//
// The counts must come of a PieceSource with mark_line_ends (words that end a line are counted as the word and
// "\n"): what follows a word decides whether SentencePiece sees it as a substring of its own. Without marks the
// result is a good model still. The same bytes for any number of threads: expectations are summed as integers
// of 2^-k.
//
// Unlike SentencePiece: lines of any length count (it drops those above 4,192 bytes); sums of expectations are
// exact (it adds 32-bit floats), so scores agree to about 1e-5 and pieces but for near-ties; counts are 64 bits
// wide.
//
// Memory: 12 bytes a character of different words for the suffix array, then 4 bytes for each place where a
// seed piece stands (about 6 a character).
#pragma once

#include "athanor/token/train/trainer.h"

namespace athanor {

struct UnigramTrainOptions {
  int64_t vocab_size = 8000;  // special tokens, bytes and user symbols included
  std::vector<std::string> special_tokens = {"<unk>", "<s>", "</s>"};  // the first is the unknown token
  std::vector<std::string> user_symbols;                               // tokens of their own, never cut
  std::string pre_tokenizer = "metaspace";
  std::string normalizer;  // empty: nmt_nfkc
  bool byte_fallback = false;
  token::PieceRules pieces;
  int64_t seed_size = 1000000;
  double shrinking_factor = 0.75;
  int64_t sub_iterations = 2;
};

class UnigramTrainer {
 public:
  explicit UnigramTrainer(UnigramTrainOptions options);

  // Error(kInput) when there is no text, Error(kUsage) when the characters alone are more than vocab_size.
  std::string train_json(const CountSource& counts, ThreadPool& pool, const TrainProgress& progress = nullptr);

  // {"vocab_size", "num_seeds", "rounds", "objective" (mean -log p of a word), "num_tokens", "num_bytes",
  // "bytes_per_token", "num_pieces", "alphabet", "left_out_characters"}
  const nlohmann::json& report() const { return report_; }

 private:
  UnigramTrainOptions options_;
  nlohmann::json report_;
};

}  // namespace athanor
