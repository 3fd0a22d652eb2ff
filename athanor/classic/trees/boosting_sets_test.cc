// Sets of categories on small tables: as LightGBM, at most four categories are split one against the rest, with no more than
// the ordinary least rows of a leaf.
#include <gtest/gtest.h>

#include "athanor/base/rng.h"
#include "athanor/classic/trees/tree_testing.h"

namespace athanor {
namespace {

using tree_testing::Made;

// Column "kind" has `levels` codes and tells the class: a code's class is given by which.
Made coded_rows(uint64_t rows, uint64_t levels, const std::vector<int32_t>& which) {
  Made made = tree_testing::class_rows(rows, 2, 2, 30);
  made.x.names = {"noise", "kind"};
  for (uint64_t r = 0; r < rows; ++r) {
    const uint64_t code = random_at(31, r) % levels;
    made.x.at(r, 1) = static_cast<double>(code);
    made.target.classes[r] = which[code];
  }
  return made;
}

double accuracy_of(const Made& made, const nlohmann::json& options) {
  ThreadPool pool(1);
  FitContext context{pool};
  const auto model = make_model("boosting", options, Task::kClasses, "m");
  model->fit(made.x, made.target, context);
  return tree_testing::accuracy(model->predict(made.x, pool), made.target);
}

TEST(BoostingSets, FewCategoriesSplitOnSmallTables) {
  const nlohmann::json sets{{"categories", {"kind"}}};
  EXPECT_EQ(accuracy_of(coded_rows(126, 2, {0, 1}), sets), 1);
  EXPECT_EQ(accuracy_of(coded_rows(160, 3, {1, 0, 1}), sets), 1);
  EXPECT_EQ(accuracy_of(coded_rows(200, 4, {0, 1, 1, 0}), sets), 1);
}

TEST(BoostingSets, LeavesHaveTheRowsThatAreAsked) {
  Made made = coded_rows(200, 2, {0, 1});
  for (uint64_t r = 0; r < 200; ++r) {  // 10 rows of the second category: too few for a leaf of 20
    made.x.at(r, 1) = r < 10 ? 1 : 0;
    made.x.at(r, 0) = 0;
    made.target.classes[r] = r < 10 ? 1 : 0;
  }
  EXPECT_EQ(accuracy_of(made, {{"categories", {"kind"}}, {"min_child_weight", 0}}), 0.95);
  EXPECT_EQ(accuracy_of(made, {{"categories", {"kind"}}, {"min_child_weight", 0}, {"min_samples_leaf", 5}}), 1);
}

TEST(BoostingSets, AMissingCategoryGoesWithTheRest) {
  Made made = coded_rows(300, 3, {0, 1, 1});
  for (uint64_t r = 0; r < 300; r += 5) {
    made.x.at(r, 1) = std::nan("");
    made.target.classes[r] = 1;
  }
  EXPECT_EQ(accuracy_of(made, {{"categories", {"kind"}}}), 1);
}

}  // namespace
}  // namespace athanor
