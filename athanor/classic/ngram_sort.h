// Sorting of n-gram records within a memory bound: full buffers are sorted (in parallel) and written to disk as runs,
// which are merged while they are read.
//
//   NgramSorter sorter(NgramSorter::Merge::kAddCounts, 64 << 20, scratch / "counts", pool);
//   sorter.add(record);
//   auto sorted = sorter.finish();
//   for (NgramRecord r; sorted->next(r);) { ... }
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "athanor/base/file.h"
#include "athanor/base/thread_pool.h"

namespace athanor {

inline constexpr int kMaxNgramOrder = 5;

// Up to five word ids in the order by which records are sorted, unused places 0, and eight bytes of load.
struct NgramRecord {
  std::array<uint64_t, 3> key{};
  uint64_t load = 0;

  uint32_t word(int i) const {
    const uint64_t pair = key[static_cast<size_t>(i) / 2];
    return static_cast<uint32_t>(i % 2 == 0 ? pair >> 32 : pair);
  }
  void set_word(int i, uint32_t id) {
    key[static_cast<size_t>(i) / 2] |= i % 2 == 0 ? uint64_t{id} << 32 : uint64_t{id};  // the place is still 0
  }
  void set_floats(float a, float b);
  float first() const;
  float second() const;

  bool operator<(const NgramRecord& other) const { return key < other.key; }
};

// Sorted records, once.
class NgramStream {
 public:
  virtual ~NgramStream() = default;
  virtual bool next(NgramRecord& record) = 0;
};

class NgramSorter {
 public:
  enum class Merge { kKeepAll, kAddCounts };  // kAddCounts: records of equal keys become one, loads are added
  // memory_bytes: of the buffer. prefix: of the paths of runs, which are deleted as soon as they are open. pool: lives
  // as long as the sorter.
  NgramSorter(Merge merge, uint64_t memory_bytes, fs::path prefix, ThreadPool& pool);
  ~NgramSorter();

  void add(const NgramRecord& record) {
    buffer_.push_back(record);
    if (buffer_.size() >= capacity_) {
      spill();
    }
  }
  // Ends the adding. The stream outlives the sorter.
  std::unique_ptr<NgramStream> finish();
  size_t num_runs() const { return runs_.size(); }

 private:
  void sort_buffer();
  void spill();

  Merge merge_;
  size_t capacity_;
  fs::path prefix_;
  ThreadPool& pool_;
  std::vector<NgramRecord> buffer_;
  std::vector<fs::path> runs_;
};

// Records kept in the order in which they come, in memory or, beyond memory_bytes, in a file; read as often as wanted.
class NgramList {
 public:
  NgramList(uint64_t memory_bytes, fs::path file);
  ~NgramList();
  NgramList(const NgramList&) = delete;
  NgramList& operator=(const NgramList&) = delete;

  void add(const NgramRecord& record);
  uint64_t size() const { return size_; }
  std::unique_ptr<NgramStream> read();  // ends the adding; the list must outlive the stream

 private:
  size_t capacity_;
  fs::path file_;
  std::vector<NgramRecord> buffer_;
  std::unique_ptr<FileWriter> writer_;
  uint64_t size_ = 0;
};

}  // namespace athanor
