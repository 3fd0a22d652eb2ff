// A table while it is cleaned: the cells as they were written, each different one of a column once, so that a step looks at
// a value as often as it is spelt and not as often as it stands there. (data/tables/table.h is the same table as numbers.)
//
//   RowTable table;
//   RowColumn& age = table.add("Age");
//   age.codes[row] = age.intern("22", CellType::kString);
//   const std::vector<double> numbers = row_numbers(table, age);      // NaN: missing, no number, infinite
#pragma once

#include <cstdint>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/data/tables/table.h"

namespace athanor {

enum class CellType : uint8_t { kString, kNumber, kBool, kNull, kOther };  // kOther: a list or an object, as JSON

struct Cell {
  std::string text;  // a string's own text, else its JSON
  CellType type = CellType::kString;
};

class RowColumn {
 public:
  static constexpr int32_t kAbsent = -1;  // the row has no such key

  std::string name;
  ColumnKind kind = ColumnKind::kCategory;
  std::string date_format;     // kDate; empty: ISO 8601
  bool passes = false;         // no step sees it: left out of the table, an image, an object
  bool dropped = false;        // by a step: not written
  std::vector<int32_t> codes;  // of rows

  int32_t intern(std::string_view text, CellType type);
  const Cell& value(int32_t code) const { return values_[static_cast<size_t>(code)]; }
  size_t num_values() const { return values_.size(); }
  uint64_t bytes() const { return bytes_ + codes.size() * sizeof(int32_t); }
  // How a step writes a value here: as text where the others are (CSV), else as JSON's own number or null.
  bool holds_text() const { return num_strings_ > 0 || values_.empty(); }

 private:
  struct Key {
    std::string_view text;
    CellType type;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return std::hash<std::string_view>()(key.text) * 31 + static_cast<size_t>(key.type);
    }
  };
  std::deque<Cell> values_;
  std::unordered_map<Key, int32_t, KeyHash> index_;
  uint64_t bytes_ = 0;
  uint64_t num_strings_ = 0;
};

struct RowTable {
  uint64_t rows = 0;
  std::deque<RowColumn> columns;  // in the order in which they were met
  std::vector<std::string> missing;  // marks beside the usual ones
  std::vector<uint8_t> alive;        // of rows; 0: dropped by a step
  std::vector<std::string> ids;

  RowColumn& add(const std::string& name);  // all rows absent
  RowColumn* find(std::string_view name);   // null for one that passes or was dropped, too
  const RowColumn* find(std::string_view name) const;
  std::vector<std::string> names() const;   // that steps see
  uint64_t num_alive() const;
  uint64_t bytes() const;
};

// Of one value: missing is what says nothing (absent, null, "", ?, NA, ... and table.missing).
bool is_missing(const RowTable& table, const Cell& cell);
// The number (or the date's seconds) of each different value; NaN where it is missing or no number; infinite[code] where
// given tells those that are infinite.
std::vector<double> value_numbers(const RowTable& table, const RowColumn& column, std::vector<uint8_t>* infinite = nullptr);
// One text for all spellings of a value that is no gap, so that equal texts are equal values: 22 and 22.0, one instant in two
// time zones. Without loss: numbers by all their digits (data/tables/cells.h), dates by all digits of their seconds.
std::string exact_value(const RowColumn& column, const Cell& cell);
// value_numbers a row; dropped rows are NaN.
std::vector<double> row_numbers(const RowTable& table, const RowColumn& column);
// Whether each different value says nothing: missing, and in columns of numbers and dates whatever is none.
std::vector<uint8_t> value_gaps(const RowTable& table, const RowColumn& column);
// How many live rows hold each different value.
std::vector<uint64_t> value_counts(const RowTable& table, const RowColumn& column);

// Codes of values that a step writes, in the column's own way.
int32_t number_code(RowColumn& column, double value);  // a date's seconds in a column of dates
int32_t missing_code(RowColumn& column);
std::string number_text(double value);  // the shortest that reads back as the same double
std::string date_text(double seconds);  // 2024-03-05, or 2024-03-05T12:30:00Z

// A row's meta, and its text: a line "name: value" each.
std::string row_meta(const RowTable& table, uint64_t row);
std::string row_text(const RowTable& table, uint64_t row);

}  // namespace athanor
