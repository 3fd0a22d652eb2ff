// SHA-256 of local files, remembered by (path, size, mtime, inode), so that an unchanged file is hashed once.
// A file of JSON lines; a line that cannot be read, or a lost file, only costs hashing again.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

class DigestCache {
 public:
  // The file need not exist; its folder is made when something is remembered.
  explicit DigestCache(fs::path file);

  std::string sha256(const fs::path& path);
  uint64_t num_hashed() const { return num_hashed_; }  // files that had to be read by this object

 private:
  struct Entry {
    uint64_t size = 0;
    int64_t mtime_ns = 0;
    uint64_t inode = 0;
    std::string sha256;
  };
  static bool stat_file(const fs::path& path, Entry& entry);

  fs::path file_;
  std::map<std::string, Entry> entries_;
  uint64_t num_hashed_ = 0;
};

}  // namespace athanor
