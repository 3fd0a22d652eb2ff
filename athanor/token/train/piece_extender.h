// Extending tokenizers whose pieces are characters: BPE in SentencePiece's manner (Llama 2, Gemma) and Unigram. What
// TokenizerExtender of adapt.h does with them.
//
// First come the characters of the new text that the vocabulary lacks, the most frequent ones, at most half of the new
// tokens; then pieces, merged from how the old tokenizer cuts the text, most frequent first, as SentencePiece's BPE
// trainer makes them (one script, at most 16 characters, the space mark only in front).
//  - BPE: merges that make a new piece, every way to make it (as SentencePiece has it), come after the old ones: a
//    text is cut as ever, and then joined further.
//  - Unigram: a new piece's score is the logarithm of its share of the tokens that the new text is cut into; old scores
//    stay. A text may then also be cut elsewhere than before.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/pipeline/pre_tokenizer.h"
#include "athanor/token/train/adapt.h"

namespace athanor::token {

class MergeLoop;

class PieceExtender {
 public:
  // Error(kInput) naming the field for what cannot be extended so.
  PieceExtender(const std::string& text, const std::string& where);

  void count(std::string_view text, PieceCounter& counter) const;
  AdaptedTokenizer extend(const CountSource& counts, int64_t num_tokens, int64_t min_frequency,
                          const TrainProgress& progress) const;

 private:
  std::vector<char32_t> new_characters(const CountSource& counts, int64_t most, int64_t min_frequency) const;
  // The old ids of a stretch without new characters; -1 for what never merges.
  void cut(std::string_view stretch, std::vector<int32_t>& ids) const;
  void write_bpe(const MergeLoop& loop, Json& model) const;
  void write_unigram(const MergeLoop& loop, Json& model) const;

  Json json_;
  std::string where_;
  bool unigram_ = false;
  std::vector<std::string> tokens_;  // by id; empty for a hole
  std::vector<bool> merges_;         // by id: a token of text, not a byte, not unknown, not added
  std::vector<NormalizerStep> normalizers_;
  PreTokenizerChain chain_;
  std::unique_ptr<Tokenizer> whole_;  // encodes a piece without cutting it again
};

}  // namespace athanor::token
