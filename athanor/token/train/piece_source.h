// From texts to counted pieces: the normaliser and the cut that a tokenizer is trained with, by the names that
// recipes use, and the same as fields of the tokenizer.json that comes of it.
//
//   const PieceSource source("nmt_nfkc", "metaspace");
//   source.count(text, counter);      // thread-safe
//   Json json = source.frame();       // "normalizer", "pre_tokenizer", "decoder"
#pragma once

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "athanor/token/pipeline/normalizer.h"
#include "athanor/token/split/split.h"
#include "athanor/token/train/piece_counter.h"

namespace athanor::token {

struct CutKind {
  const char* name;  // in recipes
  const char* about;
  const char* normalizer;  // the usual one with it
  bool byte_level;
};
// The families of split.h first, then metaspace, whitespace, whitespace_split, bert.
std::span<const CutKind> cut_kinds();

struct NormalKind {
  const char* name;
  const char* about;
};
std::span<const NormalKind> normal_kinds();

class PieceSource {
 public:
  // An empty normalizer is the usual one of the cut. mark_line_ends: metaspace only; a word that ends a line is
  // counted as the word and "\n", which tells the Unigram trainer what SentencePiece sees. Error(kUsage) for an
  // unknown name.
  PieceSource(const std::string& normalizer, const std::string& pre_tokenizer, bool mark_line_ends = false);

  void count(std::string_view text, PieceCounter& counter) const;
  bool byte_level() const { return kind_->byte_level; }
  bool metaspace() const;
  Json frame() const;

 private:
  void count_lines(std::string_view text, PieceCounter& counter) const;

  const CutKind* kind_;
  const SplitKind* split_ = nullptr;  // null when the cut is none of split.h's
  std::string normalizer_;
  std::vector<NormalizerStep> steps_;
  bool mark_line_ends_;
};

}  // namespace athanor::token
