// The features as linear models want them: by column and by row, with products that run in parallel and give the same
// bytes for any number of threads.
//
//   const Design design(x);
//   design.times(w, pool, z);             // z = X w
//   design.transposed(r, pool, g);        // g = X' r
#pragma once

#include <span>
#include <vector>

#include "athanor/classic/models/dense_kernels.h"
#include "athanor/feature/matrix.h"
#include "athanor/feature/transform.h"

namespace athanor::classic {

class Design {
 public:
  explicit Design(const Matrix& x);  // x outlives it

  size_t rows() const { return x_.rows; }
  size_t columns() const { return x_.columns; }
  bool is_sparse() const { return x_.is_sparse; }
  const Matrix& matrix() const { return x_; }
  const double* column(size_t j) const { return by_column_.data() + j * x_.rows; }  // dense

  void times(std::span<const double> w, ThreadPool& pool, std::span<double> z) const;
  void transposed(std::span<const double> r, ThreadPool& pool, std::span<double> g) const;

  double column_dot(size_t j, const double* r) const {
    if (!is_sparse()) {
      return dot(column(j), r, rows());
    }
    double sum = 0;
    for (size_t i = begin_[j]; i < begin_[j + 1]; ++i) {
      sum += stored_[i] * r[row_[i]];
    }
    return sum;
  }
  // Sum of x^2 h; h null: of x^2.
  double column_square(size_t j, const double* h) const;
  // r += factor * x_j, or factor * x_j * h.
  void add_column(size_t j, double factor, const double* h, double* r) const;
  // Rows and values of a column of a sparse matrix.
  std::span<const uint32_t> rows_of(size_t j) const { return {row_.data() + begin_[j], begin_[j + 1] - begin_[j]}; }
  std::span<const double> values_of(size_t j) const { return {stored_.data() + begin_[j], begin_[j + 1] - begin_[j]}; }

 private:
  const Matrix& x_;
  std::vector<double> by_column_;  // dense: a column after another
  std::vector<size_t> begin_;      // sparse: where a column's entries begin
  std::vector<uint32_t> row_;
  std::vector<double> stored_;
};

// Mean of each column under weights (empty: all 1) whose sum is total.
std::vector<double> weighted_means(const Design& design, std::span<const double> weights, double total, ThreadPool& pool);

// A dense matrix of mostly zeros as a sparse one: rows then cost what they hold. False (and nothing written) where it is not
// worth it.
bool compacted(const Matrix& x, Matrix& out);

}  // namespace athanor::classic
