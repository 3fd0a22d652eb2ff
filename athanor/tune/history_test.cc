#include "athanor/tune/history.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/tune/search.h"

namespace athanor::tune {
namespace {

std::vector<int64_t> numbers_of(const std::vector<Trial>& trials) {
  std::vector<int64_t> numbers;
  for (const Trial& trial : trials) {
    numbers.push_back(trial.number);
  }
  return numbers;
}

// n trials that end in the order given.
History filled(int64_t n, const std::vector<int64_t>& order, std::vector<bool> maximise = {false}) {
  History history(3, maximise);
  for (int64_t i = 0; i < n; ++i) {
    history.add(Trial{.number = i, .state = TrialState::kRunning, .point = {0.5}, .values = {}, .steps = {}, .error = ""});
  }
  for (const int64_t number : order) {
    Trial& trial = history.at(number).trial;
    trial.state = TrialState::kComplete;
    trial.values.clear();
    for (size_t k = 0; k < maximise.size(); ++k) {
      trial.values.push_back(static_cast<double>(random_at(9, static_cast<uint64_t>(number), k) % 100000));
    }
    history.changed(number, TrialState::kRunning);
    history.settle(number);
  }
  return history;
}

std::vector<int64_t> forwards(int64_t n) {
  std::vector<int64_t> order(static_cast<size_t>(n));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

TEST(History, KeepsASampleAndTheBestWhateverTheOrder) {
  constexpr int64_t kTrials = 20000;
  auto order = forwards(kTrials);
  const History first = filled(kTrials, order);
  EXPECT_EQ(first.size(), kTrials);
  EXPECT_EQ(first.count(TrialState::kComplete), kTrials);
  EXPECT_FALSE(first.whole());
  EXPECT_LE(first.kept().size(), History::kKept + 1);
  EXPECT_GE(first.kept().size(), History::kKept);
  std::reverse(order.begin(), order.end());
  const History other = filled(kTrials, order);
  EXPECT_EQ(numbers_of(other.kept()), numbers_of(first.kept()));
  EXPECT_EQ(other.best(), first.best());
  double least = 1e300;
  for (int64_t i = 0; i < kTrials; ++i) {
    least = std::min(least, static_cast<double>(random_at(9, static_cast<uint64_t>(i), 0) % 100000));
  }
  EXPECT_EQ(first.at(first.best().at(0)).trial.values[0], least);
  const auto kept = numbers_of(first.kept());
  const double mean = std::accumulate(kept.begin(), kept.end(), 0.0) / static_cast<double>(kept.size());
  EXPECT_NEAR(mean, kTrials / 2, kTrials / 40) << "the sample leans to one end of the study";
}

TEST(History, AShortStudyIsKeptWhole) {
  const History history = filled(1000, forwards(1000));
  EXPECT_TRUE(history.whole());
  EXPECT_EQ(history.kept().size(), 1000u);
}

TEST(History, TheFrontIsKeptAndWhatLeavesItIsForgotten) {
  const History history = filled(20000, forwards(20000), {false, true});
  const auto kept = numbers_of(history.kept());
  EXPECT_LE(kept.size(), History::kKept + history.best().size());
  EXPECT_GE(history.best().size(), 2u);
  for (const int64_t number : history.best()) {
    EXPECT_TRUE(std::binary_search(kept.begin(), kept.end(), number));
  }
}

TEST(History, WhatIsForgottenIsAnErrorNotAGuess) {
  const History history = filled(20000, forwards(20000));
  const auto kept = numbers_of(history.kept());
  for (int64_t i = 0; i < 20000; ++i) {
    if (!std::binary_search(kept.begin(), kept.end(), i)) {
      EXPECT_THROW(history.at(i), Error);
      return;
    }
  }
  FAIL() << "nothing was forgotten";
}

}  // namespace
}  // namespace athanor::tune
