#include "athanor/train/control.h"

#include <gtest/gtest.h>

#include <limits>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

Control control_of(const char* rules) { return Control(parse_control(Json::parse(rules))); }

TEST(Control, ActsAfterSoManyLooksAndRests) {
  Control control = control_of(R"([{"metric": "grad_norm", "above": 5, "for": 3, "lr": 0.5, "cooldown": 2, "at_most": 2}])");
  std::vector<int> at;
  for (int step = 0; step < 30; ++step) {
    const double norm = step == 1 ? 1.0 : 6.0;
    for (const auto& decision : control.see_step(2.0, norm)) {
      at.push_back(step);
      EXPECT_EQ(decision.what, "learning rate x 0.5");
      EXPECT_NE(decision.why.find("grad_norm above 5 for 3 looks: 6"), std::string::npos) << decision.why;
    }
  }
  EXPECT_EQ(at, (std::vector<int>{4, 9}));  // 2 3 4, rest 5 6, then 7 8 9
  EXPECT_EQ(control.lr_factor(), 0.25);
}

TEST(Control, NoBetterForGrowsTheBatch) {
  Control control = control_of(R"([{"metric": "valid_loss", "no_better_for": 2, "batch": 2, "at_most": 0}])");
  for (const double loss : {3.0, 2.5, 2.6, 2.5, 2.4, 2.4, 2.4}) {
    control.see_validation(loss);
  }
  EXPECT_EQ(control.batch_factor(), 4);  // at 2.5 (no lower) and at the last
}

TEST(Control, TheGapIsAgainstTheMeanOfTraining) {
  Control control = control_of(R"([{"metric": "gap", "above": 0.4, "stop": true}])");
  for (int step = 0; step < 10; ++step) {
    control.see_step(step < 5 ? 1.0 : 2.0, 1.0);
  }
  control.see_validation(1.8);  // mean 1.5
  EXPECT_FALSE(control.stopped());
  EXPECT_EQ(control.see_validation(2.0).size(), 1u);
  EXPECT_TRUE(control.stopped());
}

TEST(Control, GoesOnFromItsState) {
  const char* rules = R"([{"metric": "loss_mean", "below": 2, "for": 4, "lr": 0.1, "cooldown": 3, "at_most": 0},
                          {"metric": "loss", "no_better_for": 5, "batch": 1.5, "at_most": 0}])";
  Control whole = control_of(rules);
  Control parts = control_of(rules);
  for (int step = 0; step < 60; ++step) {
    const double loss = 3 - step * 0.05 + (step * 7 % 5) * 0.1;
    Control next = control_of(rules);
    next.restore(Json::parse(parts.to_json().dump()));
    parts = next;
    EXPECT_EQ(whole.see_step(loss, 1).size(), parts.see_step(loss, 1).size()) << step;
    EXPECT_EQ(whole.to_json(), parts.to_json());
  }
  EXPECT_LT(whole.lr_factor(), 1);
}

TEST(Control, RefusesWhatMakesNoSense) {
  for (const char* rules : {"{}", "[1]", R"([{"metric": "mood", "above": 1, "stop": true}])",
                            R"([{"metric": "loss", "stop": true}])", R"([{"metric": "loss", "above": 1}])",
                            R"([{"metric": "loss", "above": 1, "below": 2, "stop": true}])",
                            R"([{"metric": "loss", "above": 1, "lr": 0}])",
                            R"([{"metric": "loss", "above": 1, "stop": true, "for": 0}])",
                            R"([{"metric": "loss", "above": 1, "stop": "yes"}])",
                            R"([{"metric": "loss", "no_better_for": 2, "for": 3, "lr": 0.5}])",
                            R"([{"metric": "loss", "above": 1, "lr": 0.5, "cooldown": 3}])",
                            R"([{"metric": "loss", "above": 1, "lr": 0.5, "stop": true}])",
                            R"([{"metric": "loss", "above": 1, "stop": true, "at_most": 2}])"}) {
    EXPECT_THROW(parse_control(Json::parse(rules)), Error) << rules;
  }
  EXPECT_TRUE(parse_control(nullptr).empty());
}

// A rule without an end: the batch grows to the bound and stays there, and no event says that it grew on.
TEST(Control, TheBatchGrowsToABound) {
  Control control = control_of(R"([{"metric": "loss", "above": 1, "batch": 5, "at_most": 0},
                                   {"metric": "grad_norm", "above": 9, "batch": 0.5}])");
  std::vector<std::string> told;
  for (int step = 0; step < 1000; ++step) {
    for (const ControlDecision& decision : control.see_step(2.0, 1)) {
      told.push_back(decision.what);
    }
  }
  EXPECT_EQ(told, (std::vector<std::string>{"batch x 5", "batch x 5", "batch x 2.56, the most there is"}));
  EXPECT_EQ(control.batch_factor(), 64);
  control.see_step(0.5, 10);
  EXPECT_EQ(control.batch_factor(), 32) << "and may fall again";
  EXPECT_EQ(control.see_step(2.0, 1).size(), 1u);
  EXPECT_THROW(parse_control(Json::parse(R"([{"metric": "loss", "above": 1, "batch": 1000}])")), Error);
}

TEST(Control, WhatIsNoNumberIsNoEvidence) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  Control control = control_of(R"([{"metric": "loss_mean", "below": 2, "for": 2, "lr": 0.5},
                                   {"metric": "valid_loss", "no_better_for": 1, "lr": 0.5}])");
  EXPECT_TRUE(control.see_step(nan, nan).empty());
  EXPECT_TRUE(control.see_validation(nan).empty());
  control.see_step(1.0, 1.0);
  const nlohmann::json saved = nlohmann::json::parse(control.to_json().dump());  // as a checkpoint keeps it
  Control again = control_of(R"([{"metric": "loss_mean", "below": 2, "for": 2, "lr": 0.5},
                                 {"metric": "valid_loss", "no_better_for": 1, "lr": 0.5}])");
  again.restore(saved);
  EXPECT_EQ(again.see_step(1.0, 1.0).size(), 1u) << "the second step below 2";
}

}  // namespace
}  // namespace athanor
