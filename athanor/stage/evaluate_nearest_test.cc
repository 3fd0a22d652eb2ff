#include "athanor/stage/evaluate_nearest.h"

#include <gtest/gtest.h>

#include <limits>

namespace athanor {
namespace {

using Ids = std::vector<std::string>;

Matrix sparse(std::vector<std::vector<std::pair<uint32_t, double>>> rows) {
  SparseRows out;
  for (const auto& row : rows) {
    for (const auto& [index, value] : row) {
      out.indices.push_back(index);
      out.values.push_back(value);
    }
    out.offsets.push_back(out.indices.size());
  }
  return Matrix::from_sparse(std::move(out), 5);
}

TEST(NearestRows, SparseOnesByTheirCosine) {
  const NearestRows nearest(sparse({{{0, 1}}, {{1, 100}, {2, 100}}, {}, {{1, 1}}, {{3, 1}, {4, 1}}}), {"a", "b", "c", "d", "e"});
  const Matrix query = sparse({{{1, 1}, {2, 0.9}}, {}});
  EXPECT_FALSE(nearest.empty());
  EXPECT_EQ(nearest.of(query, 0, 2), (Ids{"b", "d"}));  // a long row that points the same way is near
  EXPECT_EQ(nearest.of(query, 1, 2), (Ids{"a", "b"}));  // nothing to go by: the first ones
  EXPECT_EQ(nearest.of(query, 0, 9).size(), 5u);
}

TEST(NearestRows, DenseOnesByScaledDistance) {
  Matrix train = Matrix::dense(3, 2);
  train.values = {0, 0, 1, 1000, 10, 0};
  Matrix query = Matrix::dense(1, 2);
  query.values = {1, std::numeric_limits<double>::quiet_NaN()};
  const NearestRows nearest(train, {"a", "b", "c"});
  EXPECT_EQ(nearest.of(query, 0, 3), (Ids{"b", "a", "c"}));
  query.values = {9, 100};
  EXPECT_EQ(nearest.of(query, 0, 1), Ids{"c"});
  EXPECT_TRUE(NearestRows().empty());
}

}  // namespace
}  // namespace athanor
