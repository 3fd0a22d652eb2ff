// Features as a matrix: rows x columns of double, dense (row after row) or sparse (CSR). What a
// Transform changes and a ClassicModel reads.
//
//   Matrix x = Matrix::dense(rows, columns);
//   x.at(r, c) = 1.5;                                   // dense only; NaN is a missing value
//   x.for_each_in_row(r, [](uint32_t c, double value) { ... });   // both: sparse rows skip what is
//   not stored
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "athanor/data/tables/table.h"

namespace athanor {

struct Matrix {
  uint64_t rows = 0;
  uint64_t columns = 0;
  bool is_sparse = false;
  std::vector<double> values;  // dense: rows x columns
  SparseRows sparse;           // sparse; what is not stored is 0
  std::vector<std::string>
      names;  // of the columns; empty where there are too many to name (hashing, LIBSVM)

  static Matrix dense(uint64_t rows, uint64_t columns);  // zeros
  static Matrix from_sparse(SparseRows sparse, uint64_t columns);

  double& at(uint64_t row, uint64_t column) { return values[row * columns + column]; }
  double at(uint64_t row, uint64_t column) const {
    return values[row * columns + column];
  }                                                                                // dense
  const double* row(uint64_t row) const { return values.data() + row * columns; }  // dense
  double* row(uint64_t row) { return values.data() + row * columns; }

  template <class Fn>
  void for_each_in_row(uint64_t r, Fn fn) const {
    if (is_sparse) {
      for (uint64_t i = sparse.offsets[r]; i < sparse.offsets[r + 1]; ++i) {
        fn(sparse.indices[i], sparse.values[i]);
      }
      return;
    }
    for (uint64_t c = 0; c < columns; ++c) {
      fn(static_cast<uint32_t>(c), values[r * columns + c]);
    }
  }

  // names[column], or "column N".
  std::string name_of(uint64_t column) const;
  uint64_t bytes() const;
};

// Rows at these places, in this order.
Matrix take_rows(const Matrix& matrix, const std::vector<uint64_t>& rows);
// Columns side by side. All have the same rows; sparse when one is (a wide dense one is not worth
// keeping dense then).
Matrix side_by_side(std::vector<Matrix> parts);
// These columns, ascending; their names with them.
Matrix take_columns(const Matrix& x, std::span<const int32_t> columns);
// Error(kResource) where rows x columns would not fit into max_bytes; names what to do.
Matrix to_dense(const Matrix& matrix, uint64_t max_bytes = uint64_t{8} << 30);

}  // namespace athanor
