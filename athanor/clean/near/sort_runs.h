// Sorts more records than memory holds: sorted runs go to a temporary file, and are merged while they are read.
// What comes out depends only on the set of records, as long as the order is total (records that compare equal are
// equal).
//
//   RunSorter<Entry> sorter(memory_bytes, folder, pool);
//   sorter.add(entry);
//   sorter.drain([](const Entry& entry) { ... });   // in order; ends the object's use
#pragma once

#include <algorithm>
#include <memory>
#include <type_traits>
#include <vector>

#include "athanor/base/thread_pool.h"
#include "athanor/clean/near/scratch_file.h"

namespace athanor {

template <class Record>
class RunSorter {
  static_assert(std::is_trivially_copyable_v<Record>);

 public:
  // Record needs operator<. At least kLeastRecords are held whatever memory_bytes says. pool must outlive the object.
  // Two thirds of the memory hold records: while the buffer grows the old one is there too.
  RunSorter(uint64_t memory_bytes, std::string folder, ThreadPool& pool)
      : capacity_(std::max<size_t>(kLeastRecords, memory_bytes / 3 * 2 / sizeof(Record))),
        folder_(std::move(folder)),
        pool_(pool) {}

  void add(const Record& record) {
    if (buffer_.size() == capacity_) {
      spill();
    } else if (buffer_.size() == buffer_.capacity()) {  // growing never overshoots the limit
      buffer_.reserve(std::min(capacity_, std::max<size_t>(kLeastRecords, buffer_.capacity() * 2)));
    }
    buffer_.push_back(record);
  }

  uint64_t bytes_on_disk() const { return file_ ? file_->size() : 0; }

  template <class Fn>
  void drain(Fn&& fn) {
    sort_buffer();
    std::vector<Source> sources;
    const size_t piece = std::max<size_t>(64, capacity_ / 4 / std::max<size_t>(1, runs_.size()));
    if (!runs_.empty()) {
      file_->append(buffer_.data(), buffer_.size() * sizeof(Record));  // so that only pieces are in memory
      add_runs();
      std::vector<Record>().swap(buffer_);
      for (const Run& run : runs_) {
        sources.push_back(Source{nullptr, nullptr, run.begin, run.end, {}});
      }
    } else {
      for (const Run& run : memory_runs_) {
        sources.push_back(Source{buffer_.data() + run.begin, buffer_.data() + run.end, 0, 0, {}});
      }
    }
    merge(sources, piece, fn);
    std::vector<Record>().swap(buffer_);
    file_.reset();
  }

 private:
  static constexpr size_t kLeastRecords = 1024;

  struct Run {
    uint64_t begin, end;  // records: of the buffer, or of the file
  };
  struct Source {
    const Record* at;
    const Record* stop;
    uint64_t next, end;  // of the file, not yet read
    std::vector<Record> piece;
  };

  // A run for each thread, so that all of them sort.
  void sort_buffer() {
    const size_t pieces = buffer_.size() < kLeastRecords * 16 ? 1 : static_cast<size_t>(pool_.num_threads());
    memory_runs_.clear();
    for (size_t i = 0; i < pieces; ++i) {
      memory_runs_.push_back({buffer_.size() * i / pieces, buffer_.size() * (i + 1) / pieces});
    }
    pool_.parallel_for(pieces, [&](size_t i) {
      std::sort(buffer_.begin() + static_cast<std::ptrdiff_t>(memory_runs_[i].begin),
                buffer_.begin() + static_cast<std::ptrdiff_t>(memory_runs_[i].end));
    });
  }

  void add_runs() {
    const uint64_t base = file_->size() / sizeof(Record) - buffer_.size();
    for (const Run& run : memory_runs_) {
      runs_.push_back({base + run.begin, base + run.end});
    }
  }

  void spill() {
    sort_buffer();
    if (!file_) {
      file_ = std::make_unique<ScratchFile>(folder_);
    }
    file_->append(buffer_.data(), buffer_.size() * sizeof(Record));
    add_runs();
    buffer_.clear();
  }

  bool refill(Source& source, size_t piece) {
    if (source.at != source.stop) {
      return true;
    }
    if (source.next == source.end) {
      return false;
    }
    source.piece.resize(static_cast<size_t>(std::min<uint64_t>(piece, source.end - source.next)));
    file_->read_at(source.next * sizeof(Record), source.piece.data(), source.piece.size() * sizeof(Record));
    source.next += source.piece.size();
    source.at = source.piece.data();
    source.stop = source.at + source.piece.size();
    return true;
  }

  template <class Fn>
  void merge(std::vector<Source>& sources, size_t piece, Fn&& fn) {
    const auto after = [](const Source* a, const Source* b) { return *b->at < *a->at; };
    std::vector<Source*> heap;
    for (Source& source : sources) {
      if (refill(source, piece)) {
        heap.push_back(&source);
      }
    }
    std::make_heap(heap.begin(), heap.end(), after);
    while (heap.size() > 1) {
      std::pop_heap(heap.begin(), heap.end(), after);
      Source& least = *heap.back();
      fn(*least.at);
      ++least.at;
      if (refill(least, piece)) {
        std::push_heap(heap.begin(), heap.end(), after);
      } else {
        heap.pop_back();
      }
    }
    while (!heap.empty() && refill(*heap[0], piece)) {
      for (; heap[0]->at != heap[0]->stop; ++heap[0]->at) {
        fn(*heap[0]->at);
      }
    }
  }

  size_t capacity_;
  std::string folder_;
  ThreadPool& pool_;
  std::vector<Record> buffer_;
  std::vector<Run> memory_runs_, runs_;
  std::unique_ptr<ScratchFile> file_;
};

}  // namespace athanor
