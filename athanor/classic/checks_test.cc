#include "athanor/classic/checks.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

// As LIBSVM: 200,000 columns, of which column 7 tells all.
Table sparse_table(uint64_t rows, uint64_t seed, Target& target) {
  Table table;
  table.rows = rows;
  table.columns.push_back({.name = "features", .kind = ColumnKind::kSparse});
  SparseRows& sparse = table.columns[0].sparse;
  target.task = Task::kRegression;
  for (uint64_t r = 0; r < rows; ++r) {
    const bool high = random_at(seed, r) % 2 == 0;
    if (high) {
      sparse.indices.push_back(7);
      sparse.values.push_back(1);
    }
    sparse.indices.push_back(static_cast<uint32_t>(8 + random_at(seed, 2, r) % 199'990));
    sparse.values.push_back(1);
    sparse.offsets.push_back(sparse.indices.size());
    target.values.push_back(high ? 1 : -1);
  }
  table.columns[0].width = 200'000;
  return table;
}

// A tree over dense rows would want 8 GB for this.
TEST(Checks, WhatASparseModelMissedIsFoundWithoutDenseRows) {
  Target target, valid_target;
  const Table train = sparse_table(6000, 1, target);
  const Table valid = sparse_table(500, 2, valid_target);
  TableAnswers nothing, nothing_valid;
  nothing.values.assign(6000, 0);
  nothing_valid.values.assign(500, 0);
  ThreadPool pool(1);
  FitContext context{pool};
  EXPECT_GT(residual_gain(train, target, nothing, valid, valid_target, nothing_valid, context), 0.5);
}

}  // namespace
}  // namespace athanor
