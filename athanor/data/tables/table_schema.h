// How the columns of a table are read from documents: inferred once from the training rows, then
// fixed, so that an estimator reads new rows in the same way.
//
//   {"schema": 1, "missing": ["-"], "columns": [{"name": "age", "kind": "number", "from": "meta",
//   "key": "age"},
//    {"name": "when", "kind": "date", "from": "meta", "key": "when", "format": "%d/%m/%Y"}, ...]}
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "athanor/data/tables/table.h"
#include "athanor/run/fields.h"

namespace athanor {

struct TableOptions {
  nlohmann::json types = nlohmann::json::object();
  std::vector<std::string> missing;
  std::vector<std::string> columns;
  std::vector<std::string> exclude;
  std::string format = "auto";
  static void fields(Fields<TableOptions>& f) {
    f.add("types", &TableOptions::types,
          "what columns are, where the guess is wrong: {zip: category, note: text, born: {date: "
          "'%d/%m/%Y'}}; number, "
          "category, text, date (ISO 8601), or image");
    f.add("missing", &TableOptions::missing,
          "further marks of a missing value, beside '', ?, NA, N/A, NaN, null, None");
    f.add("columns", &TableOptions::columns, "only these columns; empty: all");
    f.add("exclude", &TableOptions::exclude, "not these columns");
    f.add("format", &TableOptions::format,
          "libsvm: every text is a row 'label index:value ...', whatever the file was called (collect with split: lines); auto: "
          "where it was collected as one")
        .choices({"auto", "libsvm"});
  }
};

enum class ColumnSource {
  kMeta,
  kColumn,
  kText,
  kImage,
  kLibsvm
};  // "meta", "column", "text", "image", "libsvm"

struct ColumnPlan {
  std::string name;
  ColumnKind kind = ColumnKind::kNumber;
  ColumnSource from = ColumnSource::kMeta;
  std::string key;          // kMeta: key of meta; kColumn: the extra column's name
  std::string date_format;  // kDate: as cells.h has it; empty: ISO 8601
};

struct TableSchema {
  std::vector<ColumnPlan> columns;
  std::vector<std::string> missing;
  bool libsvm = false;  // texts are rows of LIBSVM, marked as such or not

  nlohmann::json to_json() const;
  // Error(kInput) with `where` for anything that to_json() did not write.
  static TableSchema from_json(const nlohmann::json& json, const std::string& where);
};

// A kind with a date's format, as the recipe's `types` has it. Error(kUsage) at `where`.
void parse_column_type(const nlohmann::json& type, const std::string& where, ColumnKind& kind,
                       std::string& date_format);

// What was odd in a column: cells that are not of its type, infinities, types mixed.
struct ColumnNote {
  std::string name;
  ColumnKind kind = ColumnKind::kNumber;
  uint64_t missing = 0;  // of all rows, the faults below included
  uint64_t infinite = 0;
  uint64_t unreadable = 0;  // not of the column's kind: became missing
  std::string example;      // of them
  bool mixed = false;       // numbers and other texts (nothing fixed it)
  uint64_t run_together = 0;  // kNumber: different numbers that as doubles are another one's
  bool decimal_commas = false;  // of categories: they are numbers such as 1,5
  bool thousands_commas = false;  // ... such as 1,234 or 1,234.5, and none such as 1,5
  uint64_t left_out = 0;    // lists and objects in a column of single values
};

struct TableNotes {
  std::vector<ColumnNote> columns;

  // For a person: "column 'age': 3 values are no number, such as 'abc'; they count as missing".
  std::vector<std::string> warnings() const;
  nlohmann::json to_json() const;
};

}  // namespace athanor
