#include "athanor/clean/rules/repeated_pieces.h"

#include "athanor/base/hash.h"
#include "athanor/clean/hash_counter.h"

namespace athanor {

RepeatedPieces find_repeated_pieces(const std::vector<CountedPiece>& pieces) {
  RepeatedPieces found;
  HashCounter seen;
  seen.reset(pieces.size());
  for (const CountedPiece& piece : pieces) {
    if (seen[xxh3_64(piece.text)]++ > 0) {
      ++found.pieces;
      found.chars += piece.num_chars;
    }
  }
  return found;
}

}  // namespace athanor
