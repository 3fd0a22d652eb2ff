#include "athanor/metric/diagnosis_study.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

// Trials drawn evenly from [0, 1] of one field, whose value at a place x is `value(x)`.
template <typename Value>
StudyFacts study(size_t trials, const Value& value) {
  StudyFacts facts;
  StudyFacts::Field field{.name = "lr", .low = 0.001, .high = 0.1, .importance = 0.6, .wider_below = "below", .wider_above = "above",
                          .narrower = "narrower"};
  Rng rng(5);
  size_t best = 0;
  for (size_t i = 0; i < trials; ++i) {
    field.places.push_back((static_cast<double>((i * 7) % trials) + 0.5) / static_cast<double>(trials));
    facts.values.push_back(value(field.places.back()));
    best = facts.values[i] > facts.values[best] ? i : best;
  }
  field.best = field.places[best];
  facts.trials = trials;
  facts.fields = {field, {.name = "kind", .importance = 0.4, .places = std::vector<double>(trials, std::nan(""))}};
  return facts;
}

const Finding* named(const std::vector<Finding>& findings, const std::string& name) {
  for (const Finding& finding : findings) {
    if (finding.name == name) {
      return &finding;
    }
  }
  return nullptr;
}

TEST(DiagnoseStudy, SilentWhereTheBestIsInside) {
  const auto findings = diagnose_study(study(32, [](double x) { return 0.9 - (x - 0.4) * (x - 0.4); }));
  EXPECT_TRUE(findings.empty()) << findings[0].name << ": " << findings[0].evidence;
}

TEST(DiagnoseStudy, TheBestAtTheEdge) {
  auto found = diagnose_study(study(32, [](double x) { return 0.5 + 0.3 * x; }));
  ASSERT_NE(named(found, "at the edge"), nullptr);
  EXPECT_EQ(named(found, "at the edge")->change, "above");
  EXPECT_NE(named(found, "at the edge")->evidence.find("upper end of 0.001 to 0.1"), std::string::npos);
  found = diagnose_study(study(32, [](double x) { return 0.8 - 0.3 * x; }));
  ASSERT_NE(named(found, "at the edge"), nullptr);
  EXPECT_EQ(named(found, "at the edge")->change, "below");
  StudyFacts facts = study(32, [](double x) { return 0.5 + 0.3 * x; });
  facts.fields[0].importance = 0.02;
  EXPECT_EQ(named(diagnose_study(facts), "at the edge"), nullptr) << "the field does not matter";
  facts = study(32, [](double x) { return -0.5 - 0.3 * x; });
  facts.higher_is_better = false;
  EXPECT_EQ(named(diagnose_study(facts), "at the edge")->change, "above");
}

TEST(DiagnoseStudy, TooWideTooFewNoEffectFailuresOneParameter) {
  auto found = diagnose_study(study(80, [](double x) { return std::abs(x - 0.5) < 0.07 ? 0.9 - (x - 0.5) * (x - 0.5) : 0.2 - std::abs(x - 0.5) / 10; }));
  EXPECT_EQ(named(found, "space too wide"), nullptr) << "the best quarter is wider than the peak";
  StudyFacts facts = study(40, [](double x) { return -std::abs(x - 0.5); });
  for (size_t i = 0; i < facts.values.size(); ++i) {  // the rest of the range fails to learn at all, and most of it was far off
    facts.fields[0].places[i] = 0.5 + (facts.fields[0].places[i] - 0.5) * (std::abs(facts.values[i]) < 0.125 ? 0.4 : 1);
  }
  ASSERT_NE(named(diagnose_study(facts), "space too wide"), nullptr);
  EXPECT_EQ(named(diagnose_study(facts), "space too wide")->change, "narrower");

  found = diagnose_study(study(6, [](double x) { return 0.9 - (x - 0.4) * (x - 0.4); }));
  ASSERT_NE(named(found, "too few trials"), nullptr);
  EXPECT_EQ(named(found, "too few trials")->change, "trials=12");

  found = diagnose_study(study(20, [](double x) { return 0.9 + 1e-4 * x; }));
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "no effect");

  facts = study(20, [](double x) { return 0.9 - (x - 0.4) * (x - 0.4); });
  facts.trials = 30;
  facts.failed = 10;
  facts.error = "no such kind";
  facts.fields[0].importance = 0.95;
  found = diagnose_study(facts);
  ASSERT_NE(named(found, "many failed"), nullptr);
  EXPECT_NE(named(found, "many failed")->evidence.find("10 of 30 trials failed, such as by: no such kind"), std::string::npos);
  ASSERT_NE(named(found, "one parameter"), nullptr);
  EXPECT_FALSE(named(found, "one parameter")->grave);
}

TEST(DiagnoseFolds, AnOddFoldAndAWideInterval) {
  FoldFacts facts{.metric = "fit.valid_accuracy", .values = {0.96, 0.95, 0.97, 0.95, 0.96}, .low = 0.95, .high = 0.97};
  EXPECT_TRUE(diagnose_folds(facts).empty());
  facts.values[3] = 0.7;
  ASSERT_NE(named(diagnose_folds(facts), "odd fold"), nullptr);
  EXPECT_NE(named(diagnose_folds(facts), "odd fold")->evidence.find("0.7 in fold 4"), std::string::npos);
  facts = {.metric = "m", .values = {0.7, 0.8, 0.9}, .low = 0.55, .high = 1.05};
  const auto found = diagnose_folds(facts);
  ASSERT_EQ(found.size(), 1u);
  EXPECT_EQ(found[0].name, "uncertain");
  EXPECT_EQ(found[0].change, "repeats=3");
  facts.drawn = false;  // by: time
  ASSERT_EQ(diagnose_folds(facts).size(), 1u);
  EXPECT_EQ(diagnose_folds(facts)[0].change, "");
}

RunFacts clusters(double count, double noise, double silhouette) {
  RunFacts facts;
  facts.train_rows = 100;
  facts.clusters = count;
  facts.noise_rows = noise;
  facts.silhouette = silhouette;
  return facts;
}

TEST(DiagnoseClusters, ByTheirSilhouetteAndNoise) {
  EXPECT_TRUE(diagnose(clusters(3, 5, 0.6)).empty());
  EXPECT_NE(named(diagnose(clusters(0, 100, std::nan(""))), "one cluster"), nullptr);
  EXPECT_NE(named(diagnose(clusters(3, 65, 0.6)), "mostly noise"), nullptr);
  EXPECT_NE(named(diagnose(clusters(3, 0, 0.1)), "no clear clusters"), nullptr);
}

}  // namespace
}  // namespace athanor
