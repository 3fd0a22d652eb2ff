// Gaps filled by the nearest rows: Troyanskaya et al. 2001; distances over the columns that both
// rows have, scaled up to all (Dixon 1979), as scikit-learn's nan_euclidean_distances. Ties: the
// row that comes first.
#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/feature/numeric/columns.h"
#include "athanor/feature/numeric/impute.h"

namespace athanor {

namespace {

class NeighborFiller : public GapFiller {
 public:
  explicit NeighborFiller(const ImputeOptions& options) : options_(options) {}

  void fit(Matrix& x, const std::vector<double>&, FitContext&) override {
    const auto limit = static_cast<uint64_t>(options_.max_rows);
    columns_ = x.columns;
    known_.clear();
    const uint64_t kept = std::min(x.rows, limit);
    known_.reserve(kept * columns_);
    for (uint64_t i = 0; i < kept; ++i) {
      const uint64_t row = x.rows <= limit ? i : i * x.rows / kept;
      known_.insert(known_.end(), x.row(row), x.row(row) + columns_);
    }
  }

  void fill(Matrix& x, const std::vector<double>&, ThreadPool& pool) const override {
    std::vector<uint64_t> with_gaps;
    for (uint64_t row = 0; row < x.rows; ++row) {
      if (std::any_of(x.row(row), x.row(row) + x.columns,
                      [](double value) { return std::isnan(value); })) {
        with_gaps.push_back(row);
      }
    }
    pool.parallel_for(with_gaps.size(), [&](size_t i) { fill_row(x.row(with_gaps[i])); });
  }

  void save(SavedWriter& out) const override { out.put("rows", known_); }

  void load(const SavedReader& in, uint64_t columns) override {
    const auto rows = in.doubles("rows");
    if (columns == 0 || rows.size() % columns != 0) {
      in.fail("the stored rows have another number of columns");
    }
    columns_ = columns;
    known_.assign(rows.begin(), rows.end());
  }

 private:
  struct Neighbor {
    double distance;
    uint64_t row;
    bool operator<(const Neighbor& other) const {
      return distance != other.distance ? distance < other.distance : row < other.row;
    }
  };

  double distance(const double* a, const double* b) const {
    double sum = 0;
    uint64_t both = 0;
    for (uint64_t c = 0; c < columns_; ++c) {
      const double d = a[c] - b[c];
      if (!std::isnan(d)) {
        sum += d * d;
        ++both;
      }
    }
    return both == 0 ? std::numeric_limits<double>::infinity()
                     : std::sqrt(sum * static_cast<double>(columns_) / static_cast<double>(both));
  }

  void fill_row(double* values) const {
    const uint64_t rows = known_.size() / columns_;
    std::vector<double> distances(rows);
    for (uint64_t row = 0; row < rows; ++row) {
      distances[row] = distance(values, known_.data() + row * columns_);
    }
    std::vector<double> filled(values, values + columns_);
    std::vector<Neighbor> near;
    for (uint64_t column = 0; column < columns_; ++column) {
      if (!std::isnan(values[column])) {
        continue;
      }
      near.clear();
      for (uint64_t row = 0; row < rows; ++row) {
        if (!std::isnan(known_[row * columns_ + column]) && std::isfinite(distances[row])) {
          near.push_back({distances[row], row});
        }
      }
      const size_t count = std::min(near.size(), static_cast<size_t>(options_.neighbors));
      std::partial_sort(near.begin(), near.begin() + static_cast<ptrdiff_t>(count), near.end());
      near.resize(count);
      if (count > 0) {
        filled[column] = average(near, column);
      }
    }
    std::copy(filled.begin(), filled.end(), values);
  }

  double average(const std::vector<Neighbor>& near, uint64_t column) const {
    const bool by_distance = options_.weights == "distance";
    const bool same = by_distance && near.front().distance == 0;  // rows at distance 0 alone count
    double sum = 0, weights = 0;
    for (const Neighbor& one : near) {
      const double weight = same ? (one.distance == 0 ? 1 : 0) : by_distance ? 1 / one.distance : 1;
      sum += weight * known_[one.row * columns_ + column];
      weights += weight;
    }
    return sum / weights;
  }

  ImputeOptions options_;
  uint64_t columns_ = 0;
  std::vector<double> known_;  // rows x columns
};

}  // namespace

std::unique_ptr<GapFiller> make_neighbor_filler(const ImputeOptions& options) {
  return std::make_unique<NeighborFiller>(options);
}

}  // namespace athanor
