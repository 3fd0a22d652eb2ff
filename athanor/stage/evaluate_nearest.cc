#include "athanor/stage/evaluate_nearest.h"

#include <algorithm>
#include <cmath>

namespace athanor {

namespace {

// One over the variance of each feature, so that all weigh alike in a distance.
std::vector<double> inverse_variances(const Matrix& x) {
  std::vector<double> sums(x.columns, 0.0);
  std::vector<double> squares(x.columns, 0.0);
  for (uint64_t r = 0; r < x.rows; ++r) {
    for (uint64_t c = 0; c < x.columns; ++c) {
      const double value = std::isnan(x.at(r, c)) ? 0 : x.at(r, c);
      sums[c] += value;
      squares[c] += value * value;
    }
  }
  const auto n = static_cast<double>(std::max<uint64_t>(1, x.rows));
  for (uint64_t c = 0; c < x.columns; ++c) {
    squares[c] = 1 / std::max(1e-12, squares[c] / n - sums[c] / n * sums[c] / n);
  }
  return squares;
}

double norm_of(const Matrix& x, uint64_t row) {
  double sum = 0;
  x.for_each_in_row(row, [&](uint32_t, double value) { sum += value * value; });
  return std::sqrt(sum);
}

}  // namespace

NearestRows::NearestRows(Matrix train, std::vector<std::string> ids) : train_(std::move(train)), ids_(std::move(ids)) {
  if (!train_.is_sparse) {
    weights_ = inverse_variances(train_);
    return;
  }
  for (uint64_t r = 0; r < train_.rows; ++r) {
    norms_.push_back(norm_of(train_, r));
  }
}

std::vector<double> NearestRows::dense_distances(const Matrix& features, uint64_t row) const {
  std::vector<double> distances;
  for (uint64_t r = 0; r < train_.rows; ++r) {
    double sum = 0;
    for (uint64_t c = 0; c < train_.columns; ++c) {
      const double d = train_.at(r, c) - features.at(row, c);
      sum += std::isnan(d) ? 1 : d * d * weights_[c];
    }
    distances.push_back(sum);
  }
  return distances;
}

std::vector<double> NearestRows::sparse_distances(const Matrix& features, uint64_t row) const {
  std::vector<double> query(train_.columns, 0.0);
  features.for_each_in_row(row, [&](uint32_t c, double value) { query[c] = value; });
  const double norm = norm_of(features, row);
  std::vector<double> distances;
  for (uint64_t r = 0; r < train_.rows; ++r) {
    double product = 0;
    train_.for_each_in_row(r, [&](uint32_t c, double value) { product += value * query[c]; });
    distances.push_back(norm * norms_[r] > 0 ? 1 - product / (norm * norms_[r]) : 1);
  }
  return distances;
}

std::vector<std::string> NearestRows::of(const Matrix& features, uint64_t row, size_t count) const {
  const std::vector<double> distances = train_.is_sparse ? sparse_distances(features, row) : dense_distances(features, row);
  std::vector<uint64_t> order(distances.size());
  for (uint64_t r = 0; r < order.size(); ++r) {
    order[r] = r;
  }
  count = std::min(count, order.size());
  std::partial_sort(order.begin(), order.begin() + static_cast<ptrdiff_t>(count), order.end(), [&](uint64_t a, uint64_t b) {
    return distances[a] != distances[b] ? distances[a] < distances[b] : a < b;
  });
  std::vector<std::string> out;
  for (size_t i = 0; i < count; ++i) {
    out.push_back(ids_[order[i]]);
  }
  return out;
}

}  // namespace athanor
