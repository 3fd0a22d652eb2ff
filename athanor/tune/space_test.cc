#include "athanor/tune/space.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "athanor/base/error.h"

namespace athanor::tune {
namespace {

Space parse(const std::string& yaml) { return Space::parse(parse_recipe(yaml, "r.yaml")); }

std::string error_of(const std::string& yaml) {
  try {
    parse(yaml);
  } catch (const Error& error) {
    return error.where() + ": " + error.message();
  }
  return "none";
}

const char* const kForest =
    "fit.kind: {choice: [forest, boosting]}\n"
    "fit.model.depth: {int: [2, 10]}\n"
    "lr: {log: [1e-4, 1e-1]}\n"
    "drop: {float: [0, 0.55], step: 0.1}\n"
    "fit.model.trees: {int: [50, 500], when: {fit.kind: forest}}\n"
    "a.leaf: {int: [1, 64], log: true, when: {fit.model.trees: [50, 51]}}\n";

TEST(Space, ReadsEveryKindParentsFirst) {
  const Space space = parse(kForest);
  ASSERT_EQ(space.size(), 6u);
  for (size_t i = 0; i < space.size(); ++i) {
    EXPECT_LT(space[i].parent, static_cast<int>(i));
  }
  EXPECT_EQ(space[5].name, "a.leaf");
  const Parameter& drop = space[static_cast<size_t>(space.find("drop"))];
  EXPECT_EQ(drop.num_cells(), 6u);
  EXPECT_DOUBLE_EQ(drop.high, 0.5);  // what steps reach
  EXPECT_EQ(space[static_cast<size_t>(space.find("lr"))].num_cells(), 0u);
  EXPECT_EQ(space[static_cast<size_t>(space.find("fit.kind"))].num_cells(), 2u);
}

TEST(Space, TheOrderOfWritingDoesNotMatter) {
  EXPECT_EQ(parse("a: {int: [1, 2]}\nb: {int: [1, 2]}\n").parameters()[0].name,
            parse("b: {int: [1, 2]}\na: {int: [1, 2]}\n").parameters()[0].name);
}

TEST(Space, ConditionsDecideWhatExists) {
  const Space space = parse(kForest);
  const auto trees = static_cast<size_t>(space.find("fit.model.trees"));
  Rng rng(3);
  std::set<bool> seen;
  for (int i = 0; i < 200; ++i) {
    const Point point = space.random(rng);
    const bool forest = point[static_cast<size_t>(space.find("fit.kind"))] == 0;
    EXPECT_EQ(std::isnan(point[trees]), !forest);
    EXPECT_EQ(space.values(point).contains("fit.model.trees"), forest);
    seen.insert(forest);
  }
  EXPECT_EQ(seen.size(), 2u);
}

TEST(Space, ValuesGoOutAndComeBack) {
  const Space space = parse(kForest);
  Rng rng(4);
  for (int i = 0; i < 300; ++i) {
    Point point = space.random(rng);
    space.round(point, 6);
    const Point back = space.point_of(nlohmann::json::parse(space.values(point).dump()));
    for (size_t p = 0; p < space.size(); ++p) {
      EXPECT_TRUE(point[p] == back[p] || (std::isnan(point[p]) && std::isnan(back[p])) ||
                  std::abs(point[p] - back[p]) < 1e-12) << space[p].name;
      if (!std::isnan(point[p])) {
        EXPECT_GE(point[p], space[p].low);
        EXPECT_LE(point[p], space[p].high);
      }
    }
  }
  EXPECT_EQ(space.values(space.from_units({0, 0, 0, 0.6, 0, 0})).dump().find("0.30000000000000004"), std::string::npos);
}

TEST(Space, UnitsGiveEveryValueItsShare) {
  const Space space = parse("n: {int: [1, 4]}\nl: {int: [1, 100], log: true}\n");
  std::vector<int> counts(5, 0);
  for (int i = 0; i < 4000; ++i) {
    ++counts[static_cast<size_t>(space[1].from_unit((i + 0.5) / 4000))];
  }
  for (int value = 1; value <= 4; ++value) {
    EXPECT_EQ(counts[static_cast<size_t>(value)], 1000);
  }
  EXPECT_EQ(space[0].from_unit(0), 1);
  EXPECT_EQ(space[0].from_unit(1), 100);
  for (double value = 1; value <= 100; ++value) {
    EXPECT_EQ(space[0].from_unit(space[0].to_unit(value)), value);
  }
}

TEST(Space, SaysWhatIsWrongAndWhere) {
  EXPECT_EQ(error_of("x: {flaot: [0, 1]}"), "r.yaml:1:5: unknown key 'flaot' for 'x'");
  EXPECT_NE(error_of("x: {float: [1, 0]}").find("r.yaml:1:12: the range of 'x' is empty"), std::string::npos);
  EXPECT_NE(error_of("x: {log: [0, 1]}").find("above 0 on a log scale"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [0.5, 2]}").find("must be integers"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [0, 9007199254740991]}").find("within 9e15 of 0"), std::string::npos);
  EXPECT_EQ(error_of("x: {int: [-9000000000000000, 9000000000000000]}"), "none");
  EXPECT_NE(error_of("x: {float: [0, 1], step: 1e-320}").find("step of 'x' is too small"), std::string::npos);
  EXPECT_NE(error_of("x: {float: [0, 1], step: 1e-20}").find("too small for its range"), std::string::npos);
  EXPECT_NE(error_of("x: {choice: [a, a]}").find("twice"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [1, 2], float: [1, 2]}").find("exactly one"), std::string::npos);
  EXPECT_NE(error_of("x: 5").find("must be a map"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [1, 2], when: {y: 1}}").find("'y', which is not in the space"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [1, 2], when: {y: 9}}\ny: {int: [1, 3]}").find("is never 9"), std::string::npos);
  EXPECT_NE(error_of("x: {int: [1, 2], when: {y: 1}}\ny: {int: [1, 2], when: {x: 1}}").find("circle"), std::string::npos);
  EXPECT_NE(error_of("x: {float: [0, .inf]}").find("wants a number"), std::string::npos);
  EXPECT_NE(error_of("[]").find("must be a map"), std::string::npos);
}

TEST(Space, AForeignValueIsAnError) {
  const Space space = parse("x: {float: [0, 1]}\ny: {choice: [a, b]}\n");
  EXPECT_THROW(space.point_of({{"x", 2}, {"y", "a"}}), Error);
  EXPECT_THROW(space.point_of({{"x", 0.5}, {"y", "c"}}), Error);
  EXPECT_THROW(space.point_of({{"x", 0.5}}), Error);
  EXPECT_THROW(space.point_of({{"x", "text"}, {"y", "a"}}), Error);
}

}  // namespace
}  // namespace athanor::tune
