// Work cut into parts, each kept the moment it is finished: kill -9 loses only the parts in flight.
//
//   PartJournal journal(run.state() / "parts");
//   pool.parallel_for(parts.size(), [&](size_t i) {
//     if (!journal.has(parts[i].key)) { journal.write(parts[i].key, [&](const fs::path& folder) { ... }); }
//   });
//   for (const auto& part : parts) { link_file(journal.path(part.key) / "text.parquet", out / ...); }
//
// The cut into parts must be a pure function of the inputs and the options that change the result: then the bytes do
// not depend on threads, kills, or how many processes shared the work (ShardOf).
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

// One of `count` processes that share a run's parts: it does every part whose number is index modulo count.
struct ShardOf {
  uint64_t index = 0;
  uint64_t count = 1;
  bool mine(uint64_t part) const { return part % count == index; }
  bool whole() const { return count == 1; }
  // Of a process that does no part itself: it puts together what others did.
  static ShardOf none() { return {1, 1}; }
};

// "2/8", counted from 0. Throws Error(kUsage) for anything else.
ShardOf parse_shard(std::string_view text);

class PartJournal {
 public:
  // Makes the folder when it is missing. What a killed process of this shard left half written is removed; parts in
  // flight of other processes are left alone.
  explicit PartJournal(fs::path dir, ShardOf shard = {});

  // A key is a file name: letters, digits, '-', '_' and '.', not beginning with a dot.
  bool has(const std::string& key) const;
  // Calls fill with an empty folder, then fsyncs it and gives it its name. When fill throws nothing is kept. A part
  // that is there already stays as it is. Threads may write different keys at once.
  void write(const std::string& key, const std::function<void(const fs::path& folder)>& fill) const;
  fs::path path(const std::string& key) const { return dir_ / key; }
  std::vector<std::string> keys() const;  // of the finished parts, sorted by bytes

 private:
  fs::path dir_;
  std::string suffix_;  // of the folders in flight
};

// A second name for a finished file (a hard link; a copy where the file system has none). Replaces what is there.
void link_file(const fs::path& from, const fs::path& to);

}  // namespace athanor
