#include "athanor/train/loading/mixture.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numeric>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

// Each source's samples come once each and in order, and counts() agrees with what at() gave.
void expect_consistent(const Mixture& mixture, size_t num_sources, uint64_t samples) {
  std::vector<uint64_t> next(num_sources, 0);
  for (uint64_t g = 0; g < samples; ++g) {
    const Mixture::Place place = mixture.at(g);
    ASSERT_EQ(place.sample, next[place.source]) << g;
    ++next[place.source];
    if (g % 97 == 0) {
      ASSERT_EQ(mixture.counts(g + 1), next) << g;
    }
  }
}

TEST(Mixture, MeetsSharesAtEveryLength) {
  const Mixture mixture = parse_mixture({{"a", 5}, {"b", 3}, {"c", 2}}, {"a", "b", "c"}, {1, 1, 1}, 1000);
  expect_consistent(mixture, 3, 5000);
  for (const uint64_t n : {7, 10, 101, 4999}) {
    const auto counts = mixture.counts(n);
    EXPECT_NEAR(static_cast<double>(counts[0]), 0.5 * static_cast<double>(n), 2);
    EXPECT_NEAR(static_cast<double>(counts[1]), 0.3 * static_cast<double>(n), 2);
    EXPECT_NEAR(static_cast<double>(counts[2]), 0.2 * static_cast<double>(n), 2);
  }
}

TEST(Mixture, AnyWeights) {
  Rng rng(9);
  for (int round = 0; round < 50; ++round) {
    const size_t n = 1 + rng.below(6);
    Json weights = Json::object();
    std::vector<std::string> names;
    for (size_t i = 0; i < n; ++i) {
      names.push_back("s" + std::to_string(i));
      weights[names.back()] = std::exp(8 * rng.uniform() - 6);
    }
    expect_consistent(parse_mixture(weights, names, std::vector<double>(n, 1), 100), n, 2000);
  }
}

TEST(Mixture, StagesChangeTheShares) {
  const Json stages = Json::array({{{"until", 0.9}, {"weights", {{"web", 1}}}}, {{"weights", {{"web", 1}, {"books", 1}}}}});
  const Mixture mixture = parse_mixture(stages, {"web", "books"}, {1, 1}, 1000);
  expect_consistent(mixture, 2, 1200);
  EXPECT_EQ(mixture.counts(900), (std::vector<uint64_t>{900, 0}));
  EXPECT_EQ(mixture.counts(1000), (std::vector<uint64_t>{950, 50}));
}

TEST(Mixture, NothingGivenIsBySize) {
  const Mixture mixture = parse_mixture(Json::object(), {"a", "b"}, {300, 100}, 1000);
  EXPECT_EQ(mixture.counts(400), (std::vector<uint64_t>{300, 100}));
}

std::string error_of(const Json& given, const std::vector<std::string>& names) {
  try {
    parse_mixture(given, names, std::vector<double>(names.size(), 1), 1000);
  } catch (const Error& error) {
    return error.message();
  }
  return "";
}

TEST(Mixture, BadInputIsNamed) {
  EXPECT_EQ(error_of({{"web", 1}}, {"web", "books"}), "the input 'books' has no weight");
  EXPECT_EQ(error_of({{"web", 1}, {"boks", 1}}, {"web", "books"}), "there is no input 'boks' to mix");
  EXPECT_EQ(error_of({{"web", 0}}, {"web"}), "all weights are 0");
  EXPECT_EQ(error_of({{"web", "much"}}, {"web"}), "the weight of 'web' must be a number from 0, not \"much\"");
  EXPECT_EQ(error_of(3, {"web"}), "must be a map of weights, or a list of stages");
  EXPECT_NE(error_of(Json::array({{{"weights", {{"web", 1}}}}, {{"weights", {{"web", 1}}}}}), {"web"}).find("needs until"),
            std::string::npos);
  EXPECT_NE(error_of(Json::array({{{"until", 1.5}, {"weights", {{"web", 1}}}}, {{"weights", {{"web", 1}}}}}), {"web"})
                .find("below 1"),
            std::string::npos);
  const Json first = {{"until", 0.5}, {"weights", {{"web", 1}}}};
  EXPECT_EQ(error_of(Json::array({first, {{"until", 0.8}, {"weights", {{"web", 1}}}}}), {"web"}), "stage 2 has no use for 'until'");
  EXPECT_EQ(error_of(Json::array({first, {{"weigths", 7}, {"weights", {{"web", 1}}}}}), {"web"}), "stage 2 has no use for 'weigths'");
}

}  // namespace
}  // namespace athanor
