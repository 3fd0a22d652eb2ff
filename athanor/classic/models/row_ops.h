// A row of a matrix, dense or sparse, as the solvers that go row by row want it.
#pragma once

#include "athanor/classic/models/dense_kernels.h"
#include "athanor/feature/matrix.h"

namespace athanor::classic {

inline double row_dot(const Matrix& x, uint64_t r, const double* w) {
  if (!x.is_sparse) {
    return dot(x.row(r), w, x.columns);
  }
  double sum = 0;
  for (uint64_t i = x.sparse.offsets[r]; i < x.sparse.offsets[r + 1]; ++i) {
    sum += x.sparse.values[i] * w[x.sparse.indices[i]];
  }
  return sum;
}

inline void add_row(const Matrix& x, uint64_t r, double factor, double* w) {
  if (!x.is_sparse) {
    add_scaled(w, x.row(r), factor, x.columns);
    return;
  }
  for (uint64_t i = x.sparse.offsets[r]; i < x.sparse.offsets[r + 1]; ++i) {
    w[x.sparse.indices[i]] += factor * x.sparse.values[i];
  }
}

inline double row_square(const Matrix& x, uint64_t r) {
  double sum = 0;
  x.for_each_in_row(r, [&](uint32_t, double value) { sum += value * value; });
  return sum;
}

}  // namespace athanor::classic
