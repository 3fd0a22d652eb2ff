#include <algorithm>
#include <numeric>

#include "athanor/data/testing/test_scratch.h"
#include "athanor/feature/select/scores.h"
#include "athanor/feature/test_fixture.h"

namespace athanor {
namespace {

void expect_scores(const std::vector<double>& given, const nlohmann::json& expected,
                   double relative = 1e-6) {
  ASSERT_EQ(given.size(), expected.size());
  for (size_t i = 0; i < given.size(); ++i) {
    EXPECT_NEAR(given[i], expected[i].get<double>(),
                relative * std::max(1e-3, std::fabs(expected[i].get<double>())))
        << i;
  }
}

Matrix sparse_of(const Matrix& x) {
  SparseRows rows;
  for (uint64_t row = 0; row < x.rows; ++row) {
    for (uint64_t column = 0; column < x.columns; ++column) {
      if (x.at(row, column) != 0) {
        rows.indices.push_back(static_cast<uint32_t>(column));
        rows.values.push_back(x.at(row, column));
      }
    }
    rows.offsets.push_back(rows.indices.size());
  }
  return Matrix::from_sparse(std::move(rows), x.columns);
}

struct Problem {
  Matrix x;
  Target classes, number;
};

Problem problem_of(const nlohmann::json& fixture) {
  Problem problem;
  problem.x = matrix_of(fixture["x"]);
  problem.classes.labels = {"0", "1", "2"};
  problem.classes.classes = fixture["classes"].get<std::vector<int32_t>>();
  problem.number.task = Task::kRegression;
  problem.number.values = fixture["number"].get<std::vector<double>>();
  return problem;
}

TEST(Select, ScoresAsScikitLearn) {
  const nlohmann::json fixture = read_fixture("selection.json");
  const auto& scores = fixture["scores"];
  const Problem problem = problem_of(fixture);
  ThreadPool pool(2);
  expect_scores(variance_scores(problem.x), scores["variance"]);
  expect_scores(anova_scores(problem.x, problem.classes), scores["f_classif"]);
  expect_scores(anova_scores(problem.x, problem.number), scores["f_regression"]);
  expect_scores(correlation_scores(problem.x, problem.number, false, pool), scores["pearson"]);
  expect_scores(correlation_scores(problem.x, problem.number, true, pool), scores["spearman"]);
  expect_scores(mutual_information_scores(problem.x, problem.classes, 3, 1, pool),
                scores["mutual_classes"]);
  expect_scores(mutual_information_scores(problem.x, problem.number, 3, 1, pool),
                scores["mutual_number"]);
  Matrix positive = problem.x;
  for (double& value : positive.values) {
    value = std::fabs(value);
  }
  expect_scores(chi2_scores(positive, problem.classes), scores["chi2"]);
  const Matrix counts = matrix_of(fixture["counts"]);
  expect_scores(anova_scores(sparse_of(counts), problem.classes), scores["sparse_f_classif"]);
  expect_scores(chi2_scores(sparse_of(counts), problem.classes), scores["sparse_chi2"]);
}

TEST(Select, SparseRowsScoreAsDense) {
  const nlohmann::json fixture = read_fixture("selection.json");
  const Problem problem = problem_of(fixture);
  const Matrix counts = matrix_of(fixture["counts"]), sparse = sparse_of(counts);
  ThreadPool pool(2);
  const auto near = [](const std::vector<double>& a, const std::vector<double>& b) {
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_NEAR(a[i], b[i], 1e-12 * std::max(1.0, std::fabs(b[i])));
    }
  };
  near(variance_scores(sparse), variance_scores(counts));
  near(anova_scores(sparse, problem.number), anova_scores(counts, problem.number));
  near(correlation_scores(sparse, problem.classes, true, pool),
       correlation_scores(counts, problem.classes, true, pool));
  near(mutual_information_scores(sparse, problem.classes, 3, 1, pool),
       mutual_information_scores(counts, problem.classes, 3, 1, pool));
}

// Whole numbers as target and rounded features: within what scikit-learn's own noise makes of it, over its seeds.
TEST(Select, MutualInformationOfTies) {
  const nlohmann::json fixture = read_fixture("selection_ties.json");
  const Problem problem = problem_of(fixture);
  ThreadPool pool(2);
  for (const auto& [name, target] : {std::pair("number", &problem.number), {"classes", &problem.classes}}) {
    for (const uint64_t seed : {1, 2, 3}) {
      const auto scores = mutual_information_scores(problem.x, *target, 3, seed, pool);
      EXPECT_EQ(scores, mutual_information_scores(problem.x, *target, 3, seed, pool));
      for (size_t i = 0; i < scores.size(); ++i) {
        const auto& of = fixture["scores"][name];
        const double low = of["low"][i], high = of["high"][i], room = 0.5 * (high - low) + 1e-6;
        EXPECT_GE(scores[i], low - room) << name << " " << i;
        EXPECT_LE(scores[i], high + room) << name << " " << i;
      }
    }
  }
}

TEST(Select, KeepsTheBestInTheirOrder) {
  const nlohmann::json fixture = read_fixture("selection.json");
  const Problem problem = problem_of(fixture);
  ThreadPool pool(2);
  FitContext context{pool};
  Matrix x = problem.x;
  x.names = {"a", "b", "c", "d", "e", "f", "g"};
  auto select = make_transform("select", {{"by", "anova"}, {"keep", 2}}, "");
  const Matrix fitted = select->fit(x, &problem.number, context);
  EXPECT_EQ(fitted.columns, 2u);
  EXPECT_EQ(std::count(fitted.names.begin(), fitted.names.end(), "b"),
            1);  // the target is made of it
  EXPECT_LT(fitted.names[0], fitted.names[1]);
  const fs::path dir = scratch("select");
  auto again = make_transform("select", {{"by", "anova"}, {"keep", 2}}, "");
  save_and_load(*select, *again, dir);
  EXPECT_EQ(again->apply(x, pool).values, fitted.values);
  EXPECT_EQ(make_transform("select", {{"by", "variance"}, {"share", 0.5}}, "")
                ->fit(x, nullptr, context)
                .columns,
            4u);
  Matrix constant = Matrix::dense(3, 2);
  constant.values = {1, 2, 1, 3, 1, 4};
  EXPECT_EQ(
      make_transform("select", {{"by", "variance"}}, "")->fit(constant, nullptr, context).columns,
      1u);
  EXPECT_EQ(to_dense(make_transform("select", {{"by", "chi2"}, {"keep", 3}}, "")
                         ->fit(sparse_of(matrix_of(fixture["counts"])), &problem.classes, context))
                .columns,
            3u);
}

TEST(Select, AModelIsAsked) {
  const nlohmann::json fixture = read_fixture("selection.json");
  const Problem problem = problem_of(fixture);
  ThreadPool pool(1);
  FitContext context{pool};
  const nlohmann::json options{
      {"by", "elimination"}, {"keep", 2}, {"model", {{"forest", {{"trees", 3}}}}}};
  EXPECT_THROW(make_transform("select", options, "")->fit(problem.x, &problem.classes, context),
               Error);  // nobody to ask
  size_t asked = 0;
  context.importances = [&](const Matrix& x, const Target&, const nlohmann::json& model,
                            FitContext&) {
    EXPECT_TRUE(model.contains("forest"));
    ++asked;
    std::vector<double> importances(x.columns);  // the larger its first value, the more important
    for (uint64_t column = 0; column < x.columns; ++column) {
      importances[column] = x.at(0, column);
    }
    return importances;
  };
  const Matrix left =
      make_transform("select", options, "")->fit(problem.x, &problem.classes, context);
  EXPECT_EQ(left.columns, 2u);
  EXPECT_EQ(asked, 5u);  // one feature at a time, 7 to 2
  std::vector<double> first(problem.x.row(0), problem.x.row(0) + 7);
  std::nth_element(first.begin(), first.begin() + 1, first.end(), std::greater<>());
  EXPECT_EQ(std::min(left.at(0, 0), left.at(0, 1)), first[1]);
  EXPECT_EQ(
      make_transform("select", {{"by", "model"}, {"keep", 3}, {"model", {{"forest", nullptr}}}}, "")
          ->fit(problem.x, &problem.classes, context)
          .columns,
      3u);
  EXPECT_THROW(make_transform("select", {{"by", "model"}}, ""), Error);
}

TEST(Select, WhatCannotBeScoredIsNamed) {
  ThreadPool pool(1);
  FitContext context{pool};
  Matrix x = Matrix::dense(4, 2);
  x.names = {"fine", "bad"};
  x.values = {1, -1, 2, 3, 3, 4, 4, 5};
  Target target;
  target.labels = {"a", "b"};
  target.classes = {0, 1, 0, 1};
  EXPECT_NE(error_of([&] {
              make_transform("select", {{"by", "chi2"}, {"keep", 1}}, "")->fit(x, &target, context);
            })
                .message()
                .find("'bad'"),
            std::string::npos);
  x.at(2, 1) = std::nan("");
  EXPECT_NE(error_of([&] {
              make_transform("select", {{"keep", 1}}, "")->fit(x, &target, context);
            })
                .message()
                .find("'bad'"),
            std::string::npos);
  EXPECT_THROW(
      make_transform("select", {{"keep", 1}}, "")->fit(Matrix::dense(4, 2), nullptr, context),
      Error);
}

}  // namespace
}  // namespace athanor
