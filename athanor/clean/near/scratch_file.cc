#include "athanor/clean/near/scratch_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "athanor/base/error.h"

namespace athanor {

ScratchFile::ScratchFile(std::string folder) : folder_(std::move(folder)) {
  std::string path = folder_ + "/athanor-scratch-XXXXXX";
  fd_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd_ < 0) {
    fail("open", errno);
  }
  ::unlink(path.c_str());
}

ScratchFile::~ScratchFile() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void ScratchFile::fail(const char* doing, int error) const {
  throw Error(ErrorKind::kResource, std::string("cannot ") + doing + " a temporary file: " + std::strerror(error),
              folder_, "make room there, or raise memory_mb, or set TMPDIR to another disk");
}

void ScratchFile::append(const void* data, uint64_t bytes) {
  const char* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t wrote = ::pwrite(fd_, at, bytes, static_cast<off_t>(size_));
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      fail("write", wrote < 0 ? errno : ENOSPC);
    }
    at += wrote;
    bytes -= static_cast<uint64_t>(wrote);
    size_ += static_cast<uint64_t>(wrote);
  }
}

void ScratchFile::read_at(uint64_t offset, void* data, uint64_t bytes) const {
  char* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t got = ::pread(fd_, at, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      fail("read", got < 0 ? errno : EIO);
    }
    at += got;
    bytes -= static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
  }
}

std::string scratch_folder(const std::string& folder) {
  if (!folder.empty()) {
    return folder;
  }
  std::error_code ignored;
  const std::string standard = std::filesystem::temp_directory_path(ignored).string();
  return standard.empty() ? "/tmp" : standard;
}

}  // namespace athanor
