#include "athanor/classic/ngram_sort.h"

#include <algorithm>
#include <cstring>
#include <fstream>
#include <queue>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kRunBufferRecords = size_t{1} << 14;

std::string_view bytes_of(const std::vector<NgramRecord>& records) {
  return {reinterpret_cast<const char*>(records.data()), records.size() * sizeof(NgramRecord)};
}

// A file of records, read from its beginning.
class FileStream : public NgramStream {
 public:
  explicit FileStream(const fs::path& path, bool unlink_it) : path_(path), in_(path, std::ios::binary) {
    if (!in_) {
      throw Error(ErrorKind::kResource, "cannot read a scratch file again", path.string(), "look at the disk");
    }
    if (unlink_it) {
      std::error_code ignored;
      fs::remove(path, ignored);  // the open file lives on until we are done
    }
  }
  bool next(NgramRecord& record) override {
    if (at_ == buffer_.size()) {
      buffer_.resize(kRunBufferRecords);
      in_.read(reinterpret_cast<char*>(buffer_.data()), static_cast<std::streamsize>(bytes_of(buffer_).size()));
      const auto got = static_cast<size_t>(in_.gcount());
      if (got % sizeof(NgramRecord) != 0 || in_.bad()) {
        throw Error(ErrorKind::kResource, "a scratch file is cut off", path_.string(), "look at the disk");
      }
      buffer_.resize(got / sizeof(NgramRecord));
      at_ = 0;
      if (buffer_.empty()) {
        return false;
      }
    }
    record = buffer_[at_++];
    return true;
  }

 private:
  fs::path path_;
  std::ifstream in_;
  std::vector<NgramRecord> buffer_;
  size_t at_ = 0;
};

class VectorStream : public NgramStream {
 public:
  explicit VectorStream(std::vector<NgramRecord> records) : owned_(std::move(records)), records_(owned_) {}
  explicit VectorStream(const std::vector<NgramRecord>* records) : records_(*records) {}
  bool next(NgramRecord& record) override {
    if (at_ == records_.size()) {
      return false;
    }
    record = records_[at_++];
    return true;
  }

 private:
  std::vector<NgramRecord> owned_;
  const std::vector<NgramRecord>& records_;
  size_t at_ = 0;
};

class MergedStream : public NgramStream {
 public:
  MergedStream(std::vector<std::unique_ptr<NgramStream>> sources, bool add_counts)
      : sources_(std::move(sources)), add_counts_(add_counts) {
    for (size_t i = 0; i < sources_.size(); ++i) {
      pull(i);
    }
  }
  bool next(NgramRecord& record) override {
    if (heads_.empty()) {
      return false;
    }
    record = take();
    while (add_counts_ && !heads_.empty() && heads_.top().record.key == record.key) {
      record.load += take().load;
    }
    return true;
  }

 private:
  struct Head {
    NgramRecord record;
    size_t source;
    bool operator<(const Head& other) const {  // the queue's top is the smallest; ties by source
      return record.key != other.record.key ? other.record < record : source > other.source;
    }
  };
  void pull(size_t source) {
    Head head;
    head.source = source;
    if (sources_[source]->next(head.record)) {
      heads_.push(head);
    }
  }
  NgramRecord take() {
    const Head head = heads_.top();
    heads_.pop();
    pull(head.source);
    return head.record;
  }

  std::vector<std::unique_ptr<NgramStream>> sources_;
  bool add_counts_;
  std::priority_queue<Head> heads_;
};

// Sorted halves made in parallel, merged pairwise.
void parallel_sort(std::vector<NgramRecord>& records, ThreadPool& pool) {
  const auto parts = static_cast<size_t>(std::max(1, pool.num_threads()));
  if (parts == 1 || records.size() < 4096) {
    std::sort(records.begin(), records.end());
    return;
  }
  const auto border = [&](size_t i) {
    return records.begin() + static_cast<ptrdiff_t>(records.size() * std::min(i, parts) / parts);
  };
  pool.parallel_for(parts, [&](size_t i) { std::sort(border(i), border(i + 1)); });
  for (size_t width = 1; width < parts; width *= 2) {
    pool.parallel_for((parts + 2 * width - 1) / (2 * width), [&](size_t i) {
      const size_t left = 2 * width * i;
      std::inplace_merge(border(left), border(left + width), border(left + 2 * width));
    });
  }
}

void add_equal(std::vector<NgramRecord>& records) {
  size_t kept = 0;
  for (size_t i = 0; i < records.size(); ++i) {
    if (kept > 0 && records[kept - 1].key == records[i].key) {
      records[kept - 1].load += records[i].load;
    } else {
      records[kept++] = records[i];
    }
  }
  records.resize(kept);
}

}  // namespace

void NgramRecord::set_floats(float a, float b) {
  std::memcpy(&load, &a, sizeof a);
  std::memcpy(reinterpret_cast<char*>(&load) + sizeof a, &b, sizeof b);
}
float NgramRecord::first() const {
  float value;
  std::memcpy(&value, &load, sizeof value);
  return value;
}
float NgramRecord::second() const {
  float value;
  std::memcpy(&value, reinterpret_cast<const char*>(&load) + sizeof value, sizeof value);
  return value;
}

NgramSorter::NgramSorter(Merge merge, uint64_t memory_bytes, fs::path prefix, ThreadPool& pool)
    : merge_(merge),
      capacity_(std::max<uint64_t>(1024, memory_bytes / sizeof(NgramRecord))),
      prefix_(std::move(prefix)),
      pool_(pool) {}

NgramSorter::~NgramSorter() {
  for (const auto& run : runs_) {
    std::error_code ignored;
    fs::remove(run, ignored);
  }
}

void NgramSorter::sort_buffer() {
  parallel_sort(buffer_, pool_);
  if (merge_ == Merge::kAddCounts) {
    add_equal(buffer_);
  }
}

void NgramSorter::spill() {
  sort_buffer();
  if (merge_ == Merge::kAddCounts && buffer_.size() < capacity_ / 2) {
    return;  // equal keys gave room enough
  }
  runs_.push_back(prefix_.string() + "-" + std::to_string(runs_.size()) + ".run");
  FileWriter writer(runs_.back());
  writer.write(bytes_of(buffer_));
  writer.close();
  buffer_.clear();
}

std::unique_ptr<NgramStream> NgramSorter::finish() {
  sort_buffer();
  if (runs_.empty()) {
    return std::make_unique<VectorStream>(std::move(buffer_));
  }
  std::vector<std::unique_ptr<NgramStream>> sources;
  for (const auto& run : runs_) {
    sources.push_back(std::make_unique<FileStream>(run, true));
  }
  runs_.clear();
  sources.push_back(std::make_unique<VectorStream>(std::move(buffer_)));
  return std::make_unique<MergedStream>(std::move(sources), merge_ == Merge::kAddCounts);
}

NgramList::NgramList(uint64_t memory_bytes, fs::path file)
    : capacity_(std::max<uint64_t>(1024, memory_bytes / sizeof(NgramRecord))), file_(std::move(file)) {}

NgramList::~NgramList() {
  writer_.reset();
  std::error_code ignored;
  fs::remove(file_, ignored);
}

void NgramList::add(const NgramRecord& record) {
  buffer_.push_back(record);
  ++size_;
  if (buffer_.size() >= capacity_) {
    if (!writer_) {
      writer_ = std::make_unique<FileWriter>(file_);
    }
    writer_->write(bytes_of(buffer_));
    buffer_.clear();
  }
}

std::unique_ptr<NgramStream> NgramList::read() {
  if (size_ == buffer_.size()) {
    return std::make_unique<VectorStream>(&buffer_);
  }
  if (!buffer_.empty()) {
    writer_->write(bytes_of(buffer_));
    buffer_.clear();
  }
  writer_->flush();
  return std::make_unique<FileStream>(file_, false);
}

}  // namespace athanor
