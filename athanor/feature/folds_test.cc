#include "athanor/feature/folds.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

TEST(Folds, HoldEachClassEvenly) {
  Target target;
  target.task = Task::kClasses;
  target.labels = {"a", "b", "c"};
  for (uint64_t r = 0; r < 303; ++r) {
    target.classes.push_back(static_cast<int32_t>(random_at(43, r) % 10 < 6 ? 0 : random_at(44, r) % 2 + 1));
  }
  const auto folds = fold_rows(target, 4, 9);
  std::map<int32_t, std::map<int32_t, int>> of_class;
  std::map<int32_t, int> of_all;
  for (size_t r = 0; r < folds.size(); ++r) {
    ++of_class[target.classes[r]][folds[r]];
    ++of_all[folds[r]];
  }
  of_class[-1] = of_all;
  for (const auto& [label, counts] : of_class) {
    ASSERT_EQ(counts.size(), 4u) << label;
    const auto [low, high] = std::minmax_element(counts.begin(), counts.end(),
                                                 [](const auto& a, const auto& b) { return a.second < b.second; });
    EXPECT_LE(high->second - low->second, 1) << label;
  }
  EXPECT_EQ(fold_rows(target, 4, 9), folds);
  EXPECT_NE(fold_rows(target, 4, 10), folds);
}

TEST(Folds, PartTheRows) {
  const auto folds = fold_rows(10, 3, 1);
  std::vector<uint64_t> all;
  for (int32_t fold = 0; fold < 3; ++fold) {
    const FoldParts parts = parts_of(folds, fold);
    EXPECT_EQ(parts.train.size() + parts.valid.size(), 10u);
    all.insert(all.end(), parts.valid.begin(), parts.valid.end());
  }
  std::sort(all.begin(), all.end());
  EXPECT_EQ(all, (std::vector<uint64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}));
  EXPECT_THROW(fold_rows(2, 3, 1), Error);
  EXPECT_THROW(fold_rows(10, 1, 1), Error);
}

}  // namespace
}  // namespace athanor
