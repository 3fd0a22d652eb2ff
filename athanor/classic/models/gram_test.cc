// X'X against the definition.
#include "athanor/classic/models/gram.h"

#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

TEST(Gram, IsTheDefinitionForAnyThreads) {
  for (const auto& [rows, columns] : std::initializer_list<std::pair<size_t, size_t>>{
           {1, 1}, {3, 8}, {255, 9}, {256, 16}, {257, 17}, {600, 70}, {40, 300}}) {
    Rng rng(rows);
    std::vector<double> x(rows * columns);
    for (double& value : x) {
      value = rng.uniform() - 0.3;
    }
    std::vector<double> first;
    for (const int threads : {1, 2, 5}) {
      ThreadPool pool(threads);
      classic::PackedColumns packed(rows, columns);
      packed.fill(pool, [&, c = columns](size_t r, double* to) { std::copy_n(x.data() + r * c, c, to); });
      const std::vector<double> gram = packed.gram(pool);
      first = first.empty() ? gram : first;
      ASSERT_EQ(gram, first);
    }
    for (size_t i = 0; i < columns; ++i) {
      for (size_t j = 0; j < columns; ++j) {
        double sum = 0;
        for (size_t r = 0; r < rows; ++r) {
          sum += x[r * columns + i] * x[r * columns + j];
        }
        ASSERT_NEAR(first[i * columns + j], sum, 1e-12 * static_cast<double>(rows)) << rows << " " << i << " " << j;
      }
    }
  }
}

}  // namespace
}  // namespace athanor
