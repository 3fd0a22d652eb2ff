// Rows that others are measured against: neighbours, support vectors, core points. Dense rows lie in blocks, sparse ones by
// column, so that a query touches only what it shares.
#pragma once

#include "athanor/classic/models/dense_kernels.h"
#include "athanor/feature/matrix.h"
#include "athanor/feature/saved.h"

namespace athanor::classic {

class ReferenceRows {
 public:
  static constexpr size_t kQueries = 4;  // measured together
  ReferenceRows() = default;
  explicit ReferenceRows(Matrix rows);

  const Matrix& rows() const { return rows_; }
  size_t count() const { return rows_.rows; }

  // Of rows first .. first + num - 1 of x (num <= 4) to all rows here: out[q * stride() + i]. x may be dense or sparse.
  void measure(Metric metric, const Matrix& x, uint64_t first, size_t num, double* out) const;
  size_t stride() const { return blocks_.num_blocks() * PointBlocks::kBlock + rows_.rows * (rows_.is_sparse ? 1 : 0); }

  void save(SavedWriter out) const;
  void load(const SavedReader& in, size_t columns);  // into an empty one

 private:
  void prepare();
  void measure_sparse(Metric metric, const Matrix& x, uint64_t row, double* out) const;

  Matrix rows_;
  PointBlocks blocks_;         // dense
  // Entries of a column, [first, second) into row_ and value_.
  std::pair<size_t, size_t> entries(uint32_t column) const;

  std::vector<uint32_t> used_;  // sparse: the columns that hold something, ascending; empty where begin_ has a place for all
  std::vector<size_t> begin_;   // where a column's entries begin
  std::vector<uint32_t> row_;
  std::vector<double> value_;
  std::vector<double> squares_;    // of each row
  std::vector<double> absolutes_;  // sum of absolute values
};

}  // namespace athanor::classic
