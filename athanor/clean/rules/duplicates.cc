#include "athanor/clean/rules/duplicates.h"

#include "athanor/base/hash.h"
#include "athanor/clean/hash_counter.h"

namespace athanor {

Duplicates find_duplicates(const std::vector<Piece>& pieces) {
  Duplicates found;
  HashCounter seen;
  seen.reset(pieces.size());
  for (const Piece& piece : pieces) {
    if (seen[xxh3_64(piece.text)]++ > 0) {
      ++found.pieces;
      found.chars += piece.num_chars;
    }
  }
  return found;
}

}  // namespace athanor
