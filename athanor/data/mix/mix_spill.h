// Inside of mix: the texts of one input shard with an index of where each copy goes. A file of a run's state, not a
// format: both ends are the same program, lengths are checked all the same.
//
//   records   one a taken document: document and extra columns
//   index     u64 num_cells, u64 first_entry[num_cells + 1], then the entries by (cell, key, row, copy)
#pragma once

#include <memory>
#include <vector>

#include "athanor/data/documents/documents.h"

namespace athanor {

struct SpillEntry {
  uint64_t key = 0;     // of the output's order
  uint64_t row = 0;     // in its source
  uint64_t copy = 0;
  uint64_t cut = 0;     // units of the text to take; 0: all
  uint64_t offset = 0;  // of the record
  uint64_t length = 0;
};

struct SpillRecord {
  Document document;
  std::vector<ColumnValues> columns;  // one value each
};

class SpillWriter {
 public:
  SpillWriter(const fs::path& folder, uint64_t num_cells);
  ~SpillWriter();
  // Where the record lies; entries of its copies follow by add_entry.
  SpillEntry add_record(const Document& document, const std::vector<ColumnValues>& columns, size_t row_in_shard);
  void add_entry(const SpillEntry& entry) { entries_.push_back(entry); }
  void finish();

 private:
  fs::path folder_;
  uint64_t num_cells_;
  std::unique_ptr<FileWriter> records_;
  std::vector<SpillEntry> entries_;
};

// Keeps no file open: there may be tens of thousands of spills, and a reader of each in every thread.
class SpillReader {
 public:
  SpillReader(fs::path folder, const std::vector<ColumnInfo>& columns) : folder_(std::move(folder)), columns_(columns) {}
  std::vector<SpillEntry> entries_of(uint64_t cell) const;
  SpillRecord record(const SpillEntry& entry) const;

 private:
  fs::path folder_;
  const std::vector<ColumnInfo>& columns_;
};

// The cell of a key: equal ranges of all keys.
inline uint64_t cell_of(uint64_t key, uint64_t num_cells) {
  return static_cast<uint64_t>((static_cast<unsigned __int128>(key) * num_cells) >> 64);
}

}  // namespace athanor
