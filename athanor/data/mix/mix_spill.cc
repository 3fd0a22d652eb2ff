#include "athanor/data/mix/mix_spill.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <tuple>

#include "athanor/base/error.h"

namespace athanor {

namespace {

void put(std::string& out, uint64_t value) {
  char bytes[8];
  std::memcpy(bytes, &value, 8);
  out.append(bytes, 8);
}

void put(std::string& out, const std::string& text) {
  put(out, text.size());
  out += text;
}

[[noreturn]] void damaged(const fs::path& folder) {
  throw Error(ErrorKind::kInput, "what an earlier start left there is damaged", folder.string(),
              "remove the run's state folder and run again");
}

struct Cursor {
  std::string_view rest;
  const fs::path& folder;

  uint64_t number() {
    if (rest.size() < 8) {
      damaged(folder);
    }
    uint64_t value;
    std::memcpy(&value, rest.data(), 8);
    rest.remove_prefix(8);
    return value;
  }
  std::string text() {
    const uint64_t size = number();
    if (rest.size() < size) {
      damaged(folder);
    }
    std::string value(rest.substr(0, static_cast<size_t>(size)));
    rest.remove_prefix(static_cast<size_t>(size));
    return value;
  }
};

std::string read_at(const fs::path& path, uint64_t offset, uint64_t length) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  struct stat info = {};
  if (fd < 0 || ::fstat(fd, &info) != 0 || length > static_cast<uint64_t>(info.st_size)) {
    if (fd >= 0) {
      ::close(fd);
    }
    damaged(path.parent_path());
  }
  std::string bytes(static_cast<size_t>(length), '\0');
  size_t used = 0;
  while (used < bytes.size()) {
    const ssize_t got = ::pread(fd, bytes.data() + used, bytes.size() - used, static_cast<off_t>(offset + used));
    if (got < 0 && errno == EINTR) {
      continue;
    }
    if (got <= 0) {
      break;
    }
    used += static_cast<size_t>(got);
  }
  ::close(fd);
  if (used < bytes.size()) {
    damaged(path.parent_path());
  }
  return bytes;
}

uint64_t number_at(std::string_view bytes, uint64_t index, const fs::path& folder) {
  if (index >= bytes.size() / 8) {
    damaged(folder);
  }
  uint64_t value;
  std::memcpy(&value, bytes.data() + index * 8, 8);
  return value;
}

}  // namespace

SpillWriter::SpillWriter(const fs::path& folder, uint64_t num_cells)
    : folder_(folder), num_cells_(num_cells), records_(std::make_unique<FileWriter>(folder / "records")) {}

SpillWriter::~SpillWriter() = default;

SpillEntry SpillWriter::add_record(const Document& document, const std::vector<ColumnValues>& columns,
                                   size_t row_in_shard) {
  std::string record;
  record.reserve(document.text.size() + document.meta.size() + document.source.size() + 128);
  put(record, document.id);
  put(record, document.text);
  put(record, document.source);
  put(record, document.span_begin);
  put(record, document.span_end);
  put(record, document.meta);
  for (const ColumnValues& column : columns) {
    if (const auto* texts = std::get_if<std::vector<std::string>>(&column)) {
      put(record, texts->at(row_in_shard));
    } else if (const auto* whole = std::get_if<std::vector<int64_t>>(&column)) {
      put(record, static_cast<uint64_t>(whole->at(row_in_shard)));
    } else {
      uint64_t bits;
      std::memcpy(&bits, &std::get<std::vector<double>>(column).at(row_in_shard), 8);
      put(record, bits);
    }
  }
  SpillEntry entry;
  entry.offset = records_->size();
  entry.length = record.size();
  records_->write(record);
  return entry;
}

void SpillWriter::finish() {
  records_->close();
  std::sort(entries_.begin(), entries_.end(), [](const SpillEntry& a, const SpillEntry& b) {
    return std::tie(a.key, a.row, a.copy) < std::tie(b.key, b.row, b.copy);
  });
  FileWriter index(folder_ / "index");
  std::string head;
  put(head, num_cells_);
  size_t at = 0;
  for (uint64_t cell = 0; cell <= num_cells_; ++cell) {
    while (at < entries_.size() && cell_of(entries_[at].key, num_cells_) < cell) {
      ++at;
    }
    put(head, at);
  }
  index.write(head);
  index.write({reinterpret_cast<const char*>(entries_.data()), entries_.size() * sizeof(SpillEntry)});
  index.close();
}

std::vector<SpillEntry> SpillReader::entries_of(uint64_t cell) const {
  const MappedFile index(folder_ / "index");
  const std::string_view bytes = index.text();
  const uint64_t num_cells = number_at(bytes, 0, folder_);
  const uint64_t begin = number_at(bytes, 1 + cell, folder_);
  const uint64_t end = number_at(bytes, 2 + cell, folder_);
  const uint64_t base = (num_cells + 2) * 8;
  const uint64_t total = base <= bytes.size() ? (bytes.size() - base) / sizeof(SpillEntry) : 0;
  if (begin > end || end > total) {
    damaged(folder_);
  }
  std::vector<SpillEntry> entries(static_cast<size_t>(end - begin));
  if (!entries.empty()) {
    std::memcpy(entries.data(), bytes.data() + base + begin * sizeof(SpillEntry), entries.size() * sizeof(SpillEntry));
  }
  return entries;
}

SpillRecord SpillReader::record(const SpillEntry& entry) const {
  const std::string bytes = read_at(folder_ / "records", entry.offset, entry.length);
  Cursor cursor{bytes, folder_};
  SpillRecord record;
  record.document.id = cursor.text();
  record.document.text = cursor.text();
  record.document.source = cursor.text();
  record.document.span_begin = cursor.number();
  record.document.span_end = cursor.number();
  record.document.meta = cursor.text();
  for (const ColumnInfo& info : columns_) {
    if (info.type == ColumnType::kString) {
      record.columns.emplace_back(std::vector<std::string>{cursor.text()});
    } else if (info.type == ColumnType::kInt64) {
      record.columns.emplace_back(std::vector<int64_t>{static_cast<int64_t>(cursor.number())});
    } else {
      const uint64_t bits = cursor.number();
      double value;
      std::memcpy(&value, &bits, 8);
      record.columns.emplace_back(std::vector<double>{value});
    }
  }
  return record;
}

}  // namespace athanor
