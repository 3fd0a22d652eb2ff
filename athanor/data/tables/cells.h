// One cell of a table as text: whether it is missing, its number, its date.
//
//   parse_number(" +1.5e3 ", value) == NumberCell::kNumber
//   parse_date("2024-02-29T12:00:00Z", "", seconds)
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace athanor {

std::string_view trimmed_cell(
    std::string_view cell);  // without blanks, tabs and line ends around it

// "", ?, NA, N/A, NaN, nan, null, None (as feature/inputs.h has them) and those of `more`; blanks
// around it left out.
bool is_missing_mark(std::string_view cell, const std::vector<std::string>& more);

enum class NumberCell { kNumber, kInfinite, kOther };
// A number as tables write it. inf, -Infinity and what is beyond a double is kInfinite.
NumberCell parse_number(std::string_view cell, double& value);
// What a number's comma between digits is: before other than three digits, and behind more than three or a lone 0, it can
// only be the decimal mark; else a thousands mark as well, the likelier one where no other value says more.
bool comma_is_decimal(std::string_view text, size_t comma);
// A number's digits without the loss of a double, one text for all spellings of one number: 1e3,
// 1000.0 and +1000 are "1e3", 9007199254740993 and 9007199254740992 stay two. cell: what
// parse_number calls a number.
std::string exact_number(std::string_view cell);
// From here on doubles leave whole numbers out: 2^53.
inline constexpr double kExactWholeNumbers = 9007199254740992;

// Seconds since 1970-01-01 UTC. format "": ISO 8601 as tables write it: 2024-02-29, 2024/02/29,
// then optionally a T or a blank and 12:30, 12:30:15, 12:30:15.25, then optionally Z, +08:00,
// -0530. Else strptime's signs: %Y %y (69: 1969) %m %d %e %H %I %p %M %S %f %b %B (English) %a %A
// (read over) %j %z %s (Unix time) %%; a blank stands for any number of blanks. False for a day
// that is not in the calendar, years outside 1 .. 9999, and anything left over.
bool parse_date(std::string_view cell, std::string_view format, double& seconds);
// Whether every % in it is known. False: `problem` says which is not.
bool check_date_format(std::string_view format, std::string& problem);

// Days since 1970-01-01 of a day of the proleptic Gregorian calendar, and back (Howard Hinnant,
// "chrono-compatible low-level date algorithms").
int64_t days_from_civil(int64_t year, int month, int day);
struct CivilTime {
  int64_t year = 1970;
  int month = 1, day = 1;  // from 1
  int weekday = 0;         // 0: Monday
  int day_of_year = 1;     // from 1
  int hour = 0, minute = 0;
  double second = 0;
};
CivilTime civil_time(double seconds);

}  // namespace athanor
