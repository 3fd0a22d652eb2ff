// The lock of one run: a file with flock(2), which the kernel lets go when its holder dies, so a kill -9 leaves no
// stale lock behind. The file's text says who holds it.
#pragma once

#include <optional>
#include <string>

#include "athanor/base/file.h"

namespace athanor {

class Lease {
 public:
  // Takes the lock, or gives nullopt when another process has it.
  static std::optional<Lease> try_take(const fs::path& path);

  // "process 4711 on host a since 2026-..."; of whoever holds the lock, "" when nobody does.
  static std::string holder(const fs::path& path);

  ~Lease();
  Lease(Lease&& other) noexcept;
  Lease& operator=(Lease&& other) noexcept;

 private:
  explicit Lease(int fd) : fd_(fd) {}
  int fd_ = -1;
};

}  // namespace athanor
