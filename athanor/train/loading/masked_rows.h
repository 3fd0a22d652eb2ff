// Rows for masked language modelling (Devlin et al. 2019): some tokens are hidden and must be told from those around them;
// with next_sentence two stretches of text stand in a row, and whether the second followed the first must be told too.
// Everything is a pure function of (options, sample), so each epoch hides other tokens (Liu et al. 2019).
//
// Without next_sentence: pieces of documents, each [CLS] piece [SEP], packed by best fit (document_packing.h); pieces do
// not see each other. With it: a row is [CLS] A [SEP] B [SEP], A and B cut from one document at a drawn place, or, for half
// of the rows, B from another document.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>

#include "athanor/data/tokens/token_set.h"
#include "athanor/train/loading/document_packing.h"

namespace athanor {

// What the tokenizer calls things; ids in [0, vocab_size).
struct MaskedVocabulary {
  int32_t vocab_size = 0;
  int32_t begin = -1;      // [CLS], <s>
  int32_t separator = -1;  // [SEP], </s>
  int32_t mask = -1;
  int32_t padding = 0;
  std::vector<bool> special;     // by id: never hidden, never drawn
  std::vector<bool> continues;   // by id: goes on with the word before it (whole_words)
};

struct MaskingOptions {
  int64_t sequence_length = 256;
  int64_t seed = 1;
  double share = 0.15;         // of the tokens are chosen, each by itself; of them 80 % become mask, 10 % any token,
                               // 10 % stay
  bool whole_words = false;    // words are chosen instead of tokens
  bool next_sentence = false;
};

// B rows of T.
struct MaskedBatch {
  at::Tensor tokens_BT;    // int64, with masks in place
  at::Tensor targets_BT;   // int64, what was hidden; -1 elsewhere
  at::Tensor types_BT;     // int64, 0 and 1; next_sentence only
  at::Tensor length_B;     // int64; next_sentence only
  at::Tensor document_BT;  // int32, piece of the row; without next_sentence
  at::Tensor follows_B;    // int64, 0 = B follows A, 1 = it does not (HF's order); next_sentence only
  at::Tensor text_B;       // float, tokens that may be hidden, special ones not counted; next_sentence only
};

class MaskedRows {
 public:
  // Error(kInput) for a set without text, Error(kUsage) for a vocabulary without one of the tokens. tokens must outlive it.
  MaskedRows(const TokenSet& tokens, MaskedVocabulary vocabulary, const MaskingOptions& options);
  ~MaskedRows();

  uint64_t num_rows() const;  // an epoch
  MaskedBatch batch(uint64_t first, int64_t count) const;
  void documents(uint64_t sample, const std::function<void(uint64_t)>& see) const;

 private:
  struct Row;
  struct Pair {
    Piece first;
    Piece second;
    bool follows;
  };
  uint64_t text_length(uint64_t document) const;
  Row packed_row(uint64_t sample) const;
  Pair pair_of(uint64_t sample) const;
  Row pair_row(uint64_t sample) const;
  void append(Row& row, const Piece& piece) const;
  void hide(uint64_t sample, Row& row) const;

  const TokenSet& tokens_;
  MaskedVocabulary vocabulary_;
  MaskingOptions options_;
  std::unique_ptr<DocumentPacking> packing_;  // without next_sentence
  std::vector<uint64_t> first_piece_;         // with it: of each document, and the count of all
};

}  // namespace athanor
