// Which rows validate in which fold. A function of (seed, row) and the target alone, so the same on any machine.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/feature/target.h"

namespace athanor {

// The fold, 0 .. folds - 1, of every row. Classes are dealt out evenly (stratified): of each class every fold has as many
// rows as any other, or one more. Else rows are shuffled and dealt out. folds >= 2; Error(kUsage) with more folds than rows.
std::vector<int32_t> fold_rows(const Target& target, int32_t folds, uint64_t seed);
// The same for rows without a target.
std::vector<int32_t> fold_rows(uint64_t rows, int32_t folds, uint64_t seed);

// Rows whose fold is `fold` (validates), and all the others (train), both ascending.
struct FoldParts {
  std::vector<uint64_t> train;
  std::vector<uint64_t> valid;
};
FoldParts parts_of(const std::vector<int32_t>& folds, int32_t fold);

}  // namespace athanor
