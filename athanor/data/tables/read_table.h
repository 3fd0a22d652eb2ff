// From documents to a Table. Columns are the keys of meta (strings, numbers, true and false; lists
// of texts as their JSON, a category each), the documents' extra columns, their texts (column
// "text", unless they are the "name: value" lines that `fields: {text: '*'}` made of a row), their
// images (column "image"), and of LIBSVM files the sparse column "features" beside "label" and
// "qid". A key that has the name of such a column becomes "meta.NAME".
//
//   TableSchema schema;
//   TableNotes notes;
//   Table train = read_table(documents, options, schema, notes);   // guesses what `types` does not
//   say Table more = read_table(other, schema, notes);                 // as the training rows were
//   read
//
// Types: a column whose cells are numbers (at least 95 of 100) is one of numbers, however few
// different ones it has (but whole numbers so large that a quarter of them run together as doubles are
// names: categories); one of ISO dates is one of dates; the rest are categories, or texts where
// they are long (20 bytes and more in the mean) and more than 3 in 10 of them different. Dates
// written otherwise want types: {born: {date: '%d/%m/%Y'}}.
//
// A cell that is not of its column's type is missing, counted with an example in the notes; so are
// infinities. Never an exception.
#pragma once

#include <memory>

#include "athanor/data/documents/documents.h"
#include "athanor/data/tables/table.h"
#include "athanor/data/tables/table_schema.h"

namespace athanor {

// Error(kUsage) when options name a column that is not there, with the nearest name.
Table read_table(const Documents& documents, const TableOptions& options, TableSchema& schema,
                 TableNotes& notes);
// A column of the schema that no document has is not in the table; columns that the schema does not
// know are not read.
Table read_table(const Documents& documents, const TableSchema& schema, TableNotes& notes);

// The same for documents that come one by one (a request to a server, a test).
class TableReader {
 public:
  explicit TableReader(TableOptions options);
  explicit TableReader(TableSchema schema);
  ~TableReader();
  TableReader(TableReader&&) noexcept;

  void add(const Document& document);
  // An extra column, one value a row that was or will be added.
  void add_column(const std::string& name, const ColumnValues& values);
  // Once, after all rows.
  Table finish(TableNotes& notes);
  const TableSchema& schema() const;  // after finish()

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace athanor
