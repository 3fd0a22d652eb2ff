// The words of Unigram training as one row of characters, and every place where a piece may stand in them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/token/train/sentencepiece_rules.h"
#include "athanor/token/train/trainer.h"

namespace athanor::token {

struct UnigramWord {
  int32_t begin, length;  // in UnigramText::text
  int64_t count;
};

// Symbols: 0 and 1 end a word (before a space; at the end of a line), then the characters in the order of their
// codes; characters outside the alphabet are all kUncovered. text holds `words` first, each once; what the end
// of a line adds for the suffix array (the same word again) comes after num_training symbols.
struct UnigramText {
  std::vector<int32_t> text;
  std::vector<UnigramWord> words;
  int32_t num_training = 0;
  std::vector<int64_t> weights;      // of words, then of the extra ones: for the suffix array
  std::vector<int32_t> word_ends;    // place after each of these in text
  std::vector<char32_t> characters;  // of symbols
  Alphabet alphabet;
  uint64_t counted = 0;        // words
  uint64_t counted_bytes = 0;  // of the text
  uint64_t num_pieces = 0;     // different words

  std::string utf8_at(int32_t begin, int32_t length) const;
};

// Error(kInput) for no text, Error(kResource) when the different words are too long for 32-bit places.
UnigramText load_words(const CountSource& counts, const PieceRules& rules);

struct SeedPiece {
  int32_t begin, length;  // a place in the training part of text
  int32_t left, right;    // of the suffix array; empty for a character
  float score;            // log probability
};

struct Seeds {
  std::vector<SeedPiece> pieces;  // characters by count, then substrings by count times length
  std::vector<int32_t> sa;
};
Seeds make_seeds(const UnigramText& text, const PieceRules& rules, size_t seed_size);

// Where pieces stand: for each place of the training text the pieces that begin there, shorter first. Kept in
// chunks of whole words, so that threads share the work and pieces can be taken out.
class PieceGrid {
 public:
  static constexpr int kLengthBits = 6;  // an edge is piece << 6 | length
  static constexpr int64_t kMaxLength = (1 << kLengthBits) - 1;

  struct Chunk {
    size_t first_word, end_word;
    int32_t begin, end;           // places
    std::vector<uint32_t> edges;  // of all places in turn; counts() says how many each has
  };

  PieceGrid(const UnigramText& text, const Seeds& seeds, ThreadPool& pool);

  size_t num_chunks() const { return chunks_.size(); }
  const Chunk& chunk(size_t i) const { return chunks_[i]; }
  const std::vector<uint8_t>& counts() const { return counts_; }
  // Edges of the piece's own string, at any place: begin is where it stands. Calls fn(offset, piece, length),
  // for the offsets in turn.
  template <class Fn>
  void within(int32_t begin, int32_t length, Fn fn) const {
    const Chunk& chunk = chunk_at(begin);
    size_t at = first_edge(chunk, begin);
    for (int32_t i = 0; i < length; ++i) {
      for (int k = 0; k < counts_[begin + i]; ++k) {
        const uint32_t edge = chunk.edges[at + static_cast<size_t>(k)];
        if (i + static_cast<int32_t>(edge & kMaxLength) <= length) {
          fn(i, edge >> kLengthBits, static_cast<int32_t>(edge & kMaxLength));
        }
      }
      at += counts_[begin + i];
    }
  }

  // Pieces get new numbers; those with -1 are taken out.
  void renumber(const std::vector<int32_t>& to, ThreadPool& pool);
  uint64_t num_edges() const;

 private:
  const Chunk& chunk_at(int32_t place) const;
  size_t first_edge(const Chunk& chunk, int32_t place) const;
  void cut_chunks(const UnigramText& text);
  void index();

  std::vector<Chunk> chunks_;
  std::vector<uint8_t> counts_;
  std::vector<uint32_t>
      marks_;  // edges of the chunk before every kMark-th place of it, so that a place is found at once
  std::vector<size_t> first_mark_;
};

}  // namespace athanor::token
