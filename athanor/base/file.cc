#include "athanor/base/file.h"

#include <fcntl.h>
#include <fnmatch.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kWriteBufferBytes = 1 << 16;

[[noreturn]] void fail_read(const fs::path& path, const std::string& what) {
  throw Error(ErrorKind::kInput, what + ": " + std::strerror(errno), path.string());
}

[[noreturn]] void fail_write(const fs::path& path, const std::string& what) {
  const int code = errno;
  const char* hint = code == ENOSPC || code == EDQUOT ? "free some disk space and run the same command again: it continues"
                     : code == ENOENT                 ? "its folder must be there: mkdir -p makes it"
                                                      : "";
  throw Error(ErrorKind::kResource, what + ": " + std::strerror(code), path.string(), hint);
}

class Descriptor {
 public:
  explicit Descriptor(int fd) : fd_(fd) {}
  ~Descriptor() {
    if (fd_ >= 0) {
      ::close(fd_);
    }
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return fd_; }

 private:
  int fd_;
};

void write_all(int fd, std::string_view bytes, const fs::path& path) {
  while (!bytes.empty()) {
    const ssize_t n = ::write(fd, bytes.data(), bytes.size());
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail_write(path, "cannot write");
    }
    bytes.remove_prefix(static_cast<size_t>(n));
  }
}

}  // namespace

std::string read_file(const fs::path& path, uint64_t max_bytes) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    fail_read(path, "cannot open");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    fail_read(path, "cannot stat");
  }
  if (S_ISDIR(info.st_mode)) {
    throw Error(ErrorKind::kInput, "is a folder, not a file", path.string());
  }
  const auto too_large = [&] {
    throw Error(ErrorKind::kInput, "is larger than the limit of " + std::to_string(max_bytes) + " bytes",
                path.string());
  };
  if (info.st_size > 0 && static_cast<uint64_t>(info.st_size) > max_bytes) {
    too_large();
  }
  std::string text;
  text.resize(static_cast<size_t>(std::max<off_t>(info.st_size, 0)));
  size_t used = 0;
  while (true) {
    if (used == text.size()) {
      text.resize(text.size() + 4096);  // files in /proc say they hold 0 bytes
    }
    const ssize_t n = ::read(fd.get(), text.data() + used, text.size() - used);
    if (n < 0) {
      if (errno == EINTR) {
        continue;
      }
      fail_read(path, "cannot read");
    }
    if (n == 0) {
      break;
    }
    used += static_cast<size_t>(n);
    if (used > max_bytes) {
      too_large();
    }
  }
  text.resize(used);
  return text;
}

void write_file_atomic(const fs::path& path, std::string_view bytes) {
  const fs::path temporary = path.string() + ".tmp." + std::to_string(::getpid());
  {
    Descriptor fd(::open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
    if (fd.get() < 0) {
      fail_write(path, "cannot create");
    }
    try {
      write_all(fd.get(), bytes, temporary);
      if (::fsync(fd.get()) != 0) {
        fail_write(temporary, "cannot fsync");
      }
    } catch (...) {
      ::unlink(temporary.c_str());
      throw;
    }
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) {
    fail_write(path, "cannot rename onto");
  }
  const fs::path folder = path.parent_path();
  fsync_path(folder.empty() ? fs::path(".") : folder);
}

void fsync_path(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    fail_write(path, "cannot open for fsync");
  }
  if (::fsync(fd.get()) != 0 && errno != EINVAL) {  // EINVAL: the file system has no fsync for folders
    fail_write(path, "cannot fsync");
  }
}

void fsync_tree(const fs::path& dir) {
  for (const auto& entry : fs::recursive_directory_iterator(dir)) {
    if (entry.is_regular_file() || entry.is_directory()) {
      fsync_path(entry.path());
    }
  }
  fsync_path(dir);
}

void make_dirs(const fs::path& dir) {
  std::error_code code;
  fs::create_directories(dir, code);
  if (code) {
    throw Error(ErrorKind::kResource, "cannot create the folder: " + code.message(), dir.string());
  }
}

FileWriter::FileWriter(const fs::path& path, Mode mode) : path_(path) {
  const int how = mode == Mode::kTruncate ? O_TRUNC : O_APPEND;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | how, 0644);
  if (fd_ < 0) {
    fail_write(path, "cannot create");
  }
  if (mode == Mode::kAppend) {
    struct stat info {};
    if (::fstat(fd_, &info) == 0) {
      size_ = static_cast<uint64_t>(info.st_size);
    }
  }
  buffer_.reserve(kWriteBufferBytes);
}

FileWriter::~FileWriter() {
  try {
    close();
  } catch (const Error&) {
    // close() was the place to learn of it.
  }
}

void FileWriter::write(std::string_view bytes) {
  if (buffer_.size() + bytes.size() > kWriteBufferBytes) {
    flush();
  }
  if (bytes.size() >= kWriteBufferBytes) {
    write_all(fd_, bytes, path_);
  } else {
    buffer_.append(bytes);
  }
  size_ += bytes.size();
}

void FileWriter::flush() {
  if (!buffer_.empty()) {
    const std::string pending = std::exchange(buffer_, {});  // a failed write is not tried again
    write_all(fd_, pending, path_);
    buffer_.reserve(kWriteBufferBytes);
  }
}

void FileWriter::sync() {
  flush();
  if (::fsync(fd_) != 0 && errno != EINVAL) {
    fail_write(path_, "cannot fsync");
  }
}

void FileWriter::close() {
  if (fd_ < 0) {
    return;
  }
  const int fd = fd_;
  try {
    flush();
  } catch (...) {
    fd_ = -1;
    ::close(fd);
    throw;
  }
  fd_ = -1;
  if (::close(fd) != 0) {
    fail_write(path_, "cannot close");
  }
}

MappedFile::MappedFile(const fs::path& path) {
  Descriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (fd.get() < 0) {
    fail_read(path, "cannot open");
  }
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) {
    fail_read(path, "cannot stat");
  }
  if (info.st_size == 0) {
    return;
  }
  void* map = ::mmap(nullptr, static_cast<size_t>(info.st_size), PROT_READ, MAP_PRIVATE, fd.get(), 0);
  if (map == MAP_FAILED) {
    fail_read(path, "cannot map");
  }
  data_ = static_cast<const uint8_t*>(map);
  size_ = static_cast<size_t>(info.st_size);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr) {
    ::munmap(const_cast<uint8_t*>(data_), size_);
  }
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

bool has_glob(std::string_view pattern) { return pattern.find_first_of("*?[") != std::string_view::npos; }

namespace {

void glob_into(const fs::path& base, std::span<const std::string> parts, std::vector<fs::path>& found) {
  if (parts.empty()) {
    found.push_back(base);
    return;
  }
  const std::string& part = parts.front();
  if (!has_glob(part)) {
    const fs::path next = base / part;
    std::error_code code;
    if (fs::exists(next, code)) {
      glob_into(next, parts.subspan(1), found);
    }
    return;
  }
  if (part == "**") {
    glob_into(base, parts.subspan(1), found);
  }
  std::error_code code;
  for (const auto& entry : fs::directory_iterator(base.empty() ? fs::path(".") : base, code)) {
    const std::string name = entry.path().filename().string();
    if (part == "**") {
      if (entry.is_directory() && name[0] != '.') {
        glob_into(base / name, parts, found);
      }
    } else if (::fnmatch(part.c_str(), name.c_str(), FNM_PERIOD) == 0) {
      glob_into(base / name, parts.subspan(1), found);
    }
  }
}

}  // namespace

std::vector<fs::path> glob(const std::string& pattern) {
  std::vector<std::string> parts;
  const fs::path path(pattern);
  for (const auto& part : path.relative_path()) {
    parts.push_back(part.string());
  }
  std::vector<fs::path> found;
  glob_into(path.root_path(), parts, found);
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  return found;
}

uint64_t free_bytes(const fs::path& path) {
  std::error_code code;
  const auto space = fs::space(path, code);
  return code ? 0 : space.available;
}

}  // namespace athanor
