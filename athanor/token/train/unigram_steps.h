// The passes over all words in Unigram training: expectations (forward and backward), and best cuts (Viterbi).
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/token/train/unigram_words.h"

namespace athanor::token {

// A place that no piece of one character covers can be passed at this cost below the lowest score, as
// SentencePiece's unknown piece; it counts for piece 0, as there.
inline constexpr float kUnknownPenalty = 10;

struct Expectation {
  std::vector<double> pieces;  // how often each is expected
  double objective;            // mean of -log p of a word
};
Expectation expect(const UnigramText& text, const PieceGrid& grid, const std::vector<float>& scores,
                   ThreadPool& pool);

struct BestCuts {
  std::vector<uint64_t> pieces;  // how often each stands in the best cuts of all words
  uint64_t num_tokens;
};
BestCuts cut_best(const UnigramText& text, const PieceGrid& grid, const std::vector<float>& scores,
                  ThreadPool& pool);

// The best cut of each piece's string that is not the piece itself.
struct Alternative {
  bool better = false;          // than the piece: it is never used
  std::vector<int32_t> pieces;  // empty for a single character
};
std::vector<Alternative> find_alternatives(const PieceGrid& grid, const std::vector<SeedPiece>& pieces,
                                           const std::vector<float>& scores, ThreadPool& pool);

}  // namespace athanor::token
