// A matrix as one byte a value: what histogram boosting reads. Cuts lie at quantiles of the
// training rows (each distinct value its own bin where there are few), so the bins do not depend on
// the order of rows.
//
//   const BinCuts cuts = BinCuts::learn(x, 255, pool);
//   const BinnedMatrix bins = cuts.apply(x, pool);
#pragma once

#include <cstdint>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/feature/matrix.h"

namespace athanor {

inline constexpr uint32_t kMaxValueBins =
    255;  // 0 .. 254; the one behind a column's last is for missing values
inline constexpr uint32_t kMostCategories = 254;
inline constexpr uint32_t kBlockColumns = 16;  // columns whose bins stand side by side

struct BinCuts {
  // Of each column, ascending: bin b holds values in (cuts[b - 1], cuts[b]]; the last bin what is
  // above all cuts.
  std::vector<std::vector<double>> cuts;
  std::vector<uint8_t> has_missing;  // a column: the training rows miss some, or hold categories without a bin
  // Of a column of categories: its values, ascending, a bin each (the most frequent kMostCategories); others count as
  // missing. Empty: a column of numbers.
  std::vector<std::vector<double>> categories;

  bool is_category(uint64_t column) const { return !categories[column].empty(); }
  uint32_t bins(uint64_t column) const {
    return static_cast<uint32_t>(is_category(column) ? categories[column].size() : cuts[column].size() + 1);
  }
  uint32_t missing_bin(uint64_t column) const { return bins(column); }
  uint8_t bin_of(uint64_t column, double value) const;

  // max_bins: 2 to 255. Error(kInput) that names the column where a value is infinite.
  // of_categories: a column, its values are codes of categories; empty: none.
  static BinCuts learn(const Matrix& x, uint32_t max_bins, ThreadPool& pool,
                       const std::vector<uint8_t>& of_categories = {});
  struct BinnedMatrix apply(const Matrix& x, ThreadPool& pool) const;
};

// Blocks of at most kBlockColumns columns, each stored row after row.
struct BinnedMatrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  struct Block {
    uint32_t first = 0;  // column
    uint32_t width = 0;
    std::vector<uint8_t> bins;  // rows x width
  };
  std::vector<Block> blocks;

  uint32_t at(uint64_t row, uint32_t column) const {
    const Block& block = blocks[column / columns_a_block];
    return block.bins[row * block.width + (column - block.first)];
  }
  uint32_t columns_a_block = kBlockColumns;
};

}  // namespace athanor
