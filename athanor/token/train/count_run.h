// Counted pieces on disk: sorted by bytes, each piece once. What one part of a corpus holds, or all of it.
//
//   CountRunWriter writer(folder / "counts.run");
//   writer.add("the", 12);  ...  writer.finish();
//   merge_count_runs(runs, folder / "all.run");        // equal pieces add up
//   for (CountRunReader reader(path); reader.next();) { reader.piece(), reader.count() }
//
// A file of a run's state, not a format: "ATHCNT1\n", then for each piece varints {bytes shared with the piece
// before, further bytes}, these bytes and a varint of the count; at the end {pieces, bytes of all pieces,
// counted pieces, counted bytes} as u64, little-endian. Lengths are checked all the same.
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>

#include "athanor/base/file.h"

namespace athanor::token {

struct CountTotals {
  uint64_t pieces = 0;         // different ones
  uint64_t piece_bytes = 0;    // of these, each once
  uint64_t counted = 0;        // sum of the counts
  uint64_t counted_bytes = 0;  // sum of count times bytes
};

class CountRunWriter {
 public:
  explicit CountRunWriter(const fs::path& path);
  // In ascending order of bytes, each once; count > 0.
  void add(std::string_view piece, uint64_t count);
  // Without it the file is not a run. Throws Error(kResource) when the disk is full.
  void finish();
  const CountTotals& totals() const { return totals_; }

 private:
  FileWriter file_;
  std::string last_;
  std::string record_;
  CountTotals totals_;
};

class CountRunReader {
 public:
  // Error(kInput) for what is not a whole run.
  explicit CountRunReader(const fs::path& path);
  bool next();
  std::string_view piece() const { return piece_; }
  uint64_t count() const { return count_; }
  const CountTotals& totals() const { return totals_; }

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  bool fill(size_t want);
  uint64_t varint();
  [[noreturn]] void fail(const std::string& what) const;

  std::string path_;
  std::unique_ptr<std::FILE, Close> file_;
  std::string buffer_;
  size_t at_ = 0;      // in buffer_
  uint64_t left_ = 0;  // bytes of records not yet in the buffer
  uint64_t read_ = 0;  // pieces given
  std::string piece_;
  uint64_t count_ = 0;
  CountTotals totals_;
};

// At most kMergeFanIn runs are open at a time; more are merged in steps beside `to`. One run is copied.
inline constexpr size_t kMergeFanIn = 128;
void merge_count_runs(std::span<const fs::path> runs, const fs::path& to,
                      const std::function<void(double)>& progress = {});

}  // namespace athanor::token
