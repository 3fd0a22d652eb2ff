#include "athanor/data/tables/table.h"

#include "athanor/base/error.h"
#include "athanor/base/nearest.h"

namespace athanor {

namespace {

template <class T>
std::vector<T> taken(const std::vector<T>& values, const std::vector<uint64_t>& rows) {
  std::vector<T> out;
  if (!values.empty()) {
    out.reserve(rows.size());
    for (const uint64_t row : rows) {
      out.push_back(values[row]);
    }
  }
  return out;
}

SparseRows taken(const SparseRows& sparse, const std::vector<uint64_t>& rows) {
  SparseRows out;
  for (const uint64_t row : rows) {
    const auto begin = static_cast<ptrdiff_t>(sparse.offsets[row]);
    const auto end = static_cast<ptrdiff_t>(sparse.offsets[row + 1]);
    out.indices.insert(out.indices.end(), sparse.indices.begin() + begin,
                       sparse.indices.begin() + end);
    out.values.insert(out.values.end(), sparse.values.begin() + begin, sparse.values.begin() + end);
    out.offsets.push_back(out.indices.size());
  }
  return out;
}

}  // namespace

const char* name_of(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::kNumber:
      return "number";
    case ColumnKind::kCategory:
      return "category";
    case ColumnKind::kText:
      return "text";
    case ColumnKind::kDate:
      return "date";
    case ColumnKind::kImage:
      return "image";
    case ColumnKind::kSparse:
      return "sparse";
  }
  return "?";
}

const TableColumn* Table::find(std::string_view name) const {
  for (const auto& column : columns) {
    if (column.name == name) {
      return &column;
    }
  }
  return nullptr;
}

const TableColumn& Table::at(std::string_view name) const {
  if (const TableColumn* found = find(name)) {
    return *found;
  }
  std::vector<std::string> names;
  for (const auto& column : columns) {
    names.push_back(column.name);
  }
  throw Error(ErrorKind::kUsage, "the table has no column '" + std::string(name) + "'", "",
              did_you_mean(std::string(name), names));
}

Table take_rows(const Table& table, const std::vector<uint64_t>& rows) {
  Table out;
  out.rows = rows.size();
  out.ids = taken(table.ids, rows);
  for (const auto& column : table.columns) {
    TableColumn some;
    some.name = column.name;
    some.kind = column.kind;
    some.levels = column.levels;
    some.width = column.width;
    some.numbers = taken(column.numbers, rows);
    some.codes = taken(column.codes, rows);
    some.texts = taken(column.texts, rows);
    if (column.kind == ColumnKind::kSparse) {
      some.sparse = taken(column.sparse, rows);
    }
    out.columns.push_back(std::move(some));
  }
  return out;
}

}  // namespace athanor
