// Quartiles, bounds of outliers and associations: as pandas and SciPy give them (tests/parity/make_table_facts_fixture.py).
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <random>

#include "athanor/base/error.h"
#include "athanor/clean/tables/association.h"
#include "athanor/clean/tables/number_facts.h"
#include "athanor/clean/tables/profile.h"
#include "athanor/clean/tables/table_testing.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

Json fixture() {
  std::ifstream in(ATHANOR_SOURCE_DIR "/tests/fixtures/clean/table_facts.json");
  return Json::parse(in);
}

std::vector<double> numbers_of(const Json& list) {
  std::vector<double> all;
  for (const Json& value : list) {
    all.push_back(value.is_null() ? NAN : value.get<double>());
  }
  return all;
}

void expect_close(double got, double wanted, const std::string& what, double tolerance = 1e-9) {
  EXPECT_LE(std::abs(got - wanted), tolerance * std::max(1.0, std::abs(wanted))) << what << ": " << got << " is not " << wanted;
}

TEST(TableFacts, NumbersAsPandasHasThem) {
  const Json all = fixture();
  for (const auto& [name, facts] : all["facts"].items()) {
    const std::vector<double> values = numbers_of(all["numbers"][name]);
    const std::vector<double> sorted = sorted_numbers(values);
    const double qs[] = {0.25, 0.5, 0.75};
    for (size_t i = 0; i < 3; ++i) {
      expect_close(quantile_of(sorted, qs[i]), facts["quartiles"][i], name);
    }
    expect_close(quantile_of(sorted, 0.1), facts["q10"], name);
    expect_close(mean_of_numbers(sorted), facts["mean"], name);
    expect_close(deviation_of_numbers(sorted), facts["deviation"], name, 1e-8);
    for (const auto& [by, factor] : {std::pair("iqr", 1.5), std::pair("zscore", 3.0), std::pair("mad", 3.5)}) {
      const auto bounds = outlier_bounds(sorted, by, factor);
      ASSERT_TRUE(bounds.has_value()) << name << " " << by;
      expect_close(bounds->low, facts[by][0], name + " " + by);
      expect_close(bounds->high, facts[by][1], name + " " + by);
    }
    const auto bounds = outlier_bounds(sorted, "zscore", 3);
    EXPECT_EQ(std::count_if(sorted.begin(), sorted.end(), [&](double v) { return v < bounds->low || v > bounds->high; }),
              facts["zscore_outliers"].get<int64_t>()) << name;
  }
}

TEST(TableFacts, AssociationsAsPandasAndScipyHaveThem) {
  const Json all = fixture();
  const auto numbers = [&](const Json& name) { return numbers_of(all["numbers"][name.get<std::string>()]); };
  const auto codes = [&](const Json& name) { return all["codes"][name.get<std::string>()].get<std::vector<int32_t>>(); };
  for (const Json& pair : all["pearson"]) {
    expect_close(pearson(numbers(pair[0]), numbers(pair[1])).value(), pair[2], "pearson " + pair.dump());
  }
  for (const Json& pair : all["spearman"]) {
    expect_close(spearman(numbers(pair[0]), numbers(pair[1])).value(), pair[2], "spearman " + pair.dump());
  }
  for (const Json& pair : all["cramers_v"]) {
    expect_close(cramers_v(codes(pair[0]), 5, codes(pair[1]), 5).value(), pair[2], "cramers_v " + pair.dump());
  }
  for (const Json& pair : all["eta"]) {
    expect_close(eta(codes(pair[0]), 5, numbers(pair[1])).value(), pair[2], "eta " + pair.dump());
  }
}

TEST(TableFacts, NothingWhereNothingVaries) {
  EXPECT_FALSE(pearson({1, 2, NAN}, {1, 2, 3}).has_value()) << "two rows";
  EXPECT_FALSE(pearson({5, 5, 5, 5}, {1, 2, 3, 4}).has_value());
  EXPECT_FALSE(pearson({0.1, 0.1, 0.1}, {1, 2, 3}).has_value()) << "what the mean leaves of 0.1 is rounding";
  EXPECT_FALSE(spearman({5, 5, 5, 5}, {1, 2, 3, 4}).has_value());
  EXPECT_FALSE(cramers_v({0, 0, 0}, 2, {0, 1, 0}, 2).has_value());
  EXPECT_FALSE(eta({0, 0, 0}, 1, {1, 2, 3}).has_value());
  EXPECT_FALSE(outlier_bounds({1, 1, 1, 1, 9}, "iqr", 1.5).has_value());
}

TEST(TableProfile, LeaksTypesAndRepeats) {
  std::mt19937_64 random(1);
  std::vector<std::string> metas;
  for (int i = 0; i < 120; ++i) {
    const int grade = static_cast<int>(random() % 4);
    const int noise = static_cast<int>(random() % 1000);
    const bool yes = noise > 400;
    metas.push_back(Json{{"编号", i + 1}, {"grade", grade}, {"grade_name", std::string("abcd").substr(static_cast<size_t>(grade), 1)},
                         {"x", noise}, {"x2", noise}, {"half", noise / 2 * 2 / 100 * 100}, {"y", yes ? "yes" : "no"}, {"y01", yes ? 1 : 0},
                         {"none", nullptr}, {"same", "s"}, {"mixed", i % 3 == 0 ? Json("n/k") : Json(i % 7)}, {"when", "2024-01-0" + std::to_string(1 + i % 9)}}
                        .dump());
  }
  metas.push_back(metas.back());
  const TestTable table = table_of(metas);
  ProfileOptions options;
  options.target = "y";
  ThreadPool one(1), two(2);
  const Json profile = profile_table(table.table, table.notes, options, two);
  EXPECT_EQ(profile, profile_table(table.table, table.notes, options, one));
  const auto leak_of = [&](const std::string& column, const std::string& what) {
    return std::any_of(profile["leaks"].begin(), profile["leaks"].end(),
                       [&](const Json& leak) { return leak["column"] == column && leak["what"] == what; });
  };
  EXPECT_TRUE(leak_of("y01", "one_to_one_with_target"));
  EXPECT_TRUE(leak_of("x2", "duplicate_column"));
  EXPECT_TRUE(leak_of("grade_name", "one_to_one"));
  EXPECT_TRUE(leak_of("none", "all_missing"));
  EXPECT_TRUE(leak_of("same", "constant"));
  EXPECT_TRUE(leak_of("mixed", "mixed"));
  EXPECT_FALSE(leak_of("x", "id"));
  EXPECT_FALSE(leak_of("grade", "tells_target"));
  EXPECT_EQ(profile["duplicate_rows"]["rows"], 1);
  EXPECT_EQ(profile["target"]["classes"].size(), 2u);
  EXPECT_EQ(profile["associations"]["heat"]["names"][0], "y") << "the target comes first";
  EXPECT_THROW(profile_table(table.table, table.notes, {.target = "z"}, two), Error);

  const TestTable unique = table_of(std::vector<std::string>(metas.begin(), metas.end() - 1));
  const Json ids = profile_table(unique.table, unique.notes, {}, two)["leaks"];
  EXPECT_TRUE(std::any_of(ids.begin(), ids.end(), [](const Json& leak) { return leak["column"] == "编号" && leak["what"] == "id"; }));
}

TEST(TableProfile, EmptyAndTinyTables) {
  ThreadPool pool(1);
  EXPECT_EQ(profile_table(Table(), {}, {}, pool)["rows"], 0);
  const TestTable one = table_of({R"({"a":1,"b":"x"})"});
  const Json profile = profile_table(one.table, one.notes, {}, pool);
  EXPECT_EQ(profile["columns"].size(), 2u);
  EXPECT_TRUE(profile["associations"]["pairs"].empty());
}

}  // namespace
}  // namespace athanor
