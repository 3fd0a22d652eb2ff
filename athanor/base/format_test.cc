// Human numbers, and text measured in terminal columns.
#include "athanor/base/format.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "athanor/base/format_width.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Format, Bytes) {
  EXPECT_EQ(human_bytes(0), "0 B");
  EXPECT_EQ(human_bytes(999), "999 B");
  EXPECT_EQ(human_bytes(1000), "1.00 kB");
  EXPECT_EQ(human_bytes(12345678), "12.3 MB");
  EXPECT_EQ(human_bytes(999999), "1.00 MB");
  EXPECT_EQ(human_bytes(1.5e21), "1500 EB");
}

TEST(Format, CountsAndRates) {
  EXPECT_EQ(human_count(17), "17");
  EXPECT_EQ(human_count(1234567), "1.23 M");
  EXPECT_EQ(human_count(-45600), "-45.6 k");
  EXPECT_EQ(human_count(999.6), "1.00 k");
  EXPECT_EQ(human_count(0.5), "0.50");
  EXPECT_EQ(human_rate(12345, "tok"), "12.3k tok/s");
  EXPECT_EQ(human_rate(42, "doc"), "42 doc/s");
}

TEST(Format, Durations) {
  EXPECT_EQ(human_duration(0), "0 s");
  EXPECT_EQ(human_duration(0.0042), "4.2 ms");
  EXPECT_EQ(human_duration(0.42), "0.42 s");
  EXPECT_EQ(human_duration(4.24), "4.2 s");
  EXPECT_EQ(human_duration(59.4), "59 s");
  EXPECT_EQ(human_duration(59.6), "1 min 00 s");
  EXPECT_EQ(human_duration(245), "4 min 05 s");
  EXPECT_EQ(human_duration(3599.6), "1 h 00 min");
  EXPECT_EQ(human_duration(11220), "3 h 07 min");
  EXPECT_EQ(human_duration(187200), "2 d 04 h");
  EXPECT_EQ(human_duration(-4.2), "-4.2 s");
}

TEST(Format, PredictionsAreCoarse) {
  EXPECT_EQ(coarse_duration(3), "a few seconds");
  EXPECT_EQ(coarse_duration(38), "about 40 s");
  EXPECT_EQ(coarse_duration(57), "about 1 min");
  EXPECT_EQ(coarse_duration(185), "about 3 min");
  EXPECT_EQ(coarse_duration(1350), "about 25 min");
  EXPECT_EQ(coarse_duration(9000), "about 2.5 h");
  EXPECT_EQ(coarse_duration(3 * 86400), "about 3 days");
  EXPECT_EQ(coarse_duration(1e9), "more than 99 days");
  EXPECT_EQ(coarse_duration(kInf), "more than 99 days");
  EXPECT_EQ(coarse_duration(kNan), "unknown");
}

TEST(Format, Percent) {
  EXPECT_EQ(human_percent(0), "0 %");
  EXPECT_EQ(human_percent(0.412), "41 %");
  EXPECT_EQ(human_percent(0.0412), "4.1 %");
  EXPECT_EQ(human_percent(0.00321), "0.32 %");
  EXPECT_EQ(human_percent(1), "100 %");
  EXPECT_EQ(human_percent(0.9996), "99.96 %");
  EXPECT_EQ(human_percent(0.9999999), "99.99 %");
  EXPECT_EQ(human_percent(-0.05), "-5.0 %");
}

TEST(Format, Numbers) {
  EXPECT_EQ(human_number(3.21449), "3.214");
  EXPECT_EQ(human_number(0.0003), "0.0003");
  EXPECT_EQ(human_number(12345.6), "12,346");
  EXPECT_EQ(human_number(1.5e-7), "1.5e-07");
  EXPECT_EQ(human_number(-2), "-2");
  EXPECT_EQ(human_number(9.9999, 3), "10");
  EXPECT_EQ(human_number(kNan), "nan");
  EXPECT_EQ(human_number(-kInf), "-inf");
  EXPECT_EQ(grouped_integer(-1234567), "-1,234,567");
  EXPECT_EQ(grouped_integer(999), "999");
  EXPECT_EQ(fixed_number(-0.001, 2), "0.00");
}

TEST(Width, CountsColumns) {
  EXPECT_EQ(display_width("loss 3.2"), 8);
  EXPECT_EQ(display_width("炼丹炉"), 6);
  EXPECT_EQ(display_width("e\xCC\x81"), 1);  // e and a combining acute
  EXPECT_EQ(display_width("ｆ"), 2);         // full-width Latin
  EXPECT_EQ(display_width("😀"), 2);
  EXPECT_EQ(display_width("\x1b\x07"), 0);
}

TEST(Width, CutsByColumnsNotBytes) {
  EXPECT_EQ(cut_to_width("abc", 3), "abc");
  EXPECT_EQ(cut_to_width("abcd", 3), "ab…");
  EXPECT_EQ(cut_to_width("炼丹炉", 6), "炼丹炉");
  EXPECT_EQ(cut_to_width("炼丹炉", 5), "炼丹…");
  EXPECT_EQ(cut_to_width("炼丹炉", 4), "炼…");
  EXPECT_EQ(cut_to_width("炼丹炉", 0), "");
}

TEST(Width, MalformedPartsBecomeOneReplacementEach) {
  EXPECT_EQ(valid_utf8("a\xFFz"), "a\xEF\xBF\xBDz");
  EXPECT_EQ(valid_utf8("\xE4\xB8"), "\xEF\xBF\xBD");                              // cut off
  EXPECT_EQ(valid_utf8("\xC0\xAF"), "\xEF\xBF\xBD\xEF\xBF\xBD");                  // overlong
  EXPECT_EQ(valid_utf8("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");  // a surrogate
  EXPECT_EQ(valid_utf8("炼\xF4\x90"), "炼\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("a\x1b[31mb\nc"), "a [31mb c");
  EXPECT_EQ(printable("a\nb\tc\r", true), "a\nb\tc ");
}

TEST(Width, RandomBytesStayInBounds) {
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(rng.below(40), '\0');
    for (char& c : bytes) {
      c = static_cast<char>(rng.below(256));
    }
    const std::string clean = valid_utf8(bytes);
    EXPECT_EQ(valid_utf8(clean), clean);
    const int columns = static_cast<int>(rng.below(20));
    EXPECT_LE(display_width(cut_to_width(bytes, columns)), columns);
  }
}

}  // namespace
}  // namespace athanor
