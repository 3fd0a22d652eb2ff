// A temporary file that is unlinked as soon as it is open, so that nothing is left behind by a crash.
#pragma once

#include <cstdint>
#include <string>

namespace athanor {

class ScratchFile {
 public:
  // Throws Error(kResource) when the folder cannot hold a file.
  explicit ScratchFile(std::string folder);
  ~ScratchFile();
  ScratchFile(const ScratchFile&) = delete;
  ScratchFile& operator=(const ScratchFile&) = delete;

  // Both throw Error(kResource): full disk, input/output error. read_at is thread-safe.
  void append(const void* data, uint64_t bytes);
  void read_at(uint64_t offset, void* data, uint64_t bytes) const;
  uint64_t size() const { return size_; }

 private:
  [[noreturn]] void fail(const char* doing, int error) const;

  std::string folder_;
  int fd_ = -1;
  uint64_t size_ = 0;
};

// The folder itself when it is not empty, else TMPDIR, else /tmp.
std::string scratch_folder(const std::string& folder);

}  // namespace athanor
