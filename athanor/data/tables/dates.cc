// Dates of tables: ISO 8601 and strptime's signs, in a calendar of our own (no locale, no time zone
// data).
#include <cmath>

#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr int kDaysOfMonth[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
constexpr const char* kMonths[] = {"january",   "february", "march",    "april",
                                   "may",       "june",     "july",     "august",
                                   "september", "october",  "november", "december"};
constexpr const char* kWeekdays[] = {"monday", "tuesday",  "wednesday", "thursday",
                                     "friday", "saturday", "sunday"};
constexpr std::string_view kSigns = "YymdeHIpMSfbBaAjzs%";
constexpr double kMaxSeconds = 253402300800.0;  // the year 10000

struct DateFields {
  int64_t year = 1970;
  int month = 1, day = 1, day_of_year = 0;
  int hour = 0, minute = 0, second = 0, offset_minutes = 0;
  bool afternoon = false, twelve_hours = false, unix_time = false;
  double fraction = 0, seconds = 0;
};

bool is_leap(int64_t year) {
  return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

// Between min_digits and max_digits digits.
bool take_digits(std::string_view& text, size_t min_digits, size_t max_digits, int64_t& value) {
  size_t count = 0;
  value = 0;
  while (count < max_digits && count < text.size() && text[count] >= '0' && text[count] <= '9') {
    value = value * 10 + (text[count++] - '0');
  }
  text.remove_prefix(count);
  return count >= min_digits;
}

bool take_int(std::string_view& text, size_t min_digits, size_t max_digits, int low, int high,
              int& out) {
  int64_t value = 0;
  if (!take_digits(text, min_digits, max_digits, value) || value < low || value > high) {
    return false;
  }
  out = static_cast<int>(value);
  return true;
}

bool take_char(std::string_view& text, std::string_view any_of) {
  if (text.empty() || any_of.find(text.front()) == std::string_view::npos) {
    return false;
  }
  text.remove_prefix(1);
  return true;
}

bool take_fraction(std::string_view& text, double& fraction) {
  size_t count = 0;
  double scale = 0.1;
  fraction = 0;
  while (count < text.size() && text[count] >= '0' && text[count] <= '9') {
    fraction += (text[count++] - '0') * scale;
    scale /= 10;
  }
  text.remove_prefix(count);
  return count > 0 && count <= 12;
}

// Z, +08:00, +0800, +08.
bool take_zone(std::string_view& text, int& offset_minutes) {
  if (take_char(text, "Zz")) {
    offset_minutes = 0;
    return true;
  }
  const bool behind = !text.empty() && text.front() == '-';
  int hours = 0, minutes = 0;
  if (!take_char(text, "+-") || !take_int(text, 2, 2, 0, 23, hours)) {
    return false;
  }
  if (take_char(text, ":") || !text.empty()) {
    if (!take_int(text, 2, 2, 0, 59, minutes)) {
      return false;
    }
  }
  offset_minutes = (hours * 60 + minutes) * (behind ? -1 : 1);
  return true;
}

// The longest prefix that is one of the names, or its first three letters; -1 for none.
template <size_t N>
int take_name(std::string_view& text, const char* const (&names)[N]) {
  for (size_t i = 0; i < N; ++i) {
    const std::string_view name = names[i];
    size_t same = 0;
    while (same < name.size() && same < text.size() && (text[same] | 0x20) == name[same]) {
      ++same;
    }
    if (same >= 3) {
      text.remove_prefix(same == name.size() ? same : 3);
      return static_cast<int>(i);
    }
  }
  return -1;
}

bool finish(DateFields fields, double& seconds) {
  if (fields.unix_time) {
    seconds = fields.seconds;
    return std::fabs(seconds) < kMaxSeconds;
  }
  if (fields.year < 1 || fields.year > 9999) {
    return false;
  }
  const int month_days =
      kDaysOfMonth[fields.month - 1] + (fields.month == 2 && is_leap(fields.year) ? 1 : 0);
  if (fields.day > month_days || fields.day_of_year > (is_leap(fields.year) ? 366 : 365)) {
    return false;
  }
  if (fields.twelve_hours) {
    if (fields.hour < 1 || fields.hour > 12) {
      return false;
    }
    fields.hour = fields.hour % 12 + (fields.afternoon ? 12 : 0);
  }
  const int64_t days = fields.day_of_year > 0
                           ? days_from_civil(fields.year, 1, 1) + fields.day_of_year - 1
                           : days_from_civil(fields.year, fields.month, fields.day);
  seconds = static_cast<double>(days * 86400 + fields.hour * 3600 +
                                (fields.minute - fields.offset_minutes) * 60 + fields.second) +
            fields.fraction;
  return true;
}

bool parse_iso(std::string_view text, double& seconds) {
  DateFields fields;
  const size_t digits = text.find_first_not_of("0123456789");
  if (digits != 4 || !take_digits(text, 4, 4, fields.year)) {
    return false;
  }
  const char separator = text.front();
  if (!take_char(text, "-/") || !take_int(text, 1, 2, 1, 12, fields.month) || text.empty() ||
      text.front() != separator || !take_char(text, "-/") ||
      !take_int(text, 1, 2, 1, 31, fields.day)) {
    return false;
  }
  if (!text.empty()) {
    if (!take_char(text, "Tt ") || !take_int(text, 1, 2, 0, 23, fields.hour) ||
        !take_char(text, ":") || !take_int(text, 2, 2, 0, 59, fields.minute)) {
      return false;
    }
    if (take_char(text, ":") && !take_int(text, 2, 2, 0, 60, fields.second)) {
      return false;
    }
    if (take_char(text, ".,") && !take_fraction(text, fields.fraction)) {
      return false;
    }
    take_char(text, " ");
    if (!text.empty() && !take_zone(text, fields.offset_minutes)) {
      return false;
    }
  }
  return text.empty() && finish(fields, seconds);
}

bool take_unix_time(std::string_view& text, DateFields& fields) {
  const bool negative = take_char(text, "-");
  int64_t whole = 0;
  if (!take_digits(text, 1, 12, whole)) {
    return false;
  }
  double fraction = 0;
  if (take_char(text, ".") && !take_fraction(text, fraction)) {
    return false;
  }
  fields.unix_time = true;
  fields.seconds = (static_cast<double>(whole) + fraction) * (negative ? -1 : 1);
  return true;
}

bool take_sign(char sign, std::string_view& text, DateFields& fields) {
  switch (sign) {
    case 'Y':
      return take_digits(text, 4, 4, fields.year);
    case 'y': {
      const bool taken = take_digits(text, 2, 2, fields.year);
      fields.year += fields.year < 69 ? 2000 : 1900;  // POSIX strptime
      return taken;
    }
    case 'm':
      return take_int(text, 1, 2, 1, 12, fields.month);
    case 'd':
    case 'e':
      return take_int(text, 1, 2, 1, 31, fields.day);
    case 'j':
      return take_int(text, 1, 3, 1, 366, fields.day_of_year);
    case 'I':
      fields.twelve_hours = true;
      [[fallthrough]];
    case 'H':
      return take_int(text, 1, 2, 0, 23, fields.hour);
    case 'M':
      return take_int(text, 1, 2, 0, 59, fields.minute);
    case 'S':
      return take_int(text, 1, 2, 0, 60, fields.second);
    case 'f':
      return take_fraction(text, fields.fraction);
    case 'p':
      fields.afternoon = !text.empty() && (text.front() | 0x20) == 'p';
      return take_char(text, "aApP") && take_char(text, "mM");
    case 'b':
    case 'B':
      fields.month = take_name(text, kMonths) + 1;
      return fields.month > 0;
    case 'a':
    case 'A':
      return take_name(text, kWeekdays) >= 0;
    case 'z':
      return take_zone(text, fields.offset_minutes);
    case 's':
      return take_unix_time(text, fields);
    default:
      return take_char(text, "%");
  }
}

}  // namespace

int64_t days_from_civil(int64_t year, int month, int day) {
  year -= month <= 2 ? 1 : 0;
  const int64_t era = (year >= 0 ? year : year - 399) / 400;
  const int64_t year_of_era = year - era * 400;
  const int64_t day_of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year -
         719468;
}

CivilTime civil_time(double seconds) {
  const double whole_days = std::floor(seconds / 86400);
  const auto days = static_cast<int64_t>(whole_days);
  const int64_t shifted = days + 719468;
  const int64_t era = (shifted >= 0 ? shifted : shifted - 146096) / 146097;
  const int64_t day_of_era = shifted - era * 146097;
  const int64_t year_of_era =
      (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
  const int64_t march_day = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const int64_t march_month = (5 * march_day + 2) / 153;
  CivilTime out;
  out.day = static_cast<int>(march_day - (153 * march_month + 2) / 5 + 1);
  out.month = static_cast<int>(march_month < 10 ? march_month + 3 : march_month - 9);
  out.year = year_of_era + era * 400 + (out.month <= 2 ? 1 : 0);
  out.weekday = static_cast<int>(((days + 3) % 7 + 7) % 7);  // 1970-01-01 was a Thursday
  out.day_of_year = static_cast<int>(days - days_from_civil(out.year, 1, 1) + 1);
  const double rest = seconds - whole_days * 86400;
  out.hour = static_cast<int>(rest / 3600);
  out.minute = static_cast<int>((rest - out.hour * 3600) / 60);
  out.second = rest - out.hour * 3600 - out.minute * 60;
  return out;
}

bool check_date_format(std::string_view format, std::string& problem) {
  bool any = false;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] != '%') {
      continue;
    }
    ++i;
    if (i == format.size() || kSigns.find(format[i]) == std::string_view::npos) {
      problem = "'%" + std::string(format.substr(i, 1)) + "' is not known";
      return false;
    }
    any = true;
  }
  problem = any ? "" : "it has no % sign";
  return any;
}

bool parse_date(std::string_view cell, std::string_view format, double& seconds) {
  std::string_view text = trimmed_cell(cell);
  if (format.empty()) {
    return parse_iso(text, seconds);
  }
  DateFields fields;
  for (size_t i = 0; i < format.size(); ++i) {
    if (format[i] == '%' && i + 1 < format.size()) {
      if (!take_sign(format[++i], text, fields)) {
        return false;
      }
    } else if (format[i] == ' ') {
      while (take_char(text, " \t")) {
      }
    } else if (!take_char(text, format.substr(i, 1))) {
      return false;
    }
  }
  return text.empty() && finish(fields, seconds);
}

}  // namespace athanor
