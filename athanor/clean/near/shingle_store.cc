#include "athanor/clean/near/shingle_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

ShingleStore::ShingleStore(uint64_t memory_bytes, std::string folder)
    : memory_limit_(memory_bytes / sizeof(uint64_t)), folder_(std::move(folder)) {}

ShingleStore::~ShingleStore() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

void ShingleStore::fail(const char* doing, int error) const {
  throw Error(ErrorKind::kResource, std::string("cannot ") + doing + " the temporary file of dedup: " +
              std::strerror(error), folder_, "make room there, or raise memory_bytes, or set TMPDIR to another disk");
}

void ShingleStore::open_file() {
  std::string path = folder_ + "/athanor-shingles-XXXXXX";
  fd_ = ::mkostemp(path.data(), O_CLOEXEC);
  if (fd_ < 0) {
    fail("open", errno);
  }
  ::unlink(path.c_str());
}

void ShingleStore::append(std::span<const uint64_t> shingles) {
  spilled_ = spilled_ || memory_.size() + shingles.size() > memory_limit_;
  start_.push_back(start_.back() + shingles.size());
  if (!spilled_) {
    memory_.insert(memory_.end(), shingles.begin(), shingles.end());
    return;
  }
  if (fd_ < 0) {
    open_file();
  }
  const char* data = reinterpret_cast<const char*>(shingles.data());
  size_t left = shingles.size_bytes();
  off_t at = static_cast<off_t>(file_shingles_ * sizeof(uint64_t));
  while (left > 0) {
    const ssize_t wrote = ::pwrite(fd_, data, left, at);
    if (wrote < 0 && errno == EINTR) {
      continue;
    }
    if (wrote <= 0) {
      fail("write", wrote < 0 ? errno : ENOSPC);
    }
    data += wrote;
    left -= static_cast<size_t>(wrote);
    at += wrote;
  }
  file_shingles_ += shingles.size();
}

std::span<const uint64_t> ShingleStore::get(size_t index, std::vector<uint64_t>& buffer) const {
  const uint64_t start = start_[index];
  const size_t count = static_cast<size_t>(start_[index + 1] - start);
  if (start + count <= memory_.size()) {
    return {memory_.data() + start, count};
  }
  buffer.resize(count);
  char* data = reinterpret_cast<char*>(buffer.data());
  size_t left = count * sizeof(uint64_t);
  off_t at = static_cast<off_t>((start - memory_.size()) * sizeof(uint64_t));
  while (left > 0) {
    const ssize_t got = ::pread(fd_, data, left, at);
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      fail("read", got < 0 ? errno : EIO);
    }
    data += got;
    left -= static_cast<size_t>(got);
    at += got;
  }
  return buffer;
}

}  // namespace athanor
