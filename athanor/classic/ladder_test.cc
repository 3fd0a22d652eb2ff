#include "athanor/classic/ladder.h"

#include <gtest/gtest.h>

#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

struct Task2 {
  Table table;
  Target target;
};

// Two numbers; the class is a step of the first, which only trees see.
Task2 rows_of(uint64_t rows) {
  Task2 out;
  out.table.rows = rows;
  out.table.columns = {{.name = "a"}, {.name = "b"}};
  out.target.task = Task::kClasses;
  out.target.labels = {"no", "yes"};
  for (uint64_t r = 0; r < rows; ++r) {
    const double a = to_unit(random_at(1, r));
    out.table.columns[0].numbers.push_back(a);
    out.table.columns[1].numbers.push_back(to_unit(random_at(2, r)));
    out.target.classes.push_back(static_cast<int32_t>(a * 8) % 2);
  }
  return out;
}

// A clock that goes on by `cost` seconds each time the rung tried `place`-th reports progress, and stands still otherwise.
Ladder climbed(const Task2& task, size_t place, double cost) {
  ThreadPool pool(1);
  double now = 0;
  LadderOptions options{.seconds = 40};
  options.clock = [&now] { return now; };
  FitContext context{pool};
  context.progress = [&](double done) { now += static_cast<size_t>(done * 6 + 0.5) == place ? cost : 0; };
  return climb(task.table, task.target, options, context);
}

const Rung& rung_of(const Ladder& ladder, const std::string& kind) {
  const auto found = std::find_if(ladder.rungs.begin(), ladder.rungs.end(), [&](const Rung& rung) { return rung.kind == kind; });
  return *found;
}

TEST(Ladder, ASlowForestIsTriedLastAndKeepsItsFolds) {
  const Ladder ladder = climbed(rows_of(400), 5, 1);  // about 14 s a fold
  EXPECT_EQ(ladder.rungs[4].kind, "forest");
  EXPECT_TRUE(rung_of(ladder, "boosting").judged);
  const Rung& forest = rung_of(ladder, "forest");
  EXPECT_FALSE(forest.judged);
  EXPECT_GT(forest.fold_scores.size(), 0U);
  EXPECT_LT(forest.fold_scores.size(), 5U);
  EXPECT_EQ(forest.seconds, 41);
  EXPECT_EQ(forest.note, "stopped after 41 s, " + std::to_string(forest.fold_scores.size()) + " of 5 folds");
  EXPECT_GT(forest.score, 0.5);
  EXPECT_NE(ladder.rungs[ladder.chosen].kind, "forest");
}

TEST(Ladder, ASlowRungLeavesHalfOfTheTimeToOthers) {
  const Ladder ladder = climbed(rows_of(400), 4, 7);  // boosting
  const Rung& boosting = rung_of(ladder, "boosting");
  EXPECT_FALSE(boosting.judged);
  EXPECT_EQ(boosting.seconds, 21);
  EXPECT_EQ(boosting.note, "stopped after 21 s, 0 of 5 folds");
  EXPECT_TRUE(rung_of(ladder, "forest").judged);
}

// A column of texts (a name, say) keeps no rung from the other columns; texts alone get no trees.
TEST(Ladder, TextsBesideNumbersStillGetTrees) {
  Task2 task = rows_of(300);
  TableColumn text{.name = "note", .kind = ColumnKind::kText};
  for (uint64_t row = 0; row < 300; ++row) {
    text.texts.push_back("note " + std::to_string(random_at(3, row) % 20));
  }
  task.table.columns.push_back(text);
  ThreadPool pool(1);
  FitContext context{pool};
  Ladder ladder = climb(task.table, task.target, {.seconds = 1e9}, context);
  ASSERT_EQ(ladder.rungs.size(), 6u);
  for (const Rung& rung : ladder.rungs) {
    EXPECT_TRUE(rung.judged) << rung.kind << ": " << rung.note;
  }
  EXPECT_GT(rung_of(ladder, "boosting").score, rung_of(ladder, "logistic").score + 0.2);

  task.table.columns.erase(task.table.columns.begin(), task.table.columns.begin() + 2);
  ladder = climb(task.table, task.target, {.seconds = 1e9}, context);
  EXPECT_EQ(ladder.rungs.size(), 3u);
}

// Scores of a table whose labels have few rows, as five folds gave them: the tree's vary so much that it is "within one
// standard error" of the best, although naive Bayes and logistic regression are both simpler and better.
TEST(Ladder, ARungThatASimplerOneBeatsIsNeverChosen) {
  Ladder ladder;
  ladder.metric = "f1_macro";
  ladder.rungs = {{.kind = "naive_bayes", .fold_scores = {0.975, 0.961, 0.741, 0.735, 0.734}},
                  {.kind = "logistic", .fold_scores = {1.0, 0.976, 0.741, 0.735, 0.734}},
                  {.kind = "tree", .fold_scores = {0.992, 0.746, 0.747, 0.747, 0.746}},
                  {.kind = "forest", .fold_scores = {1.0, 1.0, 0.747, 0.747, 0.746}}};
  for (Rung& rung : ladder.rungs) {
    rung.judged = true;
    rung.score = std::accumulate(rung.fold_scores.begin(), rung.fold_scores.end(), 0.0) / 5;
  }
  ThreadPool pool(1);
  std::vector<std::string> warnings;
  FitContext context{.pool = pool, .warn = [&](const std::string& what) { warnings.push_back(what); }};
  choose_rung(ladder, 5, context);
  EXPECT_EQ(ladder.rungs[ladder.chosen].kind, "forest") << ladder.why;
  EXPECT_TRUE(warnings.empty());

  ladder.rungs.push_back({.kind = "boosting", .note = "stopped after 9 s, 2 of 5 folds", .fold_scores = {1.0, 1.0}, .score = 1});
  choose_rung(ladder, 5, context);
  EXPECT_TRUE(warnings.empty()) << "boosting is not ahead";
  ladder.rungs[0].judged = ladder.rungs[1].judged = ladder.rungs[2].judged = false;
  ladder.rungs[3].fold_scores = {0.85, 0.84, 0.84, 0.86, 0.86};
  ladder.rungs[3].score = 0.85;
  choose_rung(ladder, 5, context);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_EQ(warnings[0].find("boosting was stopped after 9 s, 2 of 5 folds, and led there"), 0u) << warnings[0];
}

TEST(Ladder, ARareLabelGetsFewerFoldsAndAConstantIsTold) {
  Task2 task = rows_of(300);
  for (size_t row = 0; row < 300; ++row) {  // three rows of 'yes', which one number tells
    task.target.classes[row] = row % 100 == 7 ? 1 : 0;
    task.table.columns[0].numbers[row] = task.target.classes[row] + task.table.columns[1].numbers[row] / 100;
  }
  ThreadPool pool(1);
  std::vector<std::string> warnings;
  FitContext context{.pool = pool, .warn = [&](const std::string& what) { warnings.push_back(what); }};
  Ladder ladder = climb(task.table, task.target, {.seconds = 1e9}, context);
  EXPECT_NE(ladder.rungs[ladder.chosen].kind, "constant");
  EXPECT_EQ(ladder.rungs[ladder.chosen].fold_scores.size(), 3u);
  ASSERT_EQ(warnings.size(), 1u);
  EXPECT_NE(warnings[0].find("label 'yes' has 3 rows: models are judged over 3 folds, not 5"), std::string::npos) << warnings[0];

  task.target.classes[107] = task.target.classes[207] = 0;
  warnings.clear();
  ladder = climb(task.table, task.target, {.seconds = 1e9}, context);
  EXPECT_EQ(ladder.rungs[ladder.chosen].kind, "constant");
  ASSERT_EQ(warnings.size(), 2u);
  EXPECT_NE(warnings[1].find("the same answer for all rows, because others could not be judged: naive_bayes"), std::string::npos)
      << warnings[1];
}

}  // namespace
}  // namespace athanor
