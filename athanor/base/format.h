// Numbers for people: short, aligned to how exact they are, the same on every page and line.
// SI prefixes (1 MB = 10^6 bytes), a space before the unit, '.' as the decimal mark in every locale.
// NaN is "nan", infinity "inf".
#pragma once

#include <cstdint>
#include <string>

namespace athanor {

// Three significant digits: "0 B", "999 B", "12.3 MB", "1.23 GB".
std::string human_bytes(double bytes);

// "17", "999", "1.23 k", "1.23 M", "45.6 G", "7.8 T". Whole numbers below 1000 stay whole.
std::string human_count(double count);

// "12.3k tok/s" with per = "tok": a count a second, without the space so that it reads as one word.
std::string human_rate(double per_second, const std::string& per);

// Exact to about three digits: "0.42 s", "4.2 s", "42 s", "4 min 05 s", "3 h 07 min", "2 d 04 h".
std::string human_duration(double seconds);

// A prediction says no more than it knows: "a few seconds", "about 40 s", "about 3 min", "about 2.5 h",
// "about 3 days", "more than 99 days".
std::string coarse_duration(double seconds);

// A fraction of one: "41 %", "4.1 %", "0.32 %", "100 %"; 99.96 % is never rounded up to "100 %".
std::string human_percent(double fraction);

// `digits` significant ones, trailing zeros cut, thousands grouped: "3.214", "0.0003", "12,345", "1.5e-07".
std::string human_number(double value, int digits = 4);

// "1,234,567"
std::string grouped_integer(int64_t value);

// Exactly `decimals` digits after the mark; never "-0".
std::string fixed_number(double value, int decimals);

}  // namespace athanor
