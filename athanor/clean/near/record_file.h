// Records on disk, written once and then read in the same order: a list too long for memory.
//
//   RecordFile<Cut> cuts(scratch);
//   cuts.add(cut); ...
//   while (const Cut* cut = cuts.peek()) { use(*cut); cuts.skip(); }
#pragma once

#include <algorithm>
#include <memory>
#include <string>
#include <type_traits>
#include <vector>

#include "athanor/clean/near/scratch_file.h"

namespace athanor {

template <class Record>
class RecordFile {
  static_assert(std::is_trivially_copyable_v<Record>);

 public:
  // Throws Error(kResource) when the folder cannot hold a file; so do the others.
  explicit RecordFile(const std::string& scratch) : file_(std::make_unique<ScratchFile>(scratch)) {}

  void add(const Record& record) {
    piece_.push_back(record);
    if (piece_.size() == kPieceRecords) {
      flush();
    }
  }
  uint64_t size() const { return file_->size() / sizeof(Record) + (reading_ ? 0 : piece_.size()); }

  // The next record, null at the end. The first call ends the writing.
  const Record* peek() {
    if (!reading_) {
      flush();
      reading_ = true;
    }
    if (at_ == piece_.size()) {
      const uint64_t bytes = std::min<uint64_t>(kPieceRecords * sizeof(Record), file_->size() - read_);
      piece_.resize(bytes / sizeof(Record));
      at_ = 0;
      if (piece_.empty()) {
        return nullptr;
      }
      file_->read_at(read_, piece_.data(), bytes);
      read_ += bytes;
    }
    return &piece_[at_];
  }
  void skip() { ++at_; }
  // Back to the first record.
  void rewind() {
    peek();
    piece_.clear();
    at_ = 0;
    read_ = 0;
  }

 private:
  static constexpr size_t kPieceRecords = 4096;

  void flush() {
    file_->append(piece_.data(), piece_.size() * sizeof(Record));
    piece_.clear();
  }

  std::unique_ptr<ScratchFile> file_;
  std::vector<Record> piece_;
  size_t at_ = 0;
  uint64_t read_ = 0;  // bytes of the file
  bool reading_ = false;
};

}  // namespace athanor
