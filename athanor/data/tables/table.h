// A table in memory: columns of numbers, categories, texts, dates or images, one value a row; what
// `fit`, `features` and `clean` (of tables) work on. read_table.h makes it from documents.
//
//   const Table table = read_table(documents, options, rejects);
//   const TableColumn& age = table.at("age");          // Error(kUsage) that names the nearest
//   column age.numbers[row]                                    // NaN: missing
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

enum class ColumnKind {
  kNumber,    // numbers; NaN is missing, never an infinity
  kCategory,  // codes into levels; -1 is missing
  kText,      // texts; an empty one is missing
  kDate,      // numbers: seconds since 1970-01-01 UTC; NaN is missing
  kImage,     // texts: the `image` object of a document's meta as JSON (data/images/image.h)
  kSparse  // sparse rows of numbers, as LIBSVM files give them: one column that holds many features
};

// "number", "category", "text", "date", "image", "sparse": as a recipe writes them.
const char* name_of(ColumnKind kind);

// Rows of few values, one behind another (CSR): row r's are [offsets[r], offsets[r + 1]), indices
// ascending.
struct SparseRows {
  std::vector<uint64_t> offsets = {0};
  std::vector<uint32_t> indices;
  std::vector<double> values;

  uint64_t rows() const { return offsets.size() - 1; }
};

struct TableColumn {
  std::string name;
  ColumnKind kind = ColumnKind::kNumber;
  std::vector<double> numbers;      // kNumber, kDate
  std::vector<int32_t> codes;       // kCategory
  std::vector<std::string> levels;  // kCategory: each once, in the order of their bytes
  std::vector<std::string> texts;   // kText, kImage
  SparseRows sparse;                // kSparse
  uint32_t width = 0;               // kSparse: highest index + 1
};

struct Table {
  uint64_t rows = 0;
  std::vector<TableColumn> columns;
  std::vector<std::string> ids;  // of the documents, one a row

  const TableColumn* find(std::string_view name) const;  // null when there is none
  const TableColumn& at(std::string_view name) const;    // Error(kUsage) with the nearest name
};

// The rows at these places, in this order; levels stay.
Table take_rows(const Table& table, const std::vector<uint64_t>& rows);

}  // namespace athanor
