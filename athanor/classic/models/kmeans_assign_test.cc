// Bounds against measuring everything.
#include "athanor/classic/models/kmeans_assign.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

using namespace classic;

struct Found {
  std::vector<int32_t> labels;
  std::vector<double> distances;
};

// By the same kernel, all of it.
Found measured_all(const Matrix& x, const std::vector<double>& centres, size_t k) {
  const PointBlocks blocks(centres.data(), k, x.columns);
  Found out;
  double found[4 * PointBlocks::kBlock];
  for (size_t r = 0; r < x.rows; ++r) {
    const double* queries[] = {x.row(r)};
    double best = INFINITY;
    int32_t label = -1;
    for (size_t c = 0; c < k; ++c) {
      if (c % PointBlocks::kBlock == 0) {
        blocks.measure(Metric::kSquaredEuclidean, queries, 1, c / PointBlocks::kBlock, found);
      }
      if (found[c % PointBlocks::kBlock] < best) {
        best = found[c % PointBlocks::kBlock];
        label = static_cast<int32_t>(c);
      }
    }
    out.labels.push_back(label);
    out.distances.push_back(best);
  }
  return out;
}

TEST(KmeansAssigner, FindsWhatMeasuringAllFinds) {
  ThreadPool pool(2);
  for (const size_t k : {1, 7, 8, 9, 37, 200}) {
    for (const double spread : {0.02, 3.0}) {  // of clusters that lie apart, and of a cloud
      Rng rng(k);
      Matrix x = Matrix::dense(3000, 5);
      for (size_t r = 0; r < x.rows; ++r) {
        for (size_t j = 0; j < x.columns; ++j) {
          x.at(r, j) = r % 10 == 0 ? std::round(x.at(r / 2, j)) : static_cast<double>(r % 11 * (j + 1)) + spread * rng.normal();
        }
      }
      std::vector<double> centres;
      for (size_t c = 0; c < k; ++c) {
        const size_t row = c % 5 == 4 ? c - 1 : rng.below(x.rows);  // some twice: the first of equals wins
        centres.insert(centres.end(), x.row(row), x.row(row) + x.columns);
      }
      Assigner assigner(x, {}, k);
      std::vector<int32_t> labels(x.rows, -1);
      std::vector<double> distances(x.rows);
      constexpr int kRounds = 12;
      for (int round = 0; round < kRounds; ++round) {
        const Round sums = assigner.assign(centres, labels, distances, pool);
        const Found all = measured_all(x, centres, k);
        ASSERT_EQ(labels, all.labels) << k << " centres, round " << round;
        ASSERT_EQ(distances, all.distances) << k << " centres, round " << round;
        for (size_t c = 0; c < k; ++c) {
          for (size_t j = 0; j < x.columns && sums.weight[c] > 0; ++j) {
            centres[c * x.columns + j] = sums.sums[c * x.columns + j] / sums.weight[c];
          }
          if (round == 6 && c == k / 2) {  // as a cluster that ran empty: far away at once
            std::copy_n(x.row(17), x.columns, centres.data() + c * x.columns);
          }
        }
      }
      const uint64_t every = kRounds * x.rows * ((k + 7) / 8 * 8);
      EXPECT_LE(assigner.num_measured(), k <= 8 ? every : k == 200 && spread < 1 ? every / 2 : every) << k;
    }
  }
}

}  // namespace
}  // namespace athanor
