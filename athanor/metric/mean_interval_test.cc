#include "athanor/metric/mean_interval.h"

#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/rng.h"
#include "athanor/metric/bootstrap.h"

namespace athanor {
namespace {

TEST(MeanInterval, NeverPassesABound) {
  for (uint64_t round = 0; round < 300; ++round) {
    std::vector<double> values;
    const uint64_t folds = 2 + random_at(round, 1) % 9;
    for (uint64_t i = 0; i < folds; ++i) {
      values.push_back(1 - 0.1 * std::pow(to_unit(random_at(round, 2, i)), 4));
    }
    for (const char* metric : {"fit.valid_accuracy", "evaluate.auc", "fit.valid.f1_macro", "fit.valid.mcc",
                               "fit.valid.accuracy.value"}) {
      const auto found = mean_interval(values, 0.25, 0.95, bounds_of_metric(metric));
      EXPECT_EQ(found.by, "Wilson");
      EXPECT_LE(found.high, 1);
      EXPECT_GE(found.low, bounds_of_metric(metric).low);
      EXPECT_LE(found.low, found.high);
    }
  }
  const auto plain = mean_interval({0.99, 1.0, 0.96, 1.0, 1.0}, 0.25, 0.95, {});
  EXPECT_GT(plain.high, 1);  // what Student's alone would say
  EXPECT_EQ(plain.by, "t");
}

TEST(MeanInterval, OfManyRowsIsStudents) {
  std::vector<double> values;
  for (uint64_t i = 0; i < 10; ++i) {
    values.push_back(0.8 + 0.002 * to_unit(random_at(1, i)));
  }
  const auto wilson = mean_interval(values, 1.0 / 9, 0.95, {0, 1});
  const auto plain = mean_interval(values, 1.0 / 9, 0.95, {});
  EXPECT_NEAR(wilson.low, plain.low, 1e-5);
  EXPECT_NEAR(wilson.high, plain.high, 1e-5);
}

// With a share's own variance it is Wilson's interval of that many rows, but for Student's quantile in place of the normal's.
TEST(MeanInterval, IsWilsonsOfAsManyRowsAsTheVarianceSpeaksOf) {
  const double p = 0.9;
  const double deviation = std::sqrt(p * (1 - p) / 400.0);
  std::vector<double> values;
  for (int i = 0; i < 2000; ++i) {  // their mean has the error of 400 rows: test_share makes up what 2,000 folds would lose
    values.push_back(p + (i % 2 == 0 ? deviation : -deviation));
  }
  const auto found = mean_interval(values, 1 - 1.0 / 2000, 0.95, {0, 1});
  double low = 0, high = 0;
  wilson_interval(p, 400, 0.95, low, high);
  EXPECT_NEAR(found.low, low, 1e-4);
  EXPECT_NEAR(found.high, high, 1e-4);
}

TEST(MeanInterval, OneBoundCuts) {
  const auto error = mean_interval({0.1, 3.0}, 1, 0.95, bounds_of_metric("fit.valid.rmse"));
  EXPECT_EQ(error.low, 0);
  EXPECT_EQ(error.by, "t, cut at 0");
  const auto fit = mean_interval({0.999, 0.2}, 1, 0.95, bounds_of_metric("fit.valid.r2"));
  EXPECT_EQ(fit.high, 1);
  EXPECT_LT(fit.low, 0);
  const auto same = mean_interval({1, 1, 1}, 0.5, 0.95, {0, 1});
  EXPECT_EQ(same.low, 1);
  EXPECT_EQ(same.high, 1);
  EXPECT_EQ(mean_interval({0.5}, 1, 0.95, {0, 1}).by, "");
}

TEST(MeanInterval, UnknownNamesAndValuesBeyondABoundHaveNone) {
  EXPECT_TRUE(std::isinf(bounds_of_metric("pretrain.eval.loss").low));
  EXPECT_TRUE(std::isinf(bounds_of_metric("x.f10").high));
  EXPECT_EQ(mean_interval({86.0, 88.0}, 1, 0.95, bounds_of_metric("x.accuracy")).by, "t");  // percent, it seems
}

}  // namespace
}  // namespace athanor
