// Sorted shingle sets by number: in memory up to a limit, then in one temporary file that is unlinked as soon as it
// is open, so that nothing is left behind by a crash.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace athanor {

class ShingleStore {
 public:
  // memory_bytes: how much is held in memory, 8 bytes a shingle. folder: where the file goes when that is full.
  ShingleStore(uint64_t memory_bytes, std::string folder);
  ~ShingleStore();
  ShingleStore(const ShingleStore&) = delete;
  ShingleStore& operator=(const ShingleStore&) = delete;

  // Its number is the count of sets before it. Throws Error(kResource) when the disk is full. Not thread-safe.
  void append(std::span<const uint64_t> shingles);

  // The set; points into the store, or into buffer, which must live as long. Thread-safe once all are appended.
  std::span<const uint64_t> get(size_t index, std::vector<uint64_t>& buffer) const;

  bool empty(size_t index) const { return start_[index] == start_[index + 1]; }
  uint64_t bytes_in_memory() const { return memory_.size() * sizeof(uint64_t); }
  uint64_t bytes_on_disk() const { return file_shingles_ * sizeof(uint64_t); }

 private:
  void open_file();
  [[noreturn]] void fail(const char* doing, int error) const;

  uint64_t memory_limit_;           // shingles
  std::string folder_;
  std::vector<uint64_t> start_{0};  // of each set in the sequence of all shingles; the last is the total
  std::vector<uint64_t> memory_;    // the first of them
  bool spilled_ = false;            // every later set is in the file
  uint64_t file_shingles_ = 0;
  int fd_ = -1;
};

}  // namespace athanor
