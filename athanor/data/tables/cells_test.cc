#include "athanor/data/tables/cells.h"

#include <gtest/gtest.h>

#include <cmath>

#include "athanor/data/tables/libsvm.h"

namespace athanor {
namespace {

TEST(Cells, Numbers) {
  double value = 0;
  const auto number = [&](std::string_view cell) { return parse_number(cell, value); };
  EXPECT_EQ(number(" +1.5e3\t"), NumberCell::kNumber);
  EXPECT_EQ(value, 1500);
  EXPECT_EQ(number("1e-999"), NumberCell::kNumber);
  EXPECT_EQ(value, 0);
  for (const char* infinite : {"inf", "-Infinity", "INF", "1e999", "-1e400"}) {
    EXPECT_EQ(number(infinite), NumberCell::kInfinite) << infinite;
  }
  for (const char* other : {"", "nan", "1,5", "12 kg", "0x10", "+-1", "--1", "1 2", "infinit"}) {
    EXPECT_EQ(number(other), NumberCell::kOther) << other;
  }
  EXPECT_TRUE(is_missing_mark(" NA ", {}));
  EXPECT_FALSE(is_missing_mark("-", {}));
  EXPECT_TRUE(is_missing_mark("-", {"-"}));
}

TEST(Cells, ExactNumbersKeepWhatADoubleLoses) {
  for (const char* same : {"1000", "+1000.0", "1e3", "1.000E+03", "0001000", " 100e1 "}) {
    EXPECT_EQ(exact_number(same), "1e3") << same;
  }
  for (const char* nothing : {"0", "-0.00", "0e5", ".0"}) {
    EXPECT_EQ(exact_number(nothing), "0") << nothing;
  }
  EXPECT_EQ(exact_number("-0.0250"), "-25e-3");
  EXPECT_NE(exact_number("9007199254740993"), exact_number("9007199254740992"));
  EXPECT_NE(exact_number("18446744073709551615"), exact_number("18446744073709551614"));
  EXPECT_EQ(exact_number("18446744073709551615.0"), exact_number("18446744073709551615"));
  EXPECT_NE(exact_number("1e99999999999999999999"), exact_number("1e99999999999999999998"));
}

double date(std::string_view text, std::string_view format = "") {
  double seconds = 0;
  return parse_date(text, format, seconds) ? seconds : std::nan("");
}

TEST(Cells, DatesOfTheCalendar) {
  EXPECT_EQ(date("1970-01-01"), 0);
  EXPECT_EQ(date("2024-02-29T12:30:15.25Z"), 1709209815.25);
  EXPECT_EQ(date("2024/2/29 12:30"), 1709209800);
  EXPECT_EQ(date("2024-02-29 12:30:00+08:00"), 1709209800 - 8 * 3600);
  EXPECT_EQ(date("0001-01-01"), -62135596800.0);
  for (const char* bad :
       {"2023-02-29", "2024-13-01", "2024-00-10", "29/02/2024", "2024-02-29T25:00", "2024-02/29",
        "20240229", "2024-02-29x", "0000-01-01", "2024-04-31"}) {
    EXPECT_TRUE(std::isnan(date(bad))) << bad;
  }
  EXPECT_EQ(date("29/02/2024", "%d/%m/%Y"), 1709164800);
  EXPECT_EQ(date("02/29/24 1:05 PM", "%m/%d/%y %I:%M %p"), 1709164800 + 13 * 3600 + 300);
  EXPECT_EQ(date("Thu, 29 Feb 2024", "%a, %d %b %Y"), 1709164800);
  EXPECT_EQ(date("29 February 2024", "%d %B %Y"), 1709164800);
  EXPECT_EQ(date("1709164800.5", "%s"), 1709164800.5);
  EXPECT_EQ(date("2024060", "%Y%j"), 1709164800);
  EXPECT_TRUE(std::isnan(date("13:00 PM", "%I:%M %p")));
  std::string problem;
  EXPECT_FALSE(check_date_format("%d/%Q", problem));
  EXPECT_EQ(problem, "'%Q' is not known");
  EXPECT_FALSE(check_date_format("d/m/Y", problem));
  EXPECT_FALSE(check_date_format("%d%", problem));
}

TEST(Cells, CivilTimeIsTheReverse) {
  for (int64_t day = -800000; day < 2900000; day += 97) {
    const CivilTime time = civil_time(static_cast<double>(day * 86400 + 3723));
    ASSERT_EQ(days_from_civil(time.year, time.month, time.day), day);
    ASSERT_EQ(time.hour * 3600 + time.minute * 60 + time.second, 3723);
    ASSERT_EQ(days_from_civil(time.year, 1, 1) + time.day_of_year - 1, day);
  }
  const CivilTime time = civil_time(-0.5);
  EXPECT_EQ(time.year, 1969);
  EXPECT_EQ(time.hour, 23);
  EXPECT_EQ(time.weekday, 2);  // Wednesday
  EXPECT_EQ(time.second, 59.5);
}

TEST(Libsvm, RowsAndFaults) {
  LibsvmRow row;
  const char* reason = nullptr;
  ASSERT_TRUE(parse_libsvm_row("-1 qid:3 1:0.5 7:-2e1 # a: b", row, reason));
  EXPECT_EQ(row.label, "-1");
  EXPECT_EQ(row.query, "3");
  EXPECT_EQ(row.indices, (std::vector<uint32_t>{1, 7}));
  EXPECT_EQ(row.values, (std::vector<double>{0.5, -20}));
  EXPECT_TRUE(parse_libsvm_row("+1,3", row, reason));
  EXPECT_TRUE(parse_libsvm_row("1:2", row, reason));  // no label
  EXPECT_EQ(row.label, "");
  const std::pair<const char*, const char*> faults[] = {{"a 1:2", "label is no number"},
                                                        {"1 2", "not index:value"},
                                                        {"1 x:2", "not index:value"},
                                                        {"1 -1:2", "not index:value"},
                                                        {"1 2:1 2:1", "indices not ascending"},
                                                        {"1 3:1 2:1", "indices not ascending"},
                                                        {"1 9999999999:1", "index out of range"},
                                                        {"1 1073741825:1", "index out of range"},
                                                        {"1 1:inf", "value is no finite number"},
                                                        {"1 1:", "value is no finite number"}};
  for (const auto& [line, expected] : faults) {
    EXPECT_FALSE(parse_libsvm_row(line, row, reason)) << line;
    EXPECT_STREQ(reason, expected) << line;
  }
}

}  // namespace
}  // namespace athanor
