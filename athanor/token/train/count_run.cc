#include "athanor/token/train/count_run.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "athanor/base/error.h"

namespace athanor::token {

namespace {

constexpr std::string_view kMagic = "ATHCNT1\n";
constexpr size_t kFooter = 4 * sizeof(uint64_t);
constexpr size_t kBuffer = size_t{1} << 16;
constexpr uint64_t kMaxPiece = uint64_t{1} << 32;

void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) {
    out.push_back(static_cast<char>(value | 0x80));
  }
  out.push_back(static_cast<char>(value));
}

void append_word(std::string& out, uint64_t value) {
  for (int i = 0; i < 8; ++i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
}

uint64_t read_word(const char* bytes) {
  uint64_t value = 0;
  for (int i = 7; i >= 0; --i) {
    value = value << 8 | static_cast<uint8_t>(bytes[i]);
  }
  return value;
}

}  // namespace

CountRunWriter::CountRunWriter(const fs::path& path) : file_(path) {
  file_.write(kMagic);
}

void CountRunWriter::add(std::string_view piece, uint64_t count) {
  const size_t most = std::min(piece.size(), last_.size());
  size_t shared = 0;
  while (shared < most && piece[shared] == last_[shared]) {
    ++shared;
  }
  if (count == 0 || (totals_.pieces > 0 && piece <= std::string_view(last_))) {
    throw Error(ErrorKind::kInternal, "counted pieces out of order", "tokenizer training");
  }
  record_.clear();
  append_varint(record_, shared);
  append_varint(record_, piece.size() - shared);
  record_.append(piece.substr(shared));
  append_varint(record_, count);
  file_.write(record_);
  last_.resize(shared);
  last_.append(piece.substr(shared));
  ++totals_.pieces;
  totals_.piece_bytes += piece.size();
  totals_.counted += count;
  totals_.counted_bytes += count * piece.size();
}

void CountRunWriter::finish() {
  record_.clear();
  for (const uint64_t value : {totals_.pieces, totals_.piece_bytes, totals_.counted, totals_.counted_bytes}) {
    append_word(record_, value);
  }
  file_.write(record_);
  file_.close();
}

CountRunReader::CountRunReader(const fs::path& path)
    : path_(path.string()), file_(std::fopen(path_.c_str(), "rb")) {
  if (!file_) {
    throw Error(ErrorKind::kInput, "cannot be opened", path_);
  }
  std::error_code error;
  const uint64_t size = fs::file_size(path, error);
  char footer[kFooter];
  if (error || size < kMagic.size() + kFooter ||
      fseeko(file_.get(), static_cast<off_t>(size - kFooter), SEEK_SET) != 0 ||
      std::fread(footer, 1, kFooter, file_.get()) != kFooter) {
    fail("is too short");
  }
  totals_ = {read_word(footer), read_word(footer + 8), read_word(footer + 16), read_word(footer + 24)};
  char magic[kMagic.size()];
  if (fseeko(file_.get(), 0, SEEK_SET) != 0 ||
      std::fread(magic, 1, sizeof magic, file_.get()) != sizeof magic ||
      std::string_view(magic, sizeof magic) != kMagic) {
    fail("does not begin as a run does");
  }
  left_ = size - kMagic.size() - kFooter;
}

void CountRunReader::fail(const std::string& what) const {
  throw Error(ErrorKind::kInput, "a file of counted pieces " + what, path_,
              "remove the run's state/ folder and run again");
}

// Makes sure that `want` bytes stand in the buffer, or as many as there are.
bool CountRunReader::fill(size_t want) {
  if (buffer_.size() - at_ >= want) {
    return true;
  }
  buffer_.erase(0, at_);
  at_ = 0;
  const size_t have = buffer_.size();
  const size_t more = static_cast<size_t>(std::min<uint64_t>(left_, std::max(want, kBuffer) - have));
  buffer_.resize(have + more);
  if (std::fread(buffer_.data() + have, 1, more, file_.get()) != more) {
    fail("cannot be read");
  }
  left_ -= more;
  return buffer_.size() >= want;
}

uint64_t CountRunReader::varint() {
  uint64_t value = 0;
  for (int shift = 0; shift < 64; shift += 7) {
    if (!fill(1)) {
      fail("ends inside a record");
    }
    const uint8_t byte = static_cast<uint8_t>(buffer_[at_++]);
    value |= static_cast<uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) {
      return value;
    }
  }
  fail("holds a number that is too long");
}

bool CountRunReader::next() {
  if (read_ == totals_.pieces) {
    if (at_ != buffer_.size() || left_ != 0) {
      fail("holds more than it says");
    }
    return false;
  }
  const uint64_t shared = varint();
  const uint64_t rest = varint();
  if (shared > piece_.size() || rest > kMaxPiece || rest > buffer_.size() - at_ + left_) {
    fail("holds a piece that reaches beyond it");
  }
  fill(static_cast<size_t>(rest));
  piece_.resize(static_cast<size_t>(shared));
  piece_.append(buffer_, at_, static_cast<size_t>(rest));
  at_ += static_cast<size_t>(rest);
  count_ = varint();
  ++read_;
  return true;
}

namespace {

void merge_few(std::span<const fs::path> runs, const fs::path& to,
               const std::function<void(double)>& progress) {
  std::vector<std::unique_ptr<CountRunReader>> readers;
  uint64_t all = 0, done = 0;
  const auto after = [](const CountRunReader* a, const CountRunReader* b) { return b->piece() < a->piece(); };
  std::vector<CountRunReader*> heap;
  for (const fs::path& run : runs) {
    readers.push_back(std::make_unique<CountRunReader>(run));
    all += readers.back()->totals().pieces;
    if (readers.back()->next()) {
      heap.push_back(readers.back().get());
    }
  }
  std::make_heap(heap.begin(), heap.end(), after);
  CountRunWriter writer(to);
  std::string piece;
  uint64_t count = 0;
  while (!heap.empty()) {
    std::pop_heap(heap.begin(), heap.end(), after);
    CountRunReader& least = *heap.back();
    if (count > 0 && least.piece() != piece) {
      writer.add(piece, count);
      count = 0;
    }
    piece.assign(least.piece());
    count += least.count();
    if (least.next()) {
      std::push_heap(heap.begin(), heap.end(), after);
    } else {
      heap.pop_back();
    }
    if (progress && (++done & 0xFFFF) == 0) {
      progress(static_cast<double>(done) / static_cast<double>(all));
    }
  }
  if (count > 0) {
    writer.add(piece, count);
  }
  writer.finish();
}

}  // namespace

void merge_count_runs(std::span<const fs::path> runs, const fs::path& to,
                      const std::function<void(double)>& progress) {
  std::vector<fs::path> now(runs.begin(), runs.end());
  std::vector<fs::path> mine;  // made here, removed when merged
  size_t number = 0;
  while (now.size() > kMergeFanIn) {
    const std::vector<fs::path> few(now.begin(), now.begin() + kMergeFanIn);
    fs::path step = to;
    step += ".step" + std::to_string(number++);
    merge_few(few, step, progress);
    now.erase(now.begin(), now.begin() + kMergeFanIn);
    now.push_back(step);
    for (const fs::path& path : few) {
      if (std::find(mine.begin(), mine.end(), path) != mine.end()) {
        fs::remove(path);
      }
    }
    mine.push_back(step);
  }
  merge_few(now, to, progress);
  for (const fs::path& path : mine) {
    std::error_code ignored;
    fs::remove(path, ignored);
  }
}

}  // namespace athanor::token
