// How often each pre-token occurs: the whole of what training needs to know of a corpus.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "athanor/base/file.h"

namespace athanor::token {

class PieceCounter {
 public:
  struct Entry {
    std::string_view piece;  // lives as long as the counter
    int64_t count;
  };

  void add(std::string_view piece, int64_t count);
  // In the order in which they were first seen.
  const std::vector<Entry>& entries() const { return entries_; }
  // Memory held, but for the allocator's own.
  uint64_t memory_bytes() const;
  // Writes a count_run.h file, and is then empty.
  void spill(const fs::path& path);

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t entry = 0;  // index + 1; 0: free
  };

  // Short pieces that came of late, by hash: what is common is found in one look.
  struct Recent {
    uint64_t low = 0, high = 0;
    uint32_t size = UINT32_MAX, entry = 0;
  };
  static constexpr size_t kNumRecent = size_t{1} << 13;

  uint32_t find(std::string_view piece, uint64_t hash);
  std::string_view keep(std::string_view piece);
  void grow();

  std::vector<Entry> entries_;
  std::vector<Slot> slots_;
  std::vector<Recent> recent_;
  std::vector<std::unique_ptr<char[]>> blocks_;
  size_t block_used_ = 0;
  size_t block_size_ = 0;
};

}  // namespace athanor::token
