// A matrix as ranks: of each value its place among the distinct values of its column. What exact
// trees search.
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/feature/matrix.h"

namespace athanor {

inline constexpr uint32_t kMissingRank = UINT32_MAX;

struct RankedMatrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  std::vector<std::vector<double>> values;   // a column: its distinct values, ascending
  std::vector<std::vector<uint32_t>> ranks;  // a column: a row's rank, or kMissingRank

  // Error(kInput) that names the column where a value is infinite; Error(kResource) when it would
  // not fit.
  static RankedMatrix of(const Matrix& x, ThreadPool& pool);
};

// Of keys (rank << 32) + position: ascending by rank, equal ranks in the order of positions. Ranks
// are below `range`; positions ascend in what is given.
void sort_by_rank(std::vector<uint64_t>& keys, std::vector<uint64_t>& scratch, uint32_t range);

}  // namespace athanor
