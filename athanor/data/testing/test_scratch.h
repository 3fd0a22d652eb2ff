// For the tests of this room: a fresh folder, and the Error that a call throws.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <fstream>
#include <string>

#include "athanor/base/error.h"
#include "athanor/base/file.h"

namespace athanor {

inline fs::path scratch(const std::string& name) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-data-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  fs::create_directories(dir);
  return dir;
}

// No fsync: these files need not outlive the test, and there are thousands of them. Removed first, because ext4
// flushes a file that was truncated and written again.
inline void put_file(const fs::path& path, const std::string& bytes) {
  fs::remove(path);
  std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
}

template <typename Fn>
Error error_of(const Fn& fn) {
  try {
    fn();
  } catch (const Error& error) {
    return error;
  }
  ADD_FAILURE() << "no Error was thrown";
  return Error(ErrorKind::kInternal, "");
}

}  // namespace athanor
