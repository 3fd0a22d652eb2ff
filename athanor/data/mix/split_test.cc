// Splits: stable, grouped, never empty where that can be helped.
#include "athanor/data/mix/split.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <numeric>
#include <random>
#include <set>

#include "athanor/data/testing/test_scratch.h"

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

struct Row {
  std::string id, group, stratum, also;
};

std::map<std::string, Part> split_rows(const std::vector<Row>& rows, SplitBy by, const SplitFractions& fractions,
                                       uint64_t seed) {
  Splitter splitter(by, fractions, seed);
  for (const Row& row : rows) {
    splitter.add(row.group.empty() ? row.id : row.group, row.stratum, row.also);
  }
  const auto parts = splitter.finish();
  std::map<std::string, Part> of;
  for (size_t i = 0; i < rows.size(); ++i) {
    of[rows[i].id] = parts[i];
  }
  return of;
}

TEST(Split, SharesAreExactInEveryStratum) {
  std::mt19937_64 random(5);
  for (int trial = 0; trial < 40; ++trial) {
    std::vector<Row> rows;
    std::map<std::string, uint64_t> sizes;
    const size_t num_strata = 1 + random() % 12;
    const size_t count = 50 + random() % 3'000;
    for (size_t i = 0; i < count; ++i) {
      rows.push_back({"d" + std::to_string(i), "", "s" + std::to_string((random() % num_strata) * (random() % 2)), ""});
      ++sizes[rows.back().stratum];
    }
    const SplitFractions fractions{0.83, 0.1, 0.07};
    Splitter splitter(SplitBy::kFraction, fractions, 9);
    for (const Row& row : rows) {
      splitter.add(row.id, row.stratum);
    }
    const auto counts = counts_of(splitter.finish());
    const double all = static_cast<double>(count);
    EXPECT_LE(std::abs(static_cast<double>(counts[1]) - 0.1 * all), 1.0) << "what rounding owes is carried";
    EXPECT_LE(std::abs(static_cast<double>(counts[2]) - 0.07 * all), 1.0);
    for (const auto& [name, parts] : splitter.strata()) {
      const double size = static_cast<double>(sizes[name]);
      EXPECT_LT(std::abs(static_cast<double>(parts[0]) - 0.83 * size), 1.0) << name;
      EXPECT_LT(std::abs(static_cast<double>(parts[1]) - 0.10 * size), 1.0) << name;
      EXPECT_LT(std::abs(static_cast<double>(parts[2]) - 0.07 * size), 1.0) << name;
    }
  }
}

TEST(Split, SharesOfGroupsAreWithinOneUnit) {
  std::mt19937_64 random(6);
  for (int trial = 0; trial < 30; ++trial) {
    std::vector<Row> rows;
    const size_t num_groups = 40 + random() % 400;
    std::map<std::string, uint64_t> size_of_group, size_of_stratum;
    for (size_t i = 0; i < 2'000; ++i) {
      const size_t group = random() % num_groups;
      rows.push_back({"d" + std::to_string(i), "g" + std::to_string(group), "s" + std::to_string(group % 3), ""});
      ++size_of_group[rows.back().group];
      ++size_of_stratum[rows.back().stratum];
    }
    uint64_t largest = 0;
    for (const auto& [name, size] : size_of_group) {
      largest = std::max(largest, size);
    }
    Splitter splitter(SplitBy::kFraction, {0.8, 0.1, 0.1}, 3);
    SideCheck check;
    for (const Row& row : rows) {
      splitter.add(row.group, row.stratum);
    }
    const auto parts = splitter.finish();
    for (size_t i = 0; i < rows.size(); ++i) {
      check.add(rows[i].group, parts[i]);
    }
    EXPECT_EQ(check.count_on_both_sides(), 0u);
    EXPECT_EQ(check.num_values(), size_of_group.size());
    EXPECT_EQ(splitter.num_units(), size_of_group.size());
    for (const auto& [name, counts] : splitter.strata()) {
      EXPECT_LE(std::abs(static_cast<double>(counts[1]) - 0.1 * static_cast<double>(size_of_stratum[name])),
                static_cast<double>(largest) + 1);
    }
  }
}

TEST(Split, OrderDoesNotMatter) {
  std::mt19937_64 random(7);
  std::vector<Row> rows;
  for (size_t i = 0; i < 3'000; ++i) {
    rows.push_back({"d" + std::to_string(i), i % 3 == 0 ? "" : "g" + std::to_string(random() % 900),
                    "s" + std::to_string(random() % 5), i % 4 == 0 ? "c" + std::to_string(random() % 500) : ""});
  }
  for (const SplitBy by : {SplitBy::kHash, SplitBy::kFraction}) {
    const auto first = split_rows(rows, by, {0.7, 0.2, 0.1}, 11);
    for (int i = 0; i < 3; ++i) {
      std::shuffle(rows.begin(), rows.end(), random);
      EXPECT_EQ(split_rows(rows, by, {0.7, 0.2, 0.1}, 11), first);
    }
    EXPECT_NE(split_rows(rows, by, {0.7, 0.2, 0.1}, 12), first);
  }
}

TEST(Split, TwoGroupingsAreBothKept) {
  std::mt19937_64 random(8);
  std::vector<Row> rows;
  for (size_t i = 0; i < 2'000; ++i) {
    rows.push_back({"d" + std::to_string(i), "host" + std::to_string(random() % 900), "",
                    "cluster" + std::to_string(random() % 1500)});
  }
  for (const SplitBy by : {SplitBy::kHash, SplitBy::kFraction}) {
    const auto part = split_rows(rows, by, {0.6, 0.2, 0.2}, 1);
    SideCheck hosts, clusters;
    for (const Row& row : rows) {
      hosts.add(row.group, part.at(row.id));
      clusters.add(row.also, part.at(row.id));
    }
    EXPECT_EQ(hosts.count_on_both_sides(), 0u);
    EXPECT_EQ(clusters.count_on_both_sides(), 0u);
  }
}

TEST(Split, TheCheckSeesAGroupOnBothSides) {
  SideCheck check;
  check.add("a", Part::kTrain);
  check.add("b", Part::kValid);
  check.add("a", Part::kTest);
  EXPECT_EQ(check.count_on_both_sides(), 1u);
  EXPECT_EQ(check.num_values(), 2u);
}

TEST(Split, HashKeepsItsPartsUnderStrata) {
  std::vector<Row> rows;
  for (size_t i = 0; i < 20'000; ++i) {
    rows.push_back({"d" + std::to_string(i), "", i % 2 == 0 ? "big" : "s" + std::to_string(i % 200), ""});
  }
  std::vector<std::string> ids;
  for (const Row& row : rows) {
    ids.push_back(row.id);
  }
  const auto plain = assign_split(ids, {0.9, 0.05, 0.05}, 2);
  const auto strata = split_rows(rows, SplitBy::kHash, {0.9, 0.05, 0.05}, 2);
  size_t moved = 0;
  for (size_t i = 0; i < rows.size(); ++i) {
    moved += strata.at(rows[i].id) != plain[i];
  }
  EXPECT_LE(moved, 20u);  // only what an empty part of a stratum took
  Splitter splitter(SplitBy::kHash, {0.9, 0.05, 0.05}, 2);
  for (const Row& row : rows) {
    splitter.add(row.id, row.stratum);
  }
  splitter.finish();
  for (const auto& [name, counts] : splitter.strata()) {
    EXPECT_GE(counts[1], 1u) << name;
    EXPECT_GE(counts[2], 1u) << name;
  }
}

TEST(Split, TooManyStrataAreRefused) {
  Splitter splitter(SplitBy::kHash, {}, 1);
  EXPECT_EQ(error_of([&] {
              for (size_t i = 0; i <= kMaxStrata; ++i) {
                splitter.add("d", "s" + std::to_string(i));
              }
            }).kind(),
            ErrorKind::kUsage);
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
