// Splits: stable, grouped, never empty where that can be helped.
#include "athanor/data/split.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>

#include "athanor/data/test_scratch.h"

namespace athanor {
namespace {

std::vector<std::string> some_ids(size_t count) {
  std::vector<std::string> ids;
  for (size_t i = 0; i < count; ++i) {
    ids.push_back("id-" + std::to_string(i));
  }
  return ids;
}

std::array<size_t, 3> counts_of(const std::vector<Part>& parts) {
  std::array<size_t, 3> counts = {};
  for (const Part part : parts) {
    ++counts[static_cast<size_t>(part)];
  }
  return counts;
}

TEST(Split, FractionsHoldAndSeedsDiffer) {
  const auto ids = some_ids(100'000);
  const auto parts = assign_split(ids, {0.8, 0.15, 0.05}, 1);
  const auto counts = counts_of(parts);
  EXPECT_NEAR(static_cast<double>(counts[0]), 80'000, 600);
  EXPECT_NEAR(static_cast<double>(counts[1]), 15'000, 500);
  EXPECT_NEAR(static_cast<double>(counts[2]), 5'000, 300);
  EXPECT_NE(parts, assign_split(ids, {0.8, 0.15, 0.05}, 2));
  EXPECT_EQ(parts, assign_split(ids, {0.8, 0.15, 0.05}, 1));
}

TEST(Split, MoreDocumentsMoveNobody) {
  const auto many = some_ids(20'000);
  const std::vector<std::string> few(many.begin() + 5'000, many.begin() + 9'000);
  const auto all = assign_split(many, {0.9, 0.05, 0.05}, 7);
  const auto some = assign_split(few, {0.9, 0.05, 0.05}, 7);
  EXPECT_TRUE(std::equal(some.begin(), some.end(), all.begin() + 5'000));
}

TEST(Split, AGroupLiesInOnePart) {
  const auto ids = some_ids(5'000);
  std::vector<std::string> groups;
  for (size_t i = 0; i < ids.size(); ++i) {
    groups.push_back("g" + std::to_string(i % 700));
  }
  const auto parts = assign_split(ids, {0.5, 0.3, 0.2}, 3, groups);
  std::map<std::string, Part> of;
  for (size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(of.emplace(groups[i], parts[i]).first->second, parts[i]);
  }
  EXPECT_GT(counts_of(parts)[2], 0u);
}

TEST(Split, SmallSetsFillEveryPart) {
  for (uint64_t seed = 0; seed < 200; ++seed) {
    for (size_t count = 3; count < 8; ++count) {
      const auto counts = counts_of(assign_split(some_ids(count), {0.98, 0.01, 0.01}, seed));
      EXPECT_GE(counts[0], 1u);
      EXPECT_GE(counts[1], 1u);
      EXPECT_GE(counts[2], 1u);
      const auto two = counts_of(assign_split(some_ids(count), {0.99, 0.01, 0.0}, seed));
      EXPECT_GE(two[1], 1u);
      EXPECT_EQ(two[2], 0u);
      EXPECT_EQ(counts_of(assign_split(some_ids(count), {1.0, 0.0, 0.0}, seed))[0], count);
      const auto halves = counts_of(assign_split(some_ids(count), {0.0, 0.5, 0.5}, seed));
      EXPECT_EQ(halves[0], 0u);
      EXPECT_GE(halves[1], 1u);
      EXPECT_GE(halves[2], 1u);
    }
    EXPECT_EQ(assign_split(some_ids(2), {0.98, 0.01, 0.01}, seed).size(), 2u);
  }
  EXPECT_TRUE(assign_split({}, {}, 0).empty());
}

TEST(Split, OddFractionsAreRefused) {
  const auto ids = some_ids(3);
  for (const SplitFractions& bad : {SplitFractions{0.5, 0.1, 0.1}, SplitFractions{1.1, -0.1, 0.0},
                                    SplitFractions{std::nan(""), 0.5, 0.5}}) {
    EXPECT_EQ(error_of([&] { assign_split(ids, bad, 0); }).kind(), ErrorKind::kUsage);
  }
}

}  // namespace
}  // namespace athanor
