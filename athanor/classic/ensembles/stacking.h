// Folds as stacking cuts them.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/feature/target.h"

namespace athanor {

// The fold of each row, 0 .. folds - 1: drawn by the seed, each class spread evenly (its rows
// differ by at most one a fold); rows of values or labels evenly.
std::vector<uint32_t> stratified_folds(const Target& target, uint32_t folds, uint64_t seed);

}  // namespace athanor
