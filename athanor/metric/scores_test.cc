// Scores against scikit-learn's and SciPy's (tests/parity/make_metric_fixtures.py), and what intervals promise.
#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/metric/answers.h"
#include "athanor/metric/bootstrap.h"
#include "athanor/metric/clusters.h"
#include "athanor/metric/curves.h"
#include "athanor/metric/paired.h"

namespace athanor {
namespace {

const nlohmann::json& fixture() {
  static const nlohmann::json data = [] {
    std::ifstream file(ATHANOR_SOURCE_DIR "/tests/fixtures/metric/scores.json");
    return nlohmann::json::parse(file);
  }();
  return data;
}

std::vector<std::string> names(size_t count) {
  std::vector<std::string> list;
  for (size_t i = 0; i < count; ++i) {
    list.push_back("label " + std::to_string(i));
  }
  return list;
}

void expect_scores(const std::vector<Score>& scores, const nlohmann::json& wanted) {
  for (const auto& [name, value] : wanted.items()) {
    const Score* found = find_score(scores, name);
    ASSERT_NE(found, nullptr) << name;
    EXPECT_NEAR(found->value, value.get<double>(), 1e-9 * std::max(1.0, std::abs(value.get<double>()))) << name;
    if (std::isfinite(found->low) && name != "max_error") {
      EXPECT_LE(found->low, found->value + 1e-12) << name;
      EXPECT_GE(found->high, found->value - 1e-12) << name;
    }
  }
}

TEST(Scores, ClassesAreThoseOfScikitLearn) {
  ThreadPool pool(2);
  for (const auto& one : fixture()["classes"]) {
    ClassAnswers answers;
    answers.labels = names(one["labels"]);
    answers.truth = one["truth"].get<std::vector<int32_t>>();
    answers.answer = one["answer"].get<std::vector<int32_t>>();
    answers.probabilities = one["probabilities"].get<std::vector<double>>();
    answers.weights = one["weights"].get<std::vector<double>>();
    expect_scores(class_scores(answers, {.replicas = 200}, pool), one["scores"]);
  }
}

TEST(Scores, NumbersAreThoseOfScikitLearn) {
  ThreadPool pool(2);
  for (const auto& one : fixture()["numbers"]) {
    NumberAnswers answers;
    answers.truth = one["truth"].get<std::vector<double>>();
    answers.answer = one["answer"].get<std::vector<double>>();
    answers.weights = one["weights"].get<std::vector<double>>();
    expect_scores(number_scores(answers, {.replicas = 200}, pool), one["scores"]);
  }
}

TEST(Scores, LabelSetsAreThoseOfScikitLearn) {
  ThreadPool pool(2);
  for (const auto& one : fixture()["label_sets"]) {
    LabelSetAnswers answers;
    answers.labels = names(one["labels"]);
    answers.truth = one["truth"].get<std::vector<uint8_t>>();
    answers.answer = one["answer"].get<std::vector<uint8_t>>();
    expect_scores(label_set_scores(answers, {.replicas = 200}, pool), one["scores"]);
  }
}

TEST(Scores, ClustersAreThoseOfScikitLearn) {
  ThreadPool pool(2);
  for (const auto& one : fixture()["clusters"]) {
    const auto found = one["clusters"].get<std::vector<int32_t>>();
    const auto truth = one["truth"].get<std::vector<int32_t>>();
    EXPECT_NEAR(silhouette(one["points"].get<std::vector<double>>(), one["columns"], found, pool),
                one["silhouette"].get<double>(), 1e-12);
    EXPECT_NEAR(adjusted_rand(truth, found), one["adjusted_rand"].get<double>(), 1e-12);
    EXPECT_NEAR(normalized_mutual_information(truth, found), one["normalized_mutual_information"].get<double>(), 1e-12);
  }
}

TEST(Scores, CurvesAreThoseOfScikitLearn) {
  for (const auto& one : fixture()["curves"]) {
    const auto scores = one["scores"].get<std::vector<double>>();
    const auto truth = one["truth"].get<std::vector<uint8_t>>();
    const Curve roc = roc_curve(scores, truth);
    const auto fpr = one["fpr"].get<std::vector<double>>();
    const auto tpr = one["tpr"].get<std::vector<double>>();
    ASSERT_EQ(roc.x.size(), fpr.size());
    for (size_t i = 0; i < fpr.size(); ++i) {
      EXPECT_NEAR(roc.x[i], fpr[i], 1e-12);
      EXPECT_NEAR(roc.y[i], tpr[i], 1e-12);
    }
    const Curve curve = precision_recall_curve(scores, truth);
    const auto recall = one["recall"].get<std::vector<double>>();
    const auto precision = one["precision"].get<std::vector<double>>();
    // scikit-learn ends the curve where all true rows are found.
    for (size_t i = 0; i < recall.size() && i + 1 < curve.x.size(); ++i) {
      EXPECT_NEAR(curve.x[i + 1], recall[i], 1e-12);
      EXPECT_NEAR(curve.y[i + 1], precision[i], 1e-12);
    }
  }
}

TEST(Scores, DistributionsAreThoseOfScipy) {
  const auto& d = fixture()["distributions"];
  const auto near = [](double found, double wanted) { EXPECT_NEAR(found, wanted, 1e-9 * std::max(1e-3, std::abs(wanted))); };
  for (const auto& row : d["t"]) {
    near(student_t_two_sided(row[0], row[1]), row[2]);
  }
  for (const auto& row : d["t_quantile"]) {
    near(student_t_quantile(row[0], row[1]), row[2]);
  }
  for (const auto& row : d["chi2"]) {
    near(chi_squared_above(row[0], row[1]), row[2]);
  }
  for (const auto& row : d["normal"]) {
    near(normal_quantile(row[0]), row[1]);
  }
  for (const auto& row : d["beta"]) {
    near(regularized_beta(row[0], row[1], row[2]), row[3]);
  }
  for (const auto& row : d["mcnemar"]) {
    std::vector<uint8_t> a;
    std::vector<uint8_t> b;
    for (int i = 0; i < row[0].get<int>(); ++i) {
      a.push_back(1), b.push_back(0);
    }
    for (int i = 0; i < row[1].get<int>(); ++i) {
      a.push_back(0), b.push_back(1);
    }
    near(mcnemar(a, b).p_value, row[2]);
  }
}

TEST(Scores, TheIntervalCoversTheTruthAboutAsOftenAsItSays) {
  ThreadPool pool(2);
  int covered = 0;
  constexpr int kTrials = 200;
  for (int trial = 0; trial < kTrials; ++trial) {
    Rng rng(static_cast<uint64_t>(trial) + 77);
    NumberAnswers answers;
    for (int i = 0; i < 100; ++i) {
      answers.truth.push_back(0);
      answers.answer.push_back(rng.normal());  // the true mean square is 1
    }
    const auto scores = number_scores(answers, {.replicas = 300, .seed = static_cast<uint64_t>(trial)}, pool);
    const Score* mse = find_score(scores, "mse");
    covered += mse->low <= 1 && 1 <= mse->high ? 1 : 0;
  }
  EXPECT_GE(covered, 176);  // 95 % asked; percentile intervals of a skewed mean of 100 cover a little less
  EXPECT_LE(covered, 199);
}

TEST(Scores, AnyNumberOfThreadsGivesTheSameInterval) {
  ThreadPool one(1);
  ThreadPool three(3);
  ClassAnswers answers;
  answers.labels = {"no", "yes"};
  for (int i = 0; i < 50; ++i) {
    answers.truth.push_back(i % 3 == 0);
    answers.answer.push_back(i % 4 == 0);
  }
  EXPECT_EQ(to_json(class_scores(answers, {}, one)).dump(), to_json(class_scores(answers, {}, three)).dump());
}

TEST(Scores, WhatIsNotDefinedIsLeftOut) {
  ThreadPool pool(1);
  ClassAnswers answers;
  answers.labels = {"no", "yes"};
  answers.truth = {1, 1, 1};
  answers.answer = {1, 0, 1};
  answers.probabilities = {0.2, 0.8, 0.7, 0.3, 0, 1};
  const auto scores = class_scores(answers, {}, pool);
  EXPECT_EQ(find_score(scores, "auc"), nullptr);  // one class only
  ASSERT_NE(find_score(scores, "log_loss"), nullptr);
  EXPECT_TRUE(class_scores({}, {}, pool).empty());
  NumberAnswers constant{.truth = {2, 2}, .answer = {1, 3}, .weights = {}};
  EXPECT_EQ(find_score(number_scores(constant, {}, pool), "r2"), nullptr);
  EXPECT_TRUE(std::isnan(silhouette({1, 2, 3}, 1, {0, 0, 0}, pool)));
}

TEST(Paired, TellsABetterModelFromAnEqualOne) {
  ThreadPool pool(2);
  std::vector<double> a;
  std::vector<double> better;
  std::vector<double> equal;
  Rng rng(5);
  for (int i = 0; i < 300; ++i) {
    const double base = rng.normal();
    a.push_back(base + 0.3 * rng.normal());
    equal.push_back(base + 0.3 * rng.normal());
    better.push_back(base - 0.2 + 0.3 * rng.normal());
  }
  const Comparison good = paired_bootstrap(a, better, 1, pool);
  EXPECT_LT(good.p_value, 0.001);
  EXPECT_LT(good.high, 0);
  EXPECT_GT(paired_bootstrap(a, equal, 1, pool).p_value, 0.05);
  // Nadeau and Bengio: never more certain than the plain t-test.
  const std::vector<double> folds_a = {0.81, 0.79, 0.80, 0.83, 0.78};
  const std::vector<double> folds_b = {0.82, 0.80, 0.82, 0.83, 0.80};
  EXPECT_GT(corrected_t_test(folds_a, folds_b, 0.25).p_value, corrected_t_test(folds_a, folds_b, 0).p_value);
}

// Decision values of two labels tell the order of rows, and so AUC and average precision; nothing of how sure.
TEST(ClassScores, DecisionValuesGiveTheScoresOfTheirOrder) {
  ThreadPool pool(1);
  ClassAnswers answers;
  answers.labels = {"no", "yes"};
  answers.truth = {0, 1, 0, 1, 1, 0};
  answers.answer = {0, 1, 0, 0, 1, 1};
  const std::vector<double> p = {0.1, 0.9, 0.3, 0.4, 0.8, 0.6};
  ClassAnswers decisions = answers;
  decisions.only_order = true;
  for (const double yes : p) {
    answers.probabilities.insert(answers.probabilities.end(), {1 - yes, yes});
    const double side = std::log(yes / (1 - yes));
    decisions.probabilities.insert(decisions.probabilities.end(), {-side, side});
  }
  const auto sure = class_scores(answers, {.replicas = 50}, pool), order = class_scores(decisions, {.replicas = 50}, pool);
  for (const char* name : {"auc", "average_precision", "f1"}) {
    ASSERT_NE(find_score(order, name), nullptr) << name;
    EXPECT_EQ(find_score(order, name)->value, find_score(sure, name)->value) << name;
    EXPECT_EQ(find_score(order, name)->low, find_score(sure, name)->low) << name;
  }
  EXPECT_NEAR(find_score(order, "auc")->value, 8.0 / 9, 1e-12);
  for (const char* name : {"log_loss", "brier", "calibration_error"}) {
    EXPECT_NE(find_score(sure, name), nullptr);
    EXPECT_EQ(find_score(order, name), nullptr) << name;
  }
}

// Of three labels each has an order of its own, and AUC is the mean over one against the rest.
TEST(ClassScores, DecisionValuesOfThreeLabelsHaveAnAuc) {
  ThreadPool pool(1);
  ClassAnswers answers;
  answers.labels = {"a", "b", "c"};
  answers.truth = {0, 0, 1, 1, 2, 2};
  answers.answer = {0, 2, 1, 1, 2, 2};
  answers.only_order = true;
  // a: 7 of 8 pairs in order (the second row stands below the sixth); b: all; c: 6 of 8 and a tie
  answers.probabilities = {5,  -9, -3,    //
                           -1, -8, 2,     //
                           -4, 70, -7,    //
                           -6, 10, -1e9,  //
                           -2, -5, 2,     //
                           0,  -6, 1};
  const auto scores = class_scores(answers, {.replicas = 20}, pool);
  ASSERT_NE(find_score(scores, "auc"), nullptr);
  EXPECT_NEAR(find_score(scores, "auc")->value, (7.0 / 8 + 1 + 6.5 / 8) / 3, 1e-12);
  EXPECT_EQ(find_score(scores, "average_precision"), nullptr);
  EXPECT_EQ(find_score(scores, "log_loss"), nullptr);
}

}  // namespace
}  // namespace athanor
