// Planted faults in curves and scores, each found; and shapes of healthy runs, about which it must be silent.
#include "athanor/metric/diagnosis.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

std::vector<CurvePoint> curve(int points, const std::function<double(double)>& value, double noise = 0.02) {
  std::vector<CurvePoint> out;
  Rng rng(3);
  for (int i = 0; i < points; ++i) {
    const double t = static_cast<double>(i) / (points - 1);
    out.push_back({10.0 * (i + 1), value(t) + noise * rng.normal()});
  }
  return out;
}

RunFacts healthy_run() {
  RunFacts facts;
  facts.train_loss = curve(60, [](double t) { return 2 + 4 * std::exp(-6 * t); });
  facts.valid_loss = curve(8, [](double t) { return 2.1 + 4 * std::exp(-6 * t); }, 0.005);
  facts.gradient_norm = curve(60, [](double) { return 1.0; }, 0.1);
  facts.valid_error = 0.02;
  facts.chance_loss = 6.2;
  facts.epochs = 1;
  return facts;
}

RunFacts healthy_fit() {
  RunFacts facts;
  facts.metric = "accuracy";
  facts.train_score = 0.90;
  facts.valid_score = 0.87;
  facts.valid_low = 0.86;
  facts.valid_high = 0.88;
  facts.chance_score = 0.76;
  facts.train_rows = 26'000;
  facts.valid_rows = 6'000;
  facts.features = 14;
  facts.residual_gain = 0.005;
  facts.labels = {{"<=50K", 19'760, 0.94}, {">50K", 6'240, 0.65}};
  facts.fields = {{"age", 0.05, 0.01}, {"education", 0.12, 0.02}};
  facts.overlap = 0.001;
  return facts;
}

std::string names(const std::vector<Finding>& findings) {
  std::string list;
  for (const auto& finding : findings) {
    EXPECT_FALSE(finding.evidence.empty());
    EXPECT_FALSE(finding.advice.empty());
    list += (list.empty() ? "" : "; ") + finding.name;
  }
  return list;
}

TEST(Diagnosis, IsSilentOnHealthyRuns) {
  EXPECT_EQ(names(diagnose(healthy_run(), 1e-3)), "");
  EXPECT_EQ(names(diagnose(healthy_fit())), "");
  EXPECT_EQ(names(diagnose({})), "");
  // A forest knows its own rows by heart, and is good on others.
  RunFacts forest = healthy_fit();
  forest.train_score = 1.0;
  forest.valid_score = 0.96;
  forest.valid_high = 0.97;
  EXPECT_EQ(names(diagnose(forest)), "");
}

TEST(Diagnosis, NamesARateThatIsTooHigh) {
  RunFacts facts = healthy_run();
  facts.train_loss = curve(60, [](double t) { return t < 0.3 ? 6 - 8 * t : 3.6 + 3 * (t - 0.3); });
  EXPECT_EQ(names(diagnose(facts, 0.1)), "rate too high");
  EXPECT_EQ(diagnose(facts, 0.1)[0].change, "optimizer.lr=0.03");
  facts.train_loss = curve(60, [](double t) { return t < 0.1 ? 5.0 : std::nan(""); });
  EXPECT_EQ(names(diagnose(facts, 0.1)), "rate too high");
}

TEST(Diagnosis, TellsOfSpikes) {
  RunFacts facts = healthy_run();
  facts.spikes = {{120, "rollback", {"a", "b"}}, {480, "skip", {"c"}}};
  std::vector<Finding> findings = diagnose(facts);
  ASSERT_EQ(names(findings), "loss spikes");
  EXPECT_EQ(findings[0].evidence, "2 at steps 120, 480: 1 rolled back, 1 left out");
  EXPECT_FALSE(findings[0].grave) << "two of 600 steps";
  EXPECT_EQ(findings[0].advice.find("look at the documents"), 0);
  for (double step = 481; step < 487; ++step) {
    facts.spikes.push_back({step, "skip", {"d", "a"}});
  }
  findings = diagnose(facts);
  EXPECT_EQ(findings[0].evidence, "8 at steps 120, 480, 481, 482 and 4 more: 1 rolled back, 7 left out");
  EXPECT_EQ(findings[0].advice, "look at a, d: in most of them");
  EXPECT_TRUE(findings[0].grave);
}

TEST(Diagnosis, NamesARateThatIsTooLow) {
  RunFacts facts = healthy_run();
  facts.train_loss = curve(60, [](double t) { return 6.2 - 0.9 * t; });
  facts.valid_loss = curve(8, [](double t) { return 6.2 - 0.9 * t; }, 0.005);
  EXPECT_EQ(names(diagnose(facts, 1e-5)), "rate too low");
  const double last = facts.train_loss.back().step;
  facts.warmup_steps = last - 1;
  EXPECT_EQ(names(diagnose(facts, 1e-5)), "rate too low");
  facts.warmup_steps = last + 400;  // its height was never reached: a higher one is the wrong advice
  const std::vector<Finding> findings = diagnose(facts, 1e-5);
  EXPECT_EQ(names(findings), "warm-up too long");
  EXPECT_EQ(findings[0].change, "schedule.warmup_steps=" + std::to_string(static_cast<int>(0.1 * last)));
  EXPECT_NE(findings[0].evidence.find("is longer than the run of"), std::string::npos) << findings[0].evidence;
}

TEST(Diagnosis, AWarmUpLongerThanAHealthyRunIsNoFault) {
  RunFacts facts = healthy_run();
  facts.warmup_steps = 1e6;
  EXPECT_TRUE(diagnose(facts).empty());
}

TEST(Diagnosis, NamesOverfittingByCurve) {
  RunFacts facts = healthy_run();
  facts.valid_loss = curve(12, [](double t) { return 2.5 + 4 * std::exp(-14 * t) + 1.2 * t; }, 0.005);
  facts.epochs = 30;
  EXPECT_EQ(names(diagnose(facts, 1e-3)), "overfit; too little data");
}

TEST(Diagnosis, NamesOverfittingByScores) {
  RunFacts facts = healthy_fit();
  facts.train_score = 1.0;
  facts.valid_score = 0.80;
  facts.valid_high = 0.82;
  EXPECT_EQ(names(diagnose(facts)), "overfit");
  facts.train_rows = 100;
  facts.features = 200;
  EXPECT_EQ(names(diagnose(facts)), "overfit; too little data");
}

TEST(Diagnosis, NamesUnderfitting) {
  RunFacts facts = healthy_fit();
  facts.residual_gain = 0.2;
  EXPECT_EQ(names(diagnose(facts)), "underfit");
  facts.residual_gain = 0;
  facts.richer_kind = "boosting";
  facts.richer_gain = 6;
  EXPECT_EQ(names(diagnose(facts)), "underfit");
  facts = healthy_fit();
  facts.train_score = facts.valid_score = 0.76;
  EXPECT_EQ(names(diagnose(facts)), "learns nothing");
  facts = healthy_run();
  facts.train_loss = curve(60, [](double t) { return 5 + std::exp(-30 * t); });
  facts.metric = "accuracy";
  facts.chance_score = 0.5;
  facts.train_score = 0.60;
  facts.valid_score = 0.59;
  EXPECT_EQ(names(diagnose(facts)), "underfit");
}

TEST(Diagnosis, NamesLeaksImbalanceDriftAndDeadUnits) {
  RunFacts facts = healthy_fit();
  facts.fields.push_back({"income_code", 1.0, 0.0});
  EXPECT_EQ(names(diagnose(facts)), "leak");
  facts = healthy_fit();
  facts.overlap = 0.3;
  EXPECT_EQ(names(diagnose(facts)), "leak");
  facts = healthy_fit();
  facts.labels = {{"no", 25'500, 0.99}, {"yes", 500, 0.02}};
  EXPECT_EQ(names(diagnose(facts)), "imbalance");
  facts = healthy_fit();
  facts.fields[0].drift = 0.8;
  EXPECT_EQ(names(diagnose(facts)), "drift");
  facts = healthy_run();
  facts.layers = {{"layers.0", 0.2}, {"layers.1", 0.7}};
  EXPECT_EQ(names(diagnose(facts, 1e-2)), "dead units");
  facts = healthy_fit();
  facts.more_data_gain = 0.3;
  EXPECT_EQ(names(diagnose(facts)), "too little data");
}

TEST(Diagnosis, TheStabilityIndexOfEqualSharesIsZero) {
  EXPECT_NEAR(stability_index({10, 20, 30}, {100, 200, 300}), 0, 1e-12);
  // By hand: (0.6 - 0.4) ln(0.6 / 0.4) + (0.4 - 0.6) ln(0.4 / 0.6)
  EXPECT_NEAR(stability_index({40, 60}, {60, 40}), 0.4 * std::log(1.5), 1e-12);
  EXPECT_TRUE(std::isnan(stability_index({}, {})));
}

// class_weights: balanced gives up accuracy for the rare label, as it was told to.
TEST(Diagnosis, WeightedAndLopsidedFitsAreJudgedByBalancedAccuracy) {
  RunFacts facts = healthy_fit();
  facts.labels = {{"neg", 2195, 0.62}, {"pos", 42, 0.61}};
  facts.chance_score = 0.981;
  facts.train_score = 0.654;
  facts.valid_score = 0.624;
  facts.valid_low = 0.589;
  facts.valid_high = 0.640;
  facts.train_balanced = 0.613;
  facts.valid_balanced = 0.618;
  facts.balanced_low = 0.50;
  facts.balanced_high = 0.73;
  facts.auc = 0.62;
  EXPECT_EQ(names(diagnose(facts)), "");
  facts.weighted = true;
  facts.residual_gain = 0.82;
  EXPECT_EQ(names(diagnose(facts)), "");
  // Weights on labels that are equally frequent.
  facts.labels = {{"neg", 1000, 0.6}, {"pos", 1000, 0.6}};
  facts.chance_score = 0.5;
  EXPECT_EQ(names(diagnose(facts)), "");
  // Nothing was learnt by any measure.
  facts.train_balanced = 0.51;
  facts.valid_balanced = 0.50;
  facts.auc = 0.51;
  ASSERT_EQ(names(diagnose(facts)), "learns nothing");
  EXPECT_NE(diagnose(facts)[0].evidence.find("balanced accuracy"), std::string::npos);
  // The threshold is wrong, the order of the rows is not.
  facts.auc = 0.8;
  EXPECT_EQ(names(diagnose(facts)), "");
}

TEST(Diagnosis, NearPerfectModelsAreNotCalledTooSimple) {
  RunFacts numbers = healthy_fit();
  numbers.labels.clear();
  numbers.metric = "r2";
  numbers.chance_score = 0;
  numbers.train_score = numbers.valid_score = 0.9995;
  numbers.residual_gain = 0.6;
  EXPECT_EQ(names(diagnose(numbers)), "");
  numbers.richer_kind = "boosting";
  numbers.richer_gain = 5;
  EXPECT_EQ(names(diagnose(numbers)), "");
  numbers.train_score = numbers.valid_score = 0.9;
  EXPECT_EQ(names(diagnose(numbers)), "underfit");

  RunFacts classes = healthy_fit();
  classes.residual_gain = 0.6;
  EXPECT_EQ(names(diagnose(classes)), "underfit");
  classes.auc = 0.9999;
  EXPECT_EQ(names(diagnose(classes)), "");
  classes.auc = std::nan("");
  classes.train_score = classes.valid_score = 1;
  EXPECT_EQ(names(diagnose(classes)), "");
}

// The shape of "rate too low" and of "learns nothing", but the run is not at its end.
TEST(Diagnosis, AnUnfinishedRunIsNotJudgedByItsEnd) {
  RunFacts facts = healthy_run();
  facts.train_loss = curve(60, [](double t) { return 6 - 0.5 * t; }, 0.001);
  facts.valid_loss.clear();
  EXPECT_FALSE(diagnose(facts).empty());
  facts.finished = false;
  EXPECT_TRUE(diagnose(facts).empty());
}

TEST(Diagnosis, TwoValidationRowsTellNoOverfit) {
  RunFacts facts = healthy_fit();
  facts.train_score = 1;
  facts.valid_score = facts.valid_low = 0.5;
  facts.valid_high = 0.6;
  facts.valid_rows = 200;
  const auto overfits = [&] {
    const auto found = diagnose(facts);
    return std::any_of(found.begin(), found.end(), [](const Finding& finding) { return finding.name == "overfit"; });
  };
  EXPECT_TRUE(overfits());
  facts.valid_rows = 2;
  EXPECT_FALSE(overfits());
}

}  // namespace
}  // namespace athanor
