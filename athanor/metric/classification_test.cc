#include "athanor/metric/classification.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace athanor {
namespace {

// scikit-learn 1.9: accuracy_score, precision_recall_fscore_support, f1_score(average="macro") of the same answers.
TEST(ConfusionMatrix, EqualsTheDefinition) {
  const std::vector<size_t> truth{0, 0, 0, 0, 1, 1, 2, 2, 2, 2};
  const std::vector<size_t> answer{0, 0, 1, 2, 1, 1, 2, 2, 0, 2};
  ConfusionMatrix matrix(3);
  for (size_t i = 0; i < truth.size(); ++i) {
    matrix.add(truth[i], answer[i]);
  }
  EXPECT_DOUBLE_EQ(matrix.accuracy(), 0.7);
  EXPECT_DOUBLE_EQ(matrix.precision(0), 2.0 / 3);
  EXPECT_DOUBLE_EQ(matrix.recall(0), 0.5);
  EXPECT_DOUBLE_EQ(matrix.f1(0), 4.0 / 7);
  EXPECT_DOUBLE_EQ(matrix.f1(1), 0.8);
  EXPECT_DOUBLE_EQ(matrix.f1(2), 0.75);
  EXPECT_DOUBLE_EQ(matrix.macro_f1(), (4.0 / 7 + 0.8 + 0.75) / 3);
  EXPECT_EQ(matrix.to_json({"a", "b", "c"})["per_label"]["c"]["support"], 4);
}

TEST(ConfusionMatrix, ClassesThatNeverOccurDoNotCount) {
  ConfusionMatrix matrix(3);
  EXPECT_EQ(matrix.accuracy(), 0);
  EXPECT_EQ(matrix.macro_f1(), 0);
  matrix.add(0, 0);
  matrix.add(1, 0);
  EXPECT_DOUBLE_EQ(matrix.macro_f1(), (2.0 / 3 + 0) / 2);
  EXPECT_EQ(matrix.precision(2), 0);
}

TEST(RegressionScore, EqualsTheDefinition) {
  RegressionScore score;
  EXPECT_EQ(score.rmse(), 0);
  score.add(3, 2.5);
  score.add(-0.5, 0);
  score.add(2, 2);
  score.add(7, 8);
  EXPECT_DOUBLE_EQ(score.mae(), 0.5);
  EXPECT_DOUBLE_EQ(score.rmse(), std::sqrt(0.375));
  EXPECT_NEAR(score.r2(), 0.9486081370449679, 1e-12);
}

}  // namespace
}  // namespace athanor
