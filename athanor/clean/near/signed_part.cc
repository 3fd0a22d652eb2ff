#include "athanor/clean/near/signed_part.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define XXH_STATIC_LINKING_ONLY
#include <xxhash.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <limits>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr char kMagic[8] = {'A', 'T', 'H', 'N', 'E', 'A', 'R', '\n'};
constexpr uint64_t kMaxRows = uint64_t{1} << 40;
constexpr uint64_t kMaxKeys = 1 << 16;
constexpr uint64_t kMaxTotal = uint64_t{1} << 50;

uint64_t padded(uint64_t bytes) { return (bytes + 7) / 8 * 8; }

// A file that is written front to back, with the checksum of what was written.
class Output {
 public:
  explicit Output(const fs::path& path) : file_(path) { XXH3_64bits_reset(&state_); }
  void write(const void* data, uint64_t bytes) {
    XXH3_64bits_update(&state_, data, bytes);
    file_.write({static_cast<const char*>(data), bytes});
    size_ += bytes;
  }
  void pad() {
    const uint64_t zero = 0;
    write(&zero, padded(size_) - size_);
  }
  void finish() {
    const uint64_t sum = XXH3_64bits_digest(&state_);
    file_.write({reinterpret_cast<const char*>(&sum), sizeof sum});
    file_.close();
  }

 private:
  FileWriter file_;
  XXH3_state_t state_;
  uint64_t size_ = 0;
};

}  // namespace

struct SignedPart::Header {
  char magic[8];
  uint32_t version;
  uint32_t signature_bytes;
  uint64_t num_rows, num_keys, num_shingles, id_bytes;
};

SignedPartWriter::SignedPartWriter(size_t num_keys, std::string signature)
    : num_keys_(num_keys), signature_(std::move(signature)) {}

void SignedPartWriter::add(const SignedRow& row) {
  if (row.keys.size() != num_keys_) {
    throw Error(ErrorKind::kInternal, "a row with " + std::to_string(row.keys.size()) + " keys", "dedup");
  }
  digests_.push_back(row.digest);
  ranks_.push_back(row.rank);
  ranks_.back().num_shingles = static_cast<uint32_t>(row.shingles.size());
  keys_.insert(keys_.end(), row.keys.begin(), row.keys.end());
  shingles_.insert(shingles_.end(), row.shingles.begin(), row.shingles.end());
  shingle_ends_.push_back(shingles_.size());
  ids_ += row.id;
  id_ends_.push_back(ids_.size());
}

uint64_t SignedPartWriter::bytes() const {
  return sizeof(uint64_t) * (7 + keys_.size() + 2 * digests_.size()) + padded(signature_.size()) +
         (sizeof(TextDigest) + sizeof(RowRank)) * digests_.size() + padded(4 * shingles_.size()) + padded(ids_.size());
}

void SignedPartWriter::finish(const fs::path& path) {
  SignedPart::Header header{{}, SignedPart::kVersion, static_cast<uint32_t>(signature_.size()),
                            digests_.size(), num_keys_, shingles_.size(), ids_.size()};
  std::memcpy(header.magic, kMagic, sizeof kMagic);
  Output out(path);
  out.write(&header, sizeof header);
  out.write(signature_.data(), signature_.size());
  out.pad();
  out.write(digests_.data(), digests_.size() * sizeof(TextDigest));
  out.write(ranks_.data(), ranks_.size() * sizeof(RowRank));
  std::vector<uint64_t> column(digests_.size());
  for (size_t key = 0; key < num_keys_; ++key) {
    for (size_t row = 0; row < column.size(); ++row) {
      column[row] = keys_[row * num_keys_ + key];
    }
    out.write(column.data(), column.size() * sizeof(uint64_t));
  }
  out.write(shingle_ends_.data(), shingle_ends_.size() * sizeof(uint64_t));
  out.write(shingles_.data(), shingles_.size() * sizeof(uint32_t));
  out.pad();
  out.write(id_ends_.data(), id_ends_.size() * sizeof(uint64_t));
  out.write(ids_.data(), ids_.size());
  out.pad();
  out.finish();
}

SignedPart::SignedPart(const fs::path& path, bool keep_open) : path_(path) {
  fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd_ < 0) {
    throw Error(ErrorKind::kInput, std::string("cannot open the signatures: ") + std::strerror(errno), path.string());
  }
  const uint64_t size = file_size(fd_);
  Header header{};
  if (size < sizeof header) {
    damaged("is too short for its header");
  }
  read_at(0, &header, sizeof header);
  if (std::memcmp(header.magic, kMagic, sizeof kMagic) != 0) {
    damaged("does not begin like a file of signatures");
  }
  if (header.version != kVersion) {
    throw Error(ErrorKind::kInput, "is of version " + std::to_string(header.version) + ", this program reads " +
                std::to_string(kVersion), path.string(), "make the index again with this program");
  }
  if (header.signature_bytes > kMaxSignature || header.num_rows > kMaxRows || header.num_keys > kMaxKeys ||
      header.num_shingles > kMaxTotal || header.id_bytes > kMaxTotal) {
    damaged("has a count in its header that cannot be");
  }
  num_rows_ = header.num_rows;
  num_keys_ = header.num_keys;
  num_shingles_ = header.num_shingles;
  id_bytes_ = header.id_bytes;
  digests_ = padded(sizeof header + header.signature_bytes);
  ranks_ = digests_ + num_rows_ * sizeof(TextDigest);
  keys_ = ranks_ + num_rows_ * sizeof(RowRank);
  shingle_ends_ = keys_ + num_keys_ * num_rows_ * sizeof(uint64_t);
  shingles_ = shingle_ends_ + num_rows_ * sizeof(uint64_t);
  id_ends_ = padded(shingles_ + num_shingles_ * sizeof(uint32_t));
  ids_ = id_ends_ + num_rows_ * sizeof(uint64_t);
  end_ = padded(ids_ + id_bytes_);
  if (size != end_ + sizeof(uint64_t)) {
    damaged("has " + std::to_string(size) + " bytes where its header asks for " + std::to_string(end_ + 8));
  }
  signature_.resize(header.signature_bytes);
  read_at(sizeof header, signature_.data(), signature_.size());
  if (!keep_open) {
    ::close(fd_);
    fd_ = -1;
  }
}

SignedPart::~SignedPart() {
  if (fd_ >= 0) {
    ::close(fd_);
  }
}

SignedPart::SignedPart(SignedPart&& other) noexcept
    : path_(std::move(other.path_)), fd_(std::exchange(other.fd_, -1)), num_rows_(other.num_rows_),
      num_keys_(other.num_keys_), num_shingles_(other.num_shingles_), id_bytes_(other.id_bytes_),
      digests_(other.digests_), ranks_(other.ranks_), keys_(other.keys_), shingle_ends_(other.shingle_ends_),
      shingles_(other.shingles_), id_ends_(other.id_ends_), ids_(other.ids_), end_(other.end_),
      signature_(std::move(other.signature_)) {}

uint64_t SignedPart::file_size(int fd) const {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_size < 0) {
    damaged(std::string("cannot be asked for its size: ") + std::strerror(errno));
  }
  return static_cast<uint64_t>(status.st_size);
}

void SignedPart::damaged(const std::string& what) const {
  throw Error(ErrorKind::kInput, what, path_.string(), "run the step that made it again with --force");
}

void SignedPart::read_at(uint64_t offset, void* data, uint64_t bytes) const {
  int fd = fd_;
  if (fd < 0 && (fd = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC)) < 0) {
    damaged(std::string("cannot be opened again: ") + std::strerror(errno));
  }
  char* at = static_cast<char*>(data);
  int error = 0;
  while (bytes > 0 && error == 0) {
    const ssize_t got = ::pread(fd, at, bytes, static_cast<off_t>(offset));
    if (got <= 0) {
      error = got == 0 ? EIO : errno == EINTR ? 0 : errno;
      continue;
    }
    at += got;
    bytes -= static_cast<uint64_t>(got);
    offset += static_cast<uint64_t>(got);
  }
  if (fd != fd_) {
    ::close(fd);
  }
  if (error != 0) {
    damaged(std::string("cannot be read: ") + std::strerror(error));
  }
}

void SignedPart::verify() const {
  XXH3_state_t state;
  XXH3_64bits_reset(&state);
  std::vector<char> piece(size_t{1} << 20);
  for (uint64_t at = 0; at < end_; at += piece.size()) {
    const uint64_t bytes = std::min<uint64_t>(piece.size(), end_ - at);
    read_at(at, piece.data(), bytes);
    XXH3_64bits_update(&state, piece.data(), bytes);
  }
  uint64_t expected = 0;
  read_at(end_, &expected, sizeof expected);
  if (expected != XXH3_64bits_digest(&state)) {
    damaged("does not match its checksum");
  }
}

template <class T>
std::vector<T> SignedPart::read_rows(uint64_t section, uint64_t first, uint64_t count) const {
  if (first > num_rows_ || count > num_rows_ - first) {
    throw Error(ErrorKind::kInternal, "rows beyond the end were asked for", path_.string());
  }
  std::vector<T> values(static_cast<size_t>(count));
  read_at(section + first * sizeof(T), values.data(), count * sizeof(T));
  return values;
}

std::vector<TextDigest> SignedPart::digests(uint64_t first, uint64_t count) const {
  return read_rows<TextDigest>(digests_, first, count);
}

std::vector<RowRank> SignedPart::ranks(uint64_t first, uint64_t count) const {
  return read_rows<RowRank>(ranks_, first, count);
}

std::vector<uint64_t> SignedPart::keys(uint64_t key, uint64_t first, uint64_t count) const {
  if (key >= num_keys_) {
    throw Error(ErrorKind::kInternal, "a band beyond the last was asked for", path_.string());
  }
  return read_rows<uint64_t>(keys_ + key * num_rows_ * sizeof(uint64_t), first, count);
}

// [begin, end) of a row from the table of ends at `ends`.
std::pair<uint64_t, uint64_t> SignedPart::range(uint64_t ends, uint64_t row, uint64_t total) const {
  const uint64_t before = row == 0 ? 0 : 1;
  const std::vector<uint64_t> found = read_rows<uint64_t>(ends, row - before, 1 + before);
  const uint64_t begin = before == 1 ? found[0] : 0;
  const uint64_t end = found.back();
  if (begin > end || end > total) {
    damaged("leads outside itself at row " + std::to_string(row));
  }
  return {begin, end};
}

std::string SignedPart::id(uint64_t row) const {
  const auto [begin, end] = range(id_ends_, row, id_bytes_);
  std::string id(static_cast<size_t>(end - begin), '\0');
  read_at(ids_ + begin, id.data(), id.size());
  return id;
}

std::vector<std::string> SignedPart::ids(uint64_t first, uint64_t count) const {
  std::vector<std::string> ids;
  if (count == 0) {
    return ids;
  }
  const std::vector<uint64_t> ends = read_rows<uint64_t>(id_ends_, first, count);
  uint64_t begin = range(id_ends_, first, id_bytes_).first;
  const uint64_t last = range(id_ends_, first + count - 1, id_bytes_).second;
  if (begin > last) {
    damaged("leads outside itself at row " + std::to_string(first));
  }
  std::string all(static_cast<size_t>(last - begin), '\0');
  read_at(ids_ + begin, all.data(), all.size());
  const uint64_t base = begin;
  for (const uint64_t end : ends) {
    if (end < begin || end > last) {
      damaged("leads outside itself among its ids");
    }
    ids.push_back(all.substr(static_cast<size_t>(begin - base), static_cast<size_t>(end - begin)));
    begin = end;
  }
  return ids;
}

void SignedPart::shingles(uint64_t row, std::vector<uint32_t>& out) const {
  const auto [begin, end] = range(shingle_ends_, row, num_shingles_);
  out.resize(static_cast<size_t>(end - begin));
  read_at(shingles_ + begin * sizeof(uint32_t), out.data(), out.size() * sizeof(uint32_t));
}

}  // namespace athanor
