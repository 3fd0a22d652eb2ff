// Singular values of dense and sparse matrices: what PCA and truncated SVD are made of. Private to
// this room.
#pragma once

#include <Eigen/Core>

#include "athanor/feature/transform.h"

namespace athanor {

using RowMajor = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

struct Decomposition {
  Eigen::VectorXd values;  // singular values, falling
  RowMajor axes;  // right singular vectors, one a row; signs as scikit-learn's svd_flip: the entry
                  // of the largest size is above 0 (the first of equal ones)
};

// All of them, by Householder QR, then a divide-and-conquer SVD of the small factor. x is used up.
Decomposition exact_svd(RowMajor x);

// The `count` largest by subspace iteration from random directions (Halko, Martinsson, Tropp 2011):
// at least 10 directions more than asked for, `iterations` products with the matrix and its
// transpose. The same for any number of threads.
struct LinearMap {
  uint64_t rows = 0, columns = 0;
  std::function<RowMajor(const RowMajor& right)> times;            // columns x k -> rows x k
  std::function<RowMajor(const RowMajor& left)> transposed_times;  // rows x k -> columns x k
};
Decomposition random_svd(const LinearMap& map, uint64_t count, int64_t iterations, uint64_t seed,
                         const std::function<void(double)>& progress);
// x minus center in every row, without writing it out. center empty: 0.
LinearMap map_of(const Matrix& x, const Eigen::RowVectorXd& center, ThreadPool& pool);

void fix_signs(RowMajor& axes);
// (x - center) times the transposed axes: rows x axes.
Matrix project(const Matrix& x, const Eigen::RowVectorXd& center, const RowMajor& axes,
               ThreadPool& pool);

// Stored as two arrays and read back with bounds.
void save_matrix(SavedWriter& out, const std::string& name, const RowMajor& matrix);
RowMajor load_matrix(const SavedReader& in, const std::string& name, uint64_t columns);

}  // namespace athanor
