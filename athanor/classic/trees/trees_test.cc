#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/trees/boosting_kernels.h"
#include "athanor/classic/trees/decision_tree.h"
#include "athanor/classic/trees/forest.h"
#include "athanor/classic/trees/isolation_forest.h"
#include "athanor/classic/trees/ranks.h"
#include "athanor/classic/trees/shap.h"
#include "athanor/classic/trees/sort_values.h"
#include "athanor/classic/trees/tree_testing.h"
#include "athanor/classic/trees/tree_text.h"

namespace athanor {
namespace {

using tree_testing::Made;

TEST(SortValues, IsStdSort) {
  Rng rng(1);
  for (const size_t count : {0, 1, 255, 256, 5000}) {
    std::vector<double> values(count);
    for (double& value : values) {
      value = rng.below(3) == 0 ? static_cast<double>(rng.below(9)) - 4
                                : std::ldexp(rng.normal(), static_cast<int>(rng.below(200)) - 100);
    }
    std::vector<double> expected = values;
    std::sort(expected.begin(), expected.end());
    sort_values(values);
    EXPECT_EQ(values, expected);
  }
  EXPECT_EQ(cut_between(1, 2), 1.5);
  EXPECT_EQ(cut_between(1, std::nextafter(1.0, 2)), 1);
  EXPECT_EQ(cut_between(-1.7e308, 1.7e308), 0);
}

TEST(SortValues, RanksAreSortedStably) {
  Rng rng(2);
  for (const size_t count : {10, 100, 3000}) {
    std::vector<uint64_t> keys, spare;
    for (size_t i = 0; i < count; ++i) {
      keys.push_back(rng.below(70'000) << 32 | i);
    }
    auto expected = keys;
    std::sort(expected.begin(), expected.end());
    sort_by_rank(keys, spare, 70'000);
    EXPECT_EQ(keys, expected);
  }
}

TEST(BoostingKernels, ExpIsExp) {
  std::vector<double> x, out(2001);
  for (int i = 0; i <= 2000; ++i) {
    x.push_back(-700 + 0.7 * i);
  }
  exp_values(x.data(), out.data(), x.size());
  for (size_t i = 0; i < x.size(); ++i) {
    EXPECT_NEAR(out[i] / std::exp(x[i]), 1, 1e-14) << x[i];
  }
}

TEST(BoostingKernels, BestCutIsTheBestOfAll) {
  Rng rng(3);
  for (int round = 0; round < 200; ++round) {
    const auto bins = static_cast<uint32_t>(2 + rng.below(254));
    const bool has_missing = rng.below(2) == 0;
    std::vector<PackedSum> histogram(bins + 1, 0);
    PackedSum total = 0;
    for (uint32_t b = 0; b < bins + (has_missing ? 1 : 0); ++b) {
      if (rng.below(3) != 0) {
        histogram[b] = pack(static_cast<int64_t>(rng.below(20001)) - 10000,
                            static_cast<int64_t>(1 + rng.below(1000)));
      }
      total += histogram[b];
    }
    const SplitRules rules{0.5, 0.25, round % 2 == 0 ? 0.0 : 3.0, 1.0, 2000};
    const ColumnSplit found = best_cut(histogram.data(), bins, has_missing, total, rules);
    double best = -1;
    for (const bool missing_left : {false, true}) {
      PackedSum left = missing_left && has_missing ? histogram[bins] : 0;
      for (uint32_t b = 0; b < bins; ++b) {
        left += histogram[b];
        const PackedSum right = total - left;
        if (weight_of(left) < rules.least_weight || weight_of(right) < rules.least_weight) {
          continue;
        }
        const auto term = [&](PackedSum sum) {
          const double g = std::max(std::fabs(gradient_of(sum) * 0.5) - rules.l1, 0.0);
          return g * g / (weight_of(sum) * 0.25 + rules.l2);
        };
        best = std::max(best, term(left) + term(right));
      }
    }
    EXPECT_NEAR(found.score, best, 1e-9 * std::fabs(best));
  }
}

TEST(Trees, FewDistinctValuesAreLearntExactly) {
  Made made = tree_testing::smooth_rows(300, 3, 20);
  ThreadPool pool(2);
  FitContext context{pool};
  const auto model = make_model("tree", nlohmann::json::object(), Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  EXPECT_EQ(tree_testing::rmse(model->predict(made.x, pool), made.target), 0);
}

TEST(Trees, MissingValuesFindTheirSide) {
  for (const char* kind : {"tree", "forest", "extra_trees"}) {
    Made made = tree_testing::class_rows(600, 3, 3, 21);
    for (uint64_t r = 0; r < made.x.rows; r += 3) {
      made.x.at(r, 0) = std::nan("");
      made.target.classes[r] = 0;
    }
    ThreadPool pool(2);
    FitContext context{pool};
    const auto model = make_model(kind, {{"min_samples_leaf", 3}}, Task::kClasses, "m");
    model->fit(made.x, made.target, context);
    Matrix one = Matrix::dense(1, 3);
    one.at(0, 0) = std::nan("");
    EXPECT_GT(model->predict(one, pool).at(0, 0), 0.6) << kind;
  }
}

TEST(Trees, SameBytesForAnyThreads) {
  const Made values = tree_testing::smooth_rows(900, 6, 22);
  const Made classes = tree_testing::class_rows(700, 6, 3, 23);
  for (const char* kind : {"tree", "forest", "extra_trees"}) {
    const nlohmann::json options = kind == std::string("tree") ? nlohmann::json{{"max_leaves", 40}}
                                                               : nlohmann::json{{"trees", 20}};
    for (const Made* made : {&values, &classes}) {
      EXPECT_EQ(tree_testing::fitted_bytes(kind, options, *made, 1),
                tree_testing::fitted_bytes(kind, options, *made, 3))
          << kind;
    }
  }
}

TEST(Trees, ForestsLearnAndScoreOutOfBag) {
  const Made made = tree_testing::smooth_rows(1500, 4, 24);
  const Made fresh = tree_testing::smooth_rows(500, 4, 25);
  ThreadPool pool(2);
  FitContext context{pool};
  for (const bool random : {false, true}) {
    ForestOptions options;
    options.trees = 60;
    options.out_of_bag = true;
    Forest forest(options, Task::kRegression, random);
    forest.fit(made.x, made.target, context);
    const double error = tree_testing::rmse(forest.predict(fresh.x, pool), fresh.target) /
                         tree_testing::deviation(fresh.target);
    EXPECT_LT(error, 0.3);
    EXPECT_NEAR(forest.out_of_bag_score(), 1 - error * error, 0.05);
  }
}

TEST(Trees, SeveralLabelsARow) {
  Made made = tree_testing::class_rows(800, 3, 2, 26);
  made.target.task = Task::kMultiLabel;
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    made.target.marks.push_back(made.x.at(r, 0) > 0 ? 1 : 0);
    made.target.marks.push_back(made.x.at(r, 1) > 0.3 ? 1 : 0);
  }
  made.target.classes.clear();
  ThreadPool pool(2);
  FitContext context{pool};
  for (const char* kind : {"tree", "forest", "extra_trees"}) {
    const auto model = make_model(kind, nlohmann::json::object(), Task::kMultiLabel, "m");
    model->fit(made.x, made.target, context);
    const Matrix said = model->predict(made.x, pool);
    int wrong = 0;
    for (uint64_t i = 0; i < said.values.size(); ++i) {
      wrong += (said.values[i] > 0.5) != (made.target.marks[i] != 0) ? 1 : 0;
    }
    EXPECT_LT(wrong, 20) << kind;
  }
}

TEST(Trees, StoredModelsPredictTheSame) {
  const Made values = tree_testing::smooth_rows(300, 4, 27);
  const Made classes = tree_testing::class_rows(300, 4, 3, 28);
  ThreadPool pool(2);
  FitContext context{pool, 5};
  for (const char* kind : {"tree", "forest", "extra_trees", "boosting"}) {
    for (const Made* made : {&values, &classes}) {
      const auto model = make_model(kind, nlohmann::json::object(), made->target.task, "m");
      model->fit(made->x, made->target, context);
      const auto again =
          tree_testing::reloaded(*model, kind, nlohmann::json::object(), made->target.task);
      EXPECT_EQ(model->predict(made->x, pool).values, again->predict(made->x, pool).values) << kind;
    }
  }
}

TEST(Trees, SparseRowsAreAsDenseOnes) {
  Made made = tree_testing::class_rows(400, 6, 2, 29);
  SparseRows sparse;
  for (uint64_t r = 0; r < made.x.rows; ++r) {
    for (uint64_t c = 0; c < made.x.columns; ++c) {
      double& value = made.x.at(r, c);
      value = std::fabs(value) < 0.5 ? 0 : value;
      if (value != 0) {
        sparse.indices.push_back(static_cast<uint32_t>(c));
        sparse.values.push_back(value);
      }
    }
    sparse.offsets.push_back(sparse.indices.size());
  }
  const Made other{Matrix::from_sparse(sparse, 6), made.target};
  for (const char* kind : {"boosting", "forest", "tree"}) {
    EXPECT_EQ(tree_testing::fitted_bytes(kind, nlohmann::json::object(), made, 2),
              tree_testing::fitted_bytes(kind, nlohmann::json::object(), other, 2))
        << kind;
    ThreadPool pool(2);
    FitContext context{pool};
    const auto model = make_model(kind, nlohmann::json::object(), Task::kClasses, "m");
    model->fit(made.x, made.target, context);
    EXPECT_EQ(model->predict(made.x, pool).values, model->predict(other.x, pool).values);
  }
}

TEST(Trees, OddRowsScoreHigher) {
  Made made = tree_testing::smooth_rows(500, 3, 30);
  for (uint64_t c = 0; c < 3; ++c) {
    made.x.at(7, c) = 6;
    made.x.at(100, c) = c == 0 ? std::nan("") : -5;
  }
  ThreadPool pool(2);
  FitContext context{pool};
  const auto model =
      make_model("isolation_forest", {{"contamination", 0.004}}, Task::kAnomaly, "m");
  model->fit(made.x, Target{}, context);
  const Matrix scores = model->predict(made.x, pool);
  for (uint64_t r = 0; r < 500; ++r) {
    EXPECT_EQ(scores.at(r, 0) > model->threshold(), r == 7 || r == 100)
        << r << " " << scores.at(r, 0);
  }
  const auto again = tree_testing::reloaded(*model, "isolation_forest", {{"contamination", 0.004}},
                                            Task::kAnomaly);
  EXPECT_EQ(again->predict(made.x, pool).values, scores.values);
  EXPECT_EQ(again->threshold(), model->threshold());
}

TEST(Trees, LeastTables) {
  ThreadPool pool(1);
  FitContext context{pool};
  for (const char* kind : {"tree", "forest", "extra_trees"}) {
    Made made = tree_testing::class_rows(30, 3, 2, 31);
    for (uint64_t r = 0; r < made.x.rows; ++r) {
      made.x.at(r, 0) = std::nan("");
      made.x.at(r, 1) = 1;
    }
    const auto model = make_model(kind, {{"max_leaves", 5000}}, Task::kClasses, "m");
    model->fit(made.x, made.target, context);
    std::fill(made.target.classes.begin(), made.target.classes.end(), 1);
    model->fit(made.x, made.target, context);
    EXPECT_EQ(model->predict(made.x, pool).at(0, 1), 1) << kind;
    made.target.labels = {"only"};
    std::fill(made.target.classes.begin(), made.target.classes.end(), 0);
    model->fit(made.x, made.target, context);
    EXPECT_EQ(model->predict(made.x, pool).at(0, 0), 1) << kind;
    made.target.weights.assign(30, 0.0);
    EXPECT_NE(tree_testing::message_of([&] { model->fit(made.x, made.target, context); }), "");
    EXPECT_NE(
        tree_testing::message_of([&] { model->predict(Matrix::dense(3, 9), pool); }).find("9"),
        std::string::npos);
  }
  EXPECT_NE(tree_testing::message_of([] {
              make_model("forest", {{"columns", "many"}}, Task::kClasses, "fit.model");
            }).find("fit.model.columns"),
            std::string::npos);
}

// The definition: the mean over all orders of features of what each adds, unknown ones by the
// trees' covers.
double known(const TreeSet& trees, uint64_t tree, int32_t at, const double* row,
             uint64_t features) {
  const TreeNode& node = trees.nodes[static_cast<size_t>(at)];
  if (node.is_leaf()) {
    return trees.value_of(node)[0];
  }
  if ((features >> node.column() & 1) != 0) {
    return known(trees, tree, node.next(row[node.column()]), row, features);
  }
  const double left = trees.cover[static_cast<size_t>(node.child)];
  const double right = trees.cover[static_cast<size_t>(node.child) + 1];
  return (left * known(trees, tree, node.child, row, features) +
          right * known(trees, tree, node.child + 1, row, features)) /
         (left + right);
}

TEST(Shap, IsTheDefinition) {
  Made made = tree_testing::smooth_rows(400, 4, 32);
  for (uint64_t r = 0; r < 400; r += 5) {
    made.x.at(r, 1) = std::nan("");
  }
  ThreadPool pool(2);
  FitContext context{pool};
  const auto model =
      make_model("boosting", {{"rounds", 3}, {"max_leaves", 12}}, Task::kRegression, "m");
  model->fit(made.x, made.target, context);
  const auto& trees = static_cast<const TreeModel&>(*model).trees();
  const Contributions why = tree_contributions(static_cast<const TreeModel&>(*model), made.x, pool);
  const double orders[] = {0.25, 1.0 / 12, 1.0 / 12, 0.25};  // s! (3 - s)! / 4!
  const Matrix predicted = model->predict(made.x, pool);
  for (uint64_t r = 0; r < 30; ++r) {
    double sum = why.of_output[0].at(r, 4);
    for (uint64_t c = 0; c < 4; ++c) {
      double expected = 0;
      for (uint64_t set = 0; set < 16; ++set) {
        if ((set >> c & 1) == 0) {
          for (uint64_t t = 0; t < trees.trees(); ++t) {
            expected += orders[__builtin_popcountll(set)] *
                        (known(trees, t, trees.roots[t], made.x.row(r), set | 1ULL << c) -
                         known(trees, t, trees.roots[t], made.x.row(r), set));
          }
        }
      }
      EXPECT_NEAR(why.of_output[0].at(r, c), expected, 1e-10) << r << " " << c;
      sum += why.of_output[0].at(r, c);
    }
    EXPECT_NEAR(sum, predicted.at(r, 0), 1e-9);
  }
}

TEST(Shap, ForestsOfClassesAddUpToProbabilities) {
  const Made made = tree_testing::class_rows(300, 4, 3, 33);
  ThreadPool pool(2);
  FitContext context{pool};
  Forest forest({.trees = 10}, Task::kClasses, false);
  forest.fit(made.x, made.target, context);
  const Contributions why = tree_contributions(forest, made.x, pool);
  const Matrix predicted = forest.predict(made.x, pool);
  ASSERT_EQ(why.of_output.size(), 3U);
  for (uint64_t r = 0; r < 50; ++r) {
    for (uint64_t k = 0; k < 3; ++k) {
      double sum = 0;
      for (uint64_t c = 0; c <= 4; ++c) {
        sum += why.of_output[k].at(r, c);
      }
      EXPECT_NEAR(sum, predicted.at(r, k), 1e-9);
    }
  }
}

TEST(TreeText, ReadsAndDraws) {
  TreeSet trees;
  trees.columns = 2;
  trees.width = 2;
  const int32_t root = trees.begin_tree();
  trees.cover.own()[0] = 1400;
  const int32_t left = trees.split(root, {0, 3.5, false, 1});
  trees.cover.own()[1] = 200;
  trees.cover.own()[2] = 1200;
  trees.make_leaf(left + 1, std::vector<double>{0.01, 0.99});
  const int32_t low = trees.split(left, {1, 40, true, 1});
  trees.cover.own()[3] = 120;
  trees.cover.own()[4] = 80;
  trees.make_leaf(low, std::vector<double>{0.93, 0.07});
  trees.make_leaf(low + 1, std::vector<double>{0.39, 0.61});
  EXPECT_EQ(tree_text(trees, 0, {"income", "age"}, {"no", "yes"}, 9),
            "income <= 3.5\n"
            "|   age <= 40 or missing\n"
            "|   |   no (0.93) of 120\n"
            "|   age > 40\n"
            "|   |   yes (0.61) of 80\n"
            "income > 3.5 or missing\n"
            "|   yes (0.99) of 1,200\n");
  EXPECT_NE(tree_text(trees, 0, {}, {}, 1).find("... 2 leaves of 200"), std::string::npos);
  const std::string svg =
      tree_svg(trees, 0, {"a < b", "age"}, {"no", "yes"}, {.title = "The tree"});
  EXPECT_EQ(svg.substr(0, 4), "<svg");
  EXPECT_NE(svg.find("a &lt; b"), std::string::npos);
  size_t boxes = 0;
  for (size_t at = svg.find("<rect"); at != std::string::npos; at = svg.find("<rect", at + 1)) {
    ++boxes;
  }
  EXPECT_EQ(boxes, 5U);
}

}  // namespace
}  // namespace athanor
