// A matrix as one byte a value: what histogram boosting reads. Cuts lie at quantiles of the
// training rows (each distinct value its own bin where there are few), so the bins do not depend on
// the order of rows.
//
//   const BinCuts cuts = BinCuts::learn(x, 255, pool);
//   const BinnedMatrix bins = cuts.apply(x, pool);
//
// A sparse matrix keeps the columns that a tree could split at all (enough rows are not 0), and where few of their values
// are stored, only those: a million columns of texts cost what their entries cost.
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

// Bins and histograms that take more are refused.
inline constexpr uint64_t kMostBinBytes = uint64_t{16} << 30;

struct BinCuts {
  // The matrix's columns that are kept, ascending; empty: all of them. All that follows counts kept columns.
  std::vector<uint32_t> columns;
  uint64_t given = 0;  // columns of the matrix
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
  uint64_t kept() const { return cuts.size(); }
  // A kept column's place in the matrix, and the other way round for one that is kept.
  uint32_t given_column(uint32_t column) const { return columns.empty() ? column : columns[column]; }
  uint32_t kept_column(uint32_t given_column) const;

  // max_bins: 2 to 255. Error(kInput) that names the column where a value is infinite.
  // of_categories: a column, its values are codes of categories; empty: none. least_rows: of a leaf; a sparse column in which
  // fewer are not 0 is left out.
  static BinCuts learn(const Matrix& x, uint32_t max_bins, ThreadPool& pool,
                       const std::vector<uint8_t>& of_categories = {}, uint64_t least_rows = 1);
  struct BinnedMatrix apply(const Matrix& x, ThreadPool& pool) const;
};

// Blocks of at most kBlockColumns columns, each stored row after row; or of each row what differs from the bin of 0.
struct BinnedMatrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  struct Block {
    uint32_t first = 0;  // column
    uint32_t width = 0;
    std::vector<uint8_t> bins;  // rows x width
  };
  std::vector<Block> blocks;

  bool is_sparse = false;
  std::vector<uint64_t> row_begin;  // sparse: of the entries; rows + 1
  std::vector<uint32_t> entry_columns;  // ascending in a row
  std::vector<uint8_t> entry_bins;
  std::vector<uint8_t> of_zero;  // a column

  uint32_t at(uint64_t row, uint32_t column) const {
    if (is_sparse) {
      return sparse_at(row, column);
    }
    const Block& block = blocks[column / columns_a_block];
    return block.bins[row * block.width + (column - block.first)];
  }
  uint32_t sparse_at(uint64_t row, uint32_t column) const;
  uint32_t columns_a_block = kBlockColumns;
};

}  // namespace athanor
