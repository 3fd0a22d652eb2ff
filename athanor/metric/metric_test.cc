// Sketches against exact answers.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <random>

#include "athanor/base/hash.h"
#include "athanor/metric/frequent_items.h"
#include "athanor/metric/number_sketch.h"

namespace athanor {
namespace {

TEST(NumberSketch, QuantilesAreWithinTheBound) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> lengths(7, 2);
  std::normal_distribution<double> scores(0, 3);
  for (const bool positive : {true, false}) {
    NumberSketch sketch;
    std::vector<double> all;
    for (int i = 0; i < 20'000; ++i) {
      all.push_back(positive ? lengths(random) : scores(random));
      sketch.add(all.back());
    }
    std::sort(all.begin(), all.end());
    for (double q = 0; q <= 1.0; q += 0.01) {
      const double exact = all[static_cast<size_t>(q * static_cast<double>(all.size() - 1))];
      EXPECT_NEAR(sketch.quantile(q), exact, std::abs(exact) * NumberSketch::kRelativeError * 1.01) << q;
    }
    EXPECT_EQ(sketch.min(), all.front());
    EXPECT_EQ(sketch.max(), all.back());
  }
}

TEST(NumberSketch, SmallWholeNumbersAreExact) {
  NumberSketch sketch;
  for (int i = -256; i <= 256; ++i) {
    sketch.add(i);
  }
  for (int i = 0; i <= 512; ++i) {
    EXPECT_EQ(sketch.quantile((i + 0.5) / 512), i - 256);
  }
}

TEST(NumberSketch, MergingIsAdding) {
  std::mt19937_64 random(2);
  NumberSketch whole, a, b;
  for (int i = 0; i < 5'000; ++i) {
    const auto value = static_cast<double>(random() % 100'000) - 100;
    whole.add(value);
    (random() % 3 == 0 ? a : b).add(value);
  }
  a.merge(b);
  a.merge(NumberSketch());
  EXPECT_EQ(a.count(), whole.count());
  EXPECT_EQ(a.mean(), whole.mean());
  for (double q = 0; q <= 1; q += 0.05) {
    EXPECT_EQ(a.quantile(q), whole.quantile(q));
  }
  EXPECT_EQ(a.histogram({0, 10, 1e6}), whole.histogram({0, 10, 1e6}));
}

TEST(NumberSketch, OddNumbers) {
  NumberSketch sketch;
  EXPECT_EQ(sketch.quantile(0.5), 0);
  sketch.add(std::nan(""));
  sketch.add(std::numeric_limits<double>::infinity());
  sketch.add(-std::numeric_limits<double>::infinity());
  sketch.add(std::numeric_limits<double>::denorm_min());
  sketch.add(-0.0);
  EXPECT_EQ(sketch.num_missing(), 1u);
  EXPECT_EQ(sketch.count(), 4u);
  EXPECT_TRUE(std::isfinite(sketch.quantile(1)));
  EXPECT_EQ(sketch.histogram({-1, 0, 1}), (std::vector<uint64_t>{1, 3}));
}

TEST(NumberSketch, EdgesHoldTheRange) {
  for (const auto& [low, high] : std::vector<std::pair<double, double>>{{0, 0}, {1, 1}, {3, 7}, {0, 123456}, {250, 1e9}}) {
    const auto edges = decade_edges(low, high);
    ASSERT_GE(edges.size(), 2u);
    EXPECT_TRUE(std::is_sorted(edges.begin(), edges.end()));
    EXPECT_LE(edges.front(), std::max(low, 1.0));
    EXPECT_GT(edges.back(), high);
    const auto round = round_edges(low, high, 20);
    ASSERT_GE(round.size(), 2u);
    EXPECT_LE(round.front(), low);
    EXPECT_GE(round.back(), high);
    EXPECT_LE(round.size(), 60u);
  }
}

// Zipf-like draws: every true count lies within what the sketch says, and the head is found.
TEST(FrequentItems, CountsLieWithinTheBound) {
  std::mt19937_64 random(3);
  FrequentItems items(1024);
  std::map<uint64_t, uint32_t> exact;
  for (int i = 0; i < 300'000; ++i) {
    const auto rank = static_cast<uint64_t>(std::pow(2.0, 20.0 * static_cast<double>(random() % 10'000) / 10'000));
    const uint64_t key = xxh3_64(std::string_view(reinterpret_cast<const char*>(&rank), 8));
    items.add(key, static_cast<uint32_t>(rank));
    ++exact[key];
  }
  EXPECT_EQ(items.total(), 300'000u);
  EXPECT_LT(items.error(), 3 * 300'000u / 1024);
  std::map<uint64_t, uint32_t> found;
  for (const auto& item : items.items()) {
    found[item.key] = item.count;
    EXPECT_LE(item.count, exact[item.key]);
    EXPECT_EQ(xxh3_64(std::string_view(reinterpret_cast<const char*>(std::vector<uint64_t>{item.place}.data()), 8)), item.key);
  }
  for (const auto& [key, count] : exact) {
    EXPECT_GE(found[key] + items.error(), count);
  }
}

TEST(FrequentItems, ExactWhileItFits) {
  FrequentTexts texts(1000);
  std::map<std::string, uint64_t> exact;
  std::mt19937_64 random(4);
  for (int i = 0; i < 20'000; ++i) {
    const std::string text = "t" + std::to_string(random() % 900);
    const uint64_t weight = random() % 5;
    texts.add(text, weight);
    exact[text] += weight;
  }
  EXPECT_EQ(texts.error(), 0u);
  EXPECT_EQ(texts.num_counters(), 900u);
  for (const auto& item : texts.top(1000)) {
    EXPECT_EQ(item.count, exact[item.text]);
  }
}

TEST(FrequentItems, MergedTextsKeepTheBound) {
  std::mt19937_64 random(5);
  std::map<std::string, uint64_t> exact;
  FrequentTexts all(200);
  for (int part = 0; part < 8; ++part) {
    FrequentTexts texts(200);
    for (int i = 0; i < 20'000; ++i) {
      const std::string text = std::to_string(static_cast<int>(std::pow(2.0, static_cast<double>(random() % 1200) / 100)));
      texts.add(text);
      ++exact[text];
    }
    all.merge(texts);
  }
  EXPECT_EQ(all.total(), 160'000u);
  EXPECT_GT(all.error(), 0u);
  for (const auto& item : all.top(200)) {
    EXPECT_LE(item.count, exact[item.text]);
    EXPECT_GE(item.count + all.error(), exact[item.text]);
  }
}

}  // namespace
}  // namespace athanor
