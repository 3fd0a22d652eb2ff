// Rows of a table put together to series: a document is `rows` rows in CSV form under a line of names, its meta the fields
// of the row `ahead` behind its last one (what is to be said about it), a new one every `stride` rows.
#pragma once

#include <deque>
#include <string>
#include <vector>

#include "athanor/data/readers/reader_formats.h"

namespace athanor {

class SeriesRows {
 public:
  SeriesRows(const SeriesCut& cut, const RowSink& rows) : cut_(cut), rows_(rows) {}

  // One row; fields as many as the header has. separator is for the text.
  void add(const std::vector<std::string>& header, const std::vector<std::string>& fields, uint64_t begin, uint64_t end);
  // A row that is not good parts what is before it from what comes after.
  void interrupt() { held_.clear(); }
  // At the end of the file: with rows -1 this is the one document.
  void finish(const std::vector<std::string>& header);

 private:
  struct Row {
    std::vector<std::string> fields;
    uint64_t begin = 0;
    uint64_t end = 0;
  };
  void emit(const std::vector<std::string>& header, size_t count, const Row& about);

  SeriesCut cut_;
  const RowSink& rows_;
  std::deque<Row> held_;
  uint64_t until_next_ = 0;
};

}  // namespace athanor
