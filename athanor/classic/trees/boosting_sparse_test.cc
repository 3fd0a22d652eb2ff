// Boosting over sparse rows: only what can split is kept, histograms are given up where memory is short, and neither changes
// a tree.
#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/boosting_tree.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

using tree_testing::Made;

// 20 of `columns` are stored in each row; where column 3 or 5 is, the class is 1.
Made sparse_rows(uint64_t rows, uint32_t columns, uint64_t seed) {
  Made made;
  SparseRows sparse;
  made.target.task = Task::kClasses;
  made.target.labels = {"no", "yes"};
  for (uint64_t r = 0; r < rows; ++r) {
    std::vector<uint32_t> places;
    const uint64_t kind = random_at(seed, r) % 4;
    if (kind < 2) {
      places.push_back(kind == 0 ? 3 : 5);
    }
    while (places.size() < 20) {
      const auto place = static_cast<uint32_t>(random_at(seed, r, places.size()) % columns);
      places.push_back(place == 3 || place == 5 ? 4 : place);
    }
    std::sort(places.begin(), places.end());
    places.erase(std::unique(places.begin(), places.end()), places.end());
    for (const uint32_t place : places) {
      sparse.indices.push_back(place);
      sparse.values.push_back(place % 7 == 0 ? static_cast<double>(r % 40) - 20 : 1);
    }
    sparse.offsets.push_back(sparse.indices.size());
    made.target.classes.push_back(kind < 2 ? 1 : 0);
  }
  made.x = Matrix::from_sparse(std::move(sparse), columns);
  return made;
}

TEST(BoostingSparse, AMillionColumnsCostWhatTheirEntriesCost) {
  const Made made = sparse_rows(2000, 1'000'000, 1);
  ThreadPool pool(2);
  const BinCuts cuts = BinCuts::learn(made.x, 255, pool, {}, 20);
  EXPECT_LT(cuts.kept(), 10U);
  EXPECT_EQ(cuts.given_column(0), 3U);
  EXPECT_EQ(cuts.kept_column(5), cuts.columns[1] == 5 ? 1U : 2U);
  // Where single rows may be leaves all that occurs is kept, and rows stay sparse.
  const BinCuts all = BinCuts::learn(made.x, 255, pool);
  const BinnedMatrix bins = all.apply(made.x, pool);
  EXPECT_GT(all.kept(), 30'000U);
  EXPECT_TRUE(bins.is_sparse);
  EXPECT_LE(bins.entry_bins.size(), made.x.sparse.values.size());
  FitContext context{pool};
  const auto model = make_model("boosting", {{"rounds", 20}}, Task::kClasses, "m");
  model->fit(made.x, made.target, context);
  EXPECT_EQ(tree_testing::accuracy(model->predict(made.x, pool), made.target), 1);
}

TEST(BoostingSparse, ExplicitAndDenseRowsGiveTheSameModel) {
  Made made = sparse_rows(1500, 400, 2);
  made.x.sparse.values[17] = std::nan("");
  made.x.sparse.values[90] = 0;
  Made dense = made;
  dense.x = to_dense(made.x);
  ThreadPool pool(1);
  EXPECT_TRUE(BinCuts::learn(made.x, 255, pool, {}, 20).apply(made.x, pool).is_sparse);
  for (const nlohmann::json& options : {nlohmann::json{{"rounds", 15}, {"min_samples_leaf", 5}},
                                        nlohmann::json{{"rounds", 8}, {"columns", 0.5}, {"rows", 0.7}, {"early_stopping", 3}}}) {
    const std::string one = tree_testing::fitted_bytes("boosting", options, made, 1);
    EXPECT_EQ(one, tree_testing::fitted_bytes("boosting", options, made, 3));
    EXPECT_EQ(one, tree_testing::fitted_bytes("boosting", options, dense, 1));
  }
}

std::string tree_grown(const Made& made, uint64_t histogram_bytes) {
  ThreadPool pool(1);
  const BinCuts cuts = BinCuts::learn(made.x, 255, pool);
  const BinnedMatrix bins = cuts.apply(made.x, pool);
  BoostingTreeOptions options{.max_leaves = 40, .min_samples_leaf = 5};
  options.histogram_bytes = histogram_bytes;
  BoostingGrower grower(cuts, bins, options, pool);
  Slopes slopes;
  std::vector<uint32_t> rows;
  for (uint32_t r = 0; r < made.x.rows; ++r) {
    slopes.g.push_back(-made.target.values[r]);
    slopes.h.push_back(1);
    rows.push_back(r);
  }
  TreeSet trees;
  trees.columns = made.x.columns;
  trees.groups = 1;
  std::string leaves;
  grower.grow(slopes, rows, {}, 0.1, trees, [&](std::span<const uint32_t> leaf, double& value) {
    leaves += std::to_string(leaf.size()) + ":" + std::to_string(value) + " ";
  });
  return leaves;
}

TEST(BoostingSparse, HistogramsThatAreGivenUpChangeNothing) {
  const Made made = tree_testing::smooth_rows(3000, 6, 3);
  const std::string plenty = tree_grown(made, uint64_t{1} << 30);
  EXPECT_GT(std::count(plenty.begin(), plenty.end(), ' '), 30);
  EXPECT_EQ(plenty, tree_grown(made, 1));
  EXPECT_EQ(plenty, tree_grown(made, 5 * 6 * 256 * sizeof(PackedSum)));
}

TEST(BoostingSparse, WhatDoesNotFitIsSaid) {
  const Made made = tree_testing::smooth_rows(3000, 6, 4);
  ThreadPool pool(1);
  const BinCuts cuts = BinCuts::learn(made.x, 255, pool);
  const BinnedMatrix bins = cuts.apply(made.x, pool);
  BoostingTreeOptions options;
  options.most_bytes = 36'000;  // three times 6 columns of 256 cells of 8 bytes take 36,864
  const std::string said = tree_testing::message_of([&] { BoostingGrower grower(cuts, bins, options, pool); });
  EXPECT_NE(said.find("the histograms of a tree would take"), std::string::npos) << said;
  options.most_bytes = 37'000 * 8;
  EXPECT_EQ(tree_testing::message_of([&] { BoostingGrower grower(cuts, bins, options, pool); }), "");
}

}  // namespace
}  // namespace athanor
