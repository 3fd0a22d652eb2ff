#include "athanor/stage/fold_times.h"

#include "athanor/base/error.h"
#include "athanor/data/tables/cells.h"
#include "athanor/stage/table_rows.h"

namespace athanor {

namespace {

constexpr size_t kShown = 60;   // characters of a value in a message
constexpr size_t kMonth = 7;    // characters of 2024-02

enum class TimeKind { kNumber, kDate, kOther };

TimeKind read_time(std::string_view value, double& time) {
  if (parse_number(value, time) == NumberCell::kNumber) {
    return TimeKind::kNumber;
  }
  const std::string_view text = trimmed_cell(value);
  const bool month = text.size() == kMonth && text[4] == '-';
  return parse_date(month ? std::string(text) + "-01" : std::string(text), "", time) ? TimeKind::kDate : TimeKind::kOther;
}

}  // namespace

std::vector<double> times_of(const std::vector<std::string>& values, const std::vector<std::string>& ids, const std::string& field) {
  std::vector<double> times(values.size());
  const auto told = [&](size_t i) {
    return "document " + std::to_string(i + 1) + " (" + ids[i] + ") has '" + first_characters(values[i], kShown) + "'";
  };
  const std::string column = field.starts_with("meta.") ? field.substr(5) : field;  // as clean calls it
  TimeKind first = TimeKind::kOther;
  for (size_t i = 0; i < values.size(); ++i) {
    const TimeKind kind = read_time(values[i], times[i]);
    if (kind == TimeKind::kOther && trimmed_cell(values[i]).empty()) {
      throw Error(ErrorKind::kInput, "document " + std::to_string(i + 1) + " (" + ids[i] + ") has no '" + field + "' to be ordered by",
                  "fold.time_field", "drop those rows first: clean with table: [{missing: {columns: [" + column + "], by: drop}}]");
    }
    if (kind == TimeKind::kOther) {
      throw Error(ErrorKind::kInput, told(i) + " in '" + field + "', which is neither a number nor an ISO 8601 date (2024-02-29)",
                  "fold.time_field",
                  "make dates of them first: clean with table: [{formats: {columns: [" + column +
                      "], as: date, dates: [...]}}], where dates says how they are written: '%m/%d/%Y', '%d.%m.%Y'");
    }
    if (i > 0 && kind != first) {
      throw Error(ErrorKind::kInput, "'" + field + "' is a number here and a date there: " + told(0) + ", " + told(i), "fold.time_field",
                  "write all of them in one way");
    }
    first = kind;
  }
  return times;
}

}  // namespace athanor
