#include "athanor/classic/ladder.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace athanor
