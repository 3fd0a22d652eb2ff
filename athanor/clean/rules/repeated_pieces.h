// Repeated pieces of one document: lines, paragraphs. Pieces are compared by a 64-bit hash (XXH3), so two different
// ones are taken for equal with a chance of 2^-64 a pair.
#pragma once

#include <cstddef>
#include <string_view>
#include <vector>

namespace athanor {

struct CountedPiece {
  std::string_view text;
  size_t num_chars;  // code points
};

struct RepeatedPieces {
  size_t pieces = 0;  // that occurred before in the list
  size_t chars = 0;   // code points in them
};

RepeatedPieces find_repeated_pieces(const std::vector<CountedPiece>& pieces);

}  // namespace athanor
