#include "athanor/stage/evaluate_slices.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <map>
#include <set>

#include "athanor/base/format.h"
#include "athanor/data/tables/cells.h"
#include "athanor/stage/table_rows.h"

namespace athanor {

namespace {

constexpr size_t kMostValues = 10;  // of a column of numbers that is cut by its values
constexpr size_t kQuarters = 4;
constexpr size_t kShownCharacters = 80;

std::string date_text(double seconds) {
  const CivilTime time = civil_time(seconds);
  char text[64];
  std::snprintf(text, sizeof text, "%04d-%02d-%02d", static_cast<int>(time.year), time.month, time.day);
  std::string out = text;
  if (time.hour != 0 || time.minute != 0 || time.second != 0) {
    std::snprintf(text, sizeof text, " %02d:%02d:%02d", time.hour, time.minute, static_cast<int>(time.second));
    out += text;
  }
  return out;
}

// Two different numbers have two different texts.
std::string value_name(ColumnKind kind, double value) {
  if (kind == ColumnKind::kDate) {
    return date_text(value);
  }
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

std::string short_name(ColumnKind kind, double value) {
  return kind == ColumnKind::kDate ? date_text(value) : human_number(value, 6);
}

std::vector<Slice> slices_of_values(const TableColumn& column, uint64_t rows, const std::set<double>& values) {
  std::vector<Slice> slices;
  for (const double value : values) {
    slices.push_back({value_name(column.kind, value), {}});
  }
  for (uint64_t row = 0; row < rows; ++row) {
    if (const auto found = values.find(column.numbers[row]); !std::isnan(column.numbers[row]) && found != values.end()) {
      slices[static_cast<size_t>(std::distance(values.begin(), found))].rows.push_back(row);
    }
  }
  return slices;
}

std::vector<Slice> quarters_of(const TableColumn& column, uint64_t rows, std::vector<double> sorted) {
  std::sort(sorted.begin(), sorted.end());
  std::vector<Slice> slices(kQuarters);
  std::vector<double> low(kQuarters), high(kQuarters);
  for (uint64_t row = 0; row < rows; ++row) {
    const double value = column.numbers[row];
    if (std::isnan(value)) {
      continue;
    }
    size_t quarter = 0;
    for (size_t q = 1; q < kQuarters; ++q) {
      quarter += value > sorted[(sorted.size() - 1) * q / kQuarters] ? 1 : 0;
    }
    const bool first = slices[quarter].rows.empty();
    low[quarter] = first ? value : std::min(low[quarter], value);
    high[quarter] = first ? value : std::max(high[quarter], value);
    slices[quarter].rows.push_back(row);
  }
  for (size_t q = 0; q < kQuarters; ++q) {
    slices[q].name = "quarter " + std::to_string(q + 1) + ": " + short_name(column.kind, low[q]) + " to " + short_name(column.kind, high[q]);
  }
  std::erase_if(slices, [](const Slice& slice) { return slice.rows.empty(); });  // one value may fill several quarters
  return slices;
}

std::vector<Slice> slices_of_numbers(const TableColumn& column, uint64_t rows) {
  std::vector<double> present;
  std::set<double> values;
  Slice missing{"missing", {}};
  for (uint64_t row = 0; row < rows; ++row) {
    const double value = column.numbers[row];
    if (std::isnan(value)) {
      missing.rows.push_back(row);
      continue;
    }
    present.push_back(value);
    if (values.size() <= kMostValues) {
      values.insert(value);
    }
  }
  std::vector<Slice> slices = values.size() <= kMostValues ? slices_of_values(column, rows, values)
                                                           : quarters_of(column, rows, std::move(present));
  if (!missing.rows.empty()) {
    slices.push_back(std::move(missing));
  }
  return slices;
}

}  // namespace

std::string cell_text(const TableColumn& column, uint64_t row) {
  switch (column.kind) {
    case ColumnKind::kCategory:
      return column.codes[row] < 0 ? "" : column.levels[static_cast<size_t>(column.codes[row])];
    case ColumnKind::kNumber:
    case ColumnKind::kDate:
      return std::isnan(column.numbers[row]) ? "" : short_name(column.kind, column.numbers[row]);
    case ColumnKind::kText:
      return first_characters(column.texts[row], kShownCharacters);
    default:
      return "";
  }
}

std::vector<Slice> slices_of(const TableColumn& column, uint64_t rows) {
  if (column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate) {
    return slices_of_numbers(column, rows);
  }
  std::map<std::string, std::vector<uint64_t>> by_value;
  for (uint64_t row = 0; row < rows; ++row) {
    const std::string cell = cell_text(column, row);
    by_value[cell.empty() ? "missing" : cell].push_back(row);
  }
  std::vector<Slice> slices;
  for (auto& [value, found] : by_value) {
    slices.push_back({value, std::move(found)});
  }
  std::stable_sort(slices.begin(), slices.end(), [](const Slice& a, const Slice& b) { return a.rows.size() > b.rows.size(); });
  return slices;
}

}  // namespace athanor
