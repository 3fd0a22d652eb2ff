// Files as the rest of the program wants them: whole reads, atomic writes, read-only maps.
// Every failure is an Error of kind kInput (reading) or kResource (writing, disk full) that names the path.
#pragma once

#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace athanor {

namespace fs = std::filesystem;

// The whole file as bytes. Refuses more than max_bytes.
std::string read_file(const fs::path& path, uint64_t max_bytes = uint64_t{1} << 32);

// Writes path.tmp.<pid>, fsyncs it, renames it over path and fsyncs the folder: after a crash the
// file is the old one or the new one, never a mixture.
void write_file_atomic(const fs::path& path, std::string_view bytes);

// fsync of one file or folder that exists already.
void fsync_path(const fs::path& path);

// fsync of every file and folder below dir, then of dir.
void fsync_tree(const fs::path& dir);

// Creates the folder and its parents; an Error says why it cannot.
void make_dirs(const fs::path& dir);

// A file that grows at its end. write() goes through a buffer; sync() flushes it and calls fsync.
// Throws Error(kResource) when the disk is full. close() is implied by the destructor, which swallows
// errors: call close() where losing the tail matters.
class FileWriter {
 public:
  enum class Mode { kTruncate, kAppend };
  explicit FileWriter(const fs::path& path, Mode mode = Mode::kTruncate);
  ~FileWriter();
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;

  void write(std::string_view bytes);
  void flush();
  void sync();
  void close();
  uint64_t size() const { return size_; }  // bytes in the file, the buffered ones included

 private:
  fs::path path_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
};

// A read-only memory map of a whole file; empty files map to an empty span.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;

  std::span<const uint8_t> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  size_t size() const { return size_; }

 private:
  const uint8_t* data_ = nullptr;
  size_t size_ = 0;
};

// The paths that match a pattern with *, ?, [..] and ** (any depth), sorted by bytes.
std::vector<fs::path> glob(const std::string& pattern);
bool has_glob(std::string_view pattern);

// Bytes free for us on the file system that holds path.
uint64_t free_bytes(const fs::path& path);

}  // namespace athanor
