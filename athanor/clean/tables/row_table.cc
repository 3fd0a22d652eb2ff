#include "athanor/clean/tables/row_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>

#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
constexpr uint64_t kEntryBytes = 120;  // of a value, its text apart: deque, hash node, bucket

constexpr size_t kDoubleSecondDigits = 6;  // behind the point, that a double of seconds since 1970 holds

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

double number_of(const RowColumn& column, const Cell& cell, bool& infinite) {
  double number = kNaN;
  if (column.kind == ColumnKind::kDate) {
    return cell.type == CellType::kString && parse_date(cell.text, column.date_format, number) ? number : kNaN;
  }
  if (cell.type == CellType::kBool) {
    return cell.text == "true" ? 1 : 0;
  }
  if (cell.type == CellType::kString || cell.type == CellType::kNumber) {
    const NumberCell read = parse_number(cell.text, number);
    infinite = read == NumberCell::kInfinite;
    return read == NumberCell::kNumber ? number : kNaN;
  }
  return kNaN;
}

}  // namespace

int32_t RowColumn::intern(std::string_view text, CellType type) {
  if (const auto found = index_.find(Key{text, type}); found != index_.end()) {
    return found->second;
  }
  const auto code = static_cast<int32_t>(values_.size());
  values_.push_back({std::string(text), type});
  index_.emplace(Key{values_.back().text, type}, code);
  bytes_ += kEntryBytes + text.size();
  num_strings_ += type == CellType::kString ? 1 : 0;
  return code;
}

RowColumn& RowTable::add(const std::string& name) {
  RowColumn& column = columns.emplace_back();
  column.name = name;
  column.codes.assign(rows, RowColumn::kAbsent);
  return column;
}

const RowColumn* RowTable::find(std::string_view name) const {
  for (const RowColumn& column : columns) {
    if (column.name == name && !column.passes && !column.dropped) {
      return &column;
    }
  }
  return nullptr;
}

RowColumn* RowTable::find(std::string_view name) { return const_cast<RowColumn*>(std::as_const(*this).find(name)); }

std::vector<std::string> RowTable::names() const {
  std::vector<std::string> all;
  for (const RowColumn& column : columns) {
    if (!column.passes && !column.dropped) {
      all.push_back(column.name);
    }
  }
  return all;
}

uint64_t RowTable::num_alive() const { return static_cast<uint64_t>(std::count(alive.begin(), alive.end(), 1)); }

uint64_t RowTable::bytes() const {
  uint64_t all = ids.size() * 64 + alive.size();
  for (const RowColumn& column : columns) {
    all += column.bytes();
  }
  return all;
}

bool is_missing(const RowTable& table, const Cell& cell) {
  return cell.type == CellType::kNull || (cell.type == CellType::kString && is_missing_mark(cell.text, table.missing));
}

std::vector<double> value_numbers(const RowTable& table, const RowColumn& column, std::vector<uint8_t>* infinite) {
  std::vector<double> all(column.num_values(), kNaN);
  if (infinite != nullptr) {
    infinite->assign(all.size(), 0);
  }
  for (size_t i = 0; i < all.size(); ++i) {
    const Cell& cell = column.value(static_cast<int32_t>(i));
    bool endless = false;
    all[i] = is_missing(table, cell) ? kNaN : number_of(column, cell, endless);
    if (infinite != nullptr && endless) {
      (*infinite)[i] = 1;
    }
  }
  return all;
}

std::string exact_value(const RowColumn& column, const Cell& cell) {
  if (column.kind == ColumnKind::kNumber) {
    return cell.type != CellType::kBool ? exact_number(cell.text) : cell.text == "true" ? "1e0" : "0";
  }
  if (column.kind != ColumnKind::kDate) {
    return std::string(trimmed_cell(cell.text));
  }
  bool infinite = false;
  std::string text = std::to_string(number_of(column, cell, infinite));
  const size_t point = cell.text.rfind('.');
  size_t end = point == std::string::npos ? point : cell.text.find_first_not_of("0123456789", point + 1);
  end = std::min(end, cell.text.size());
  if (point != std::string::npos && end - point > kDoubleSecondDigits) {  // finer than the double of today's seconds
    while (cell.text[end - 1] == '0') {
      --end;
    }
    text += cell.text.substr(point, end - point);
  }
  return text;
}

std::vector<double> row_numbers(const RowTable& table, const RowColumn& column) {
  const std::vector<double> of_value = value_numbers(table, column);
  std::vector<double> all(table.rows, kNaN);
  for (uint64_t row = 0; row < table.rows; ++row) {
    const int32_t code = column.codes[row];
    all[row] = table.alive[row] == 0 || code < 0 ? kNaN : of_value[static_cast<size_t>(code)];
  }
  return all;
}

std::vector<uint8_t> value_gaps(const RowTable& table, const RowColumn& column) {
  const bool numeric = column.kind == ColumnKind::kNumber || column.kind == ColumnKind::kDate;
  std::vector<uint8_t> gaps(column.num_values(), 0);
  const std::vector<double> numbers = numeric ? value_numbers(table, column) : std::vector<double>();
  for (size_t i = 0; i < gaps.size(); ++i) {
    gaps[i] = is_missing(table, column.value(static_cast<int32_t>(i))) || (numeric && std::isnan(numbers[i])) ? 1 : 0;
  }
  return gaps;
}

std::vector<uint64_t> value_counts(const RowTable& table, const RowColumn& column) {
  std::vector<uint64_t> counts(column.num_values(), 0);
  for (uint64_t row = 0; row < table.rows; ++row) {
    if (table.alive[row] != 0 && column.codes[row] >= 0) {
      ++counts[static_cast<size_t>(column.codes[row])];
    }
  }
  return counts;
}

int32_t number_code(RowColumn& column, double value) {
  if (column.kind == ColumnKind::kDate) {
    return column.intern(date_text(value), CellType::kString);
  }
  const CellType type = column.holds_text() ? CellType::kString : CellType::kNumber;
  return column.intern(number_text(value), type);
}

int32_t missing_code(RowColumn& column) {
  return column.holds_text() ? column.intern("", CellType::kString) : column.intern("null", CellType::kNull);
}

std::string number_text(double value) {
  char buffer[32];
  const bool whole = std::abs(value) < 1e15 && value == std::floor(value);  // 300000000, not 3e+08; and never -0
  const auto end = whole ? std::to_chars(buffer, buffer + sizeof buffer, static_cast<int64_t>(value))
                         : std::to_chars(buffer, buffer + sizeof buffer, value);
  return {buffer, end.ptr};
}

std::string date_text(double seconds) {
  const CivilTime time = civil_time(seconds);
  char buffer[64];
  std::snprintf(buffer, sizeof buffer, "%04lld-%02d-%02d", static_cast<long long>(time.year), time.month, time.day);
  std::string text = buffer;
  if (time.hour != 0 || time.minute != 0 || time.second != 0) {
    const auto whole = static_cast<int>(time.second);
    const int64_t micros = std::min<int64_t>(999'999, std::llround((time.second - whole) * 1e6));
    std::snprintf(buffer, sizeof buffer, "T%02d:%02d:%02d", time.hour, time.minute, whole);
    text += buffer;
    if (micros > 0) {
      std::snprintf(buffer, sizeof buffer, ".%06lld", static_cast<long long>(micros));
      text += buffer;
    }
    text += "Z";
  }
  return text;
}

std::string row_meta(const RowTable& table, uint64_t row) {
  std::string meta = "{";
  for (const RowColumn& column : table.columns) {
    const int32_t code = column.codes[row];
    if (column.dropped || code < 0) {
      continue;
    }
    const Cell& cell = column.value(code);
    meta += (meta.size() > 1 ? "," : "") + quoted(column.name) + ":";
    meta += cell.type == CellType::kString ? quoted(cell.text) : cell.text;
  }
  return meta + "}";
}

std::string row_text(const RowTable& table, uint64_t row) {
  std::string text;
  for (const RowColumn& column : table.columns) {
    const int32_t code = column.codes[row];
    if (!column.dropped && code >= 0) {
      const Cell& cell = column.value(code);
      text += column.name + ": " + (cell.type == CellType::kNull ? "" : cell.text) + "\n";
    }
  }
  return text;
}

}  // namespace athanor
