// Training rows that lie nearest to a row in the model's own features.
#pragma once

#include <string>
#include <vector>

#include "athanor/feature/matrix.h"

namespace athanor {

// Dense features: by Euclidean distance, each feature over its standard deviation in the training rows. Sparse ones: by the
// cosine of the two rows.
//
//   const NearestRows nearest(estimator.features(train, pool), train.ids);
//   nearest.of(features, row, 3)    // ids, the nearest first
class NearestRows {
 public:
  NearestRows() = default;  // empty
  NearestRows(Matrix train, std::vector<std::string> ids);

  bool empty() const { return train_.rows == 0; }
  // features: of the same columns as train.
  std::vector<std::string> of(const Matrix& features, uint64_t row, size_t count) const;

 private:
  std::vector<double> dense_distances(const Matrix& features, uint64_t row) const;
  std::vector<double> sparse_distances(const Matrix& features, uint64_t row) const;

  Matrix train_;
  std::vector<std::string> ids_;
  std::vector<double> weights_;  // dense: one over the variance of each feature
  std::vector<double> norms_;    // sparse: of each row
};

}  // namespace athanor
