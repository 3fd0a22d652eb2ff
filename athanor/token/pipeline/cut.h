// The two things that pre-tokenizers do: cut pieces at matches, and write the text of pieces anew.
#pragma once

#include <functional>
#include <string_view>

#include "athanor/token/pipeline/pre_tokenizer.h"

namespace athanor::token {

// What becomes of a match. HF's SplitDelimiterBehavior.
enum class Behavior { kRemoved, kIsolated, kMergedWithPrevious, kMergedWithNext, kContiguous };

using FoundMatch = std::function<void(size_t begin, size_t end)>;
// Reports every match in text, in order and apart.
using FindMatches = std::function<void(std::string_view text, const FoundMatch& found)>;

// Cuts each piece that is no added token. invert: what lies between matches counts as match, and the other way round.
void cut(Pieces& pieces, Behavior behavior, bool invert, const FindMatches& find);

// The new text of a piece, written from left to right.
class Rebuilt {
 public:
  Rebuilt(const Aligned& from, size_t piece_begin, Aligned& to) : from_(from), begin_(piece_begin), to_(to) {}
  // text takes the span of byte `at` of the old piece.
  void put(std::string_view text, size_t at);
  void copy(size_t begin, size_t end);

 private:
  const Aligned& from_;
  size_t begin_;
  Aligned& to_;
};
void rebuild(Pieces& pieces, const std::function<void(const Piece&, std::string_view text, Rebuilt& out)>& write);

}  // namespace athanor::token
