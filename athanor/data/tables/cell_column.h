// The cells of one column as they come: each different text once, so that types are guessed and
// numbers read once for each of them. Private to this folder.
#pragma once

#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "athanor/data/tables/table_schema.h"

namespace athanor {

class CellColumn {
 public:
  enum class Type : uint8_t { kString, kNumber, kBool, kList, kObject };

  // Rows between the last one added and this one are missing. text is trimmed.
  void add(uint64_t row, std::string_view text, Type type);
  bool holds(uint64_t row) const { return row < codes_.size() && codes_[row] >= 0; }

  // What its cells are most likely; `mixed` when they are numbers and other texts.
  ColumnKind guess(const std::vector<std::string>& missing, bool& mixed) const;
  TableColumn build(uint64_t rows, const ColumnPlan& plan, const std::vector<std::string>& missing,
                    ColumnNote& note) const;

 private:
  struct Value {
    std::string text;
    Type type;
    uint64_t count = 0;
  };
  struct Key {
    std::string_view text;
    Type type;
    bool operator==(const Key&) const = default;
  };
  struct KeyHash {
    size_t operator()(const Key& key) const {
      return std::hash<std::string_view>()(key.text) * 31 + static_cast<size_t>(key.type);
    }
  };

  bool missing_value(const Value& value, const std::vector<std::string>& missing) const;
  // All cells are numbers once commas are read as decimal points (1,5), or left out between thousands (1,234), and some have
  // one. The reading is that of clean's `formats`, as: number.
  void note_commas(const std::vector<std::string>& missing, ColumnNote& note) const;
  // Of the different numbers, how many a double does not tell from another one of the column.
  struct Lost {
    size_t values = 0;
    size_t of = 0;
  };
  Lost lost_by_doubles(const std::vector<std::string>& missing) const;
  void build_numbers(uint64_t rows, const ColumnPlan& plan, const std::vector<std::string>& missing,
                     TableColumn& out, ColumnNote& note) const;
  void build_categories(uint64_t rows, const std::vector<std::string>& missing, TableColumn& out,
                        ColumnNote& note) const;
  void build_texts(uint64_t rows, const std::vector<std::string>& missing, TableColumn& out,
                   ColumnNote& note) const;

  std::vector<int32_t> codes_;  // of rows; -1: absent
  std::deque<Value> values_;
  std::unordered_map<Key, int32_t, KeyHash> index_;
};

}  // namespace athanor
