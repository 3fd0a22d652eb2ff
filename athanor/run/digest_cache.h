// SHA-256 of local files, remembered by (path, size, modification time, inode), so that a large input is hashed
// once and not at each start. The memory is a JSON-lines file that is only ever appended to.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

class DigestCache {
 public:
  explicit DigestCache(const fs::path& cache_file);  // made when missing; unreadable lines are ignored

  std::string file_digest(const fs::path& path);  // 64 hex digits; Error(kInput) when unreadable

  // Digest over the sorted (relative path, size, digest) of all files below the folder; of the file itself for a file.
  std::string path_digest(const fs::path& path);

 private:
  fs::path cache_file_;
  std::map<std::string, std::string> known_;  // key -> digest
};

}  // namespace athanor
