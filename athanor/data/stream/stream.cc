#include "athanor/data/stream/stream.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/data/stream/stream_decoded.h"

namespace athanor {

namespace {

// A file as it is on disk.
class PlainFile : public ByteStream {
 public:
  PlainFile(const fs::path& path, uint64_t offset) : path_(path), position_(offset) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw Error(ErrorKind::kInput, std::string("cannot open: ") + std::strerror(errno), path.string(),
                  "check the path");
    }
    if (offset > 0 && ::lseek(fd_, static_cast<off_t>(offset), SEEK_SET) < 0) {
      const int code = errno;
      ::close(fd_);
      throw Error(ErrorKind::kInput, std::string("cannot seek: ") + std::strerror(code), path.string());
    }
  }
  ~PlainFile() override { ::close(fd_); }
  PlainFile(const PlainFile&) = delete;
  PlainFile& operator=(const PlainFile&) = delete;

  size_t read(char* buffer, size_t size) override {
    while (true) {
      const ssize_t n = ::read(fd_, buffer, size);
      if (n < 0 && errno == EINTR) {
        continue;
      }
      if (n < 0) {
        throw Error(ErrorKind::kInput, std::string("cannot read: ") + std::strerror(errno), path_.string());
      }
      position_ += static_cast<uint64_t>(n);
      return static_cast<size_t>(n);
    }
  }
  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return position_; }

 private:
  fs::path path_;
  int fd_ = -1;
  uint64_t position_ = 0;
  std::optional<StreamFault> fault_;
};

class PlainStream : public DecodedStream {
 public:
  using DecodedStream::DecodedStream;
  bool compressed() const override { return false; }
  size_t read(char* buffer, size_t size) override {
    if (begin_ == end_ && size >= block_.size()) {  // nothing to gain from a copy
      const size_t n = raw_->read(buffer, size);
      if (n == 0 && raw_->fault()) {
        fail(raw_->fault()->reason);
      }
      delivered_ += n;
      return n;
    }
    if (!have_input()) {
      return 0;
    }
    const std::string_view ready = unread().substr(0, size);
    std::memcpy(buffer, ready.data(), ready.size());
    consume(ready.size());
    delivered_ += ready.size();
    return ready.size();
  }
  bool recover() override {
    if (!fault_ || !raw_->recover()) {
      return false;
    }
    fault_.reset();
    return true;
  }
};

std::unique_ptr<DecodedStream> decoder_for(std::string_view first) {
  if (first.size() >= 3 && is_gzip_start(first)) {
    return make_gzip_stream();
  }
  if (first.size() >= 4 && is_zstd_start(first)) {
    return make_zstd_stream();
  }
  if (first.size() >= 10 && is_bzip2_start(first)) {
    return make_bzip2_stream();
  }
  return nullptr;
}

constexpr size_t kMagicBytes = 10;

std::unique_ptr<DecodedStream> decode(std::unique_ptr<ByteStream> raw) {
  auto plain = std::make_unique<PlainStream>(std::move(raw));
  std::unique_ptr<DecodedStream> decoder = decoder_for(plain->peek(kMagicBytes));
  if (decoder == nullptr) {
    return plain;
  }
  decoder->take_from(*plain);
  return decoder;
}

}  // namespace

std::string_view DecodedStream::peek(size_t size) {
  while (end_ - begin_ < size && refill()) {
  }
  return unread().substr(0, size);
}

void DecodedStream::take_from(DecodedStream& other) {
  raw_ = std::move(other.raw_);
  const std::string_view ready = other.unread();
  if (block_.size() < ready.size()) {
    block_.resize(ready.size());
  }
  std::memcpy(block_.data(), ready.data(), ready.size());
  begin_ = 0;
  end_ = ready.size();
}

bool DecodedStream::have_input() {
  if (begin_ < end_) {
    return true;
  }
  begin_ = 0;
  end_ = raw_->read(block_.data(), block_.size());
  if (end_ == 0 && raw_->fault()) {
    fail(raw_->fault()->reason);
  }
  return end_ > 0;
}

bool DecodedStream::refill() {
  if (begin_ > 0) {
    std::memmove(block_.data(), block_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  const size_t n = end_ < block_.size() ? raw_->read(block_.data() + end_, block_.size() - end_) : 0;
  end_ += n;
  return n > 0;
}

void DecodedStream::fail(const std::string& reason) {
  if (!fault_) {
    fault_ = StreamFault{reason, delivered_};
  }
}

bool DecodedStream::scan_to(char first, size_t start_bytes, bool (*is_start)(std::string_view bytes)) {
  while (true) {
    const std::string_view ready = unread();
    const size_t found = std::min(ready.find(first), ready.size());
    consume(found);
    if (peek(start_bytes).size() < start_bytes) {
      return false;
    }
    if (is_start(unread())) {
      return true;
    }
    consume(1);
  }
}

std::unique_ptr<ByteStream> decoded_stream(std::unique_ptr<ByteStream> raw) { return decode(std::move(raw)); }

std::unique_ptr<ByteStream> open_raw(const fs::path& path, uint64_t offset) {
  return std::make_unique<PlainFile>(path, offset);
}

std::unique_ptr<ByteStream> open_stream(const fs::path& path) { return decoded_stream(open_raw(path)); }

bool is_compressed(const fs::path& path) {
  PlainStream file(open_raw(path));
  return decoder_for(file.peek(kMagicBytes)) != nullptr;
}

std::unique_ptr<ByteStream> open_stream_at(const fs::path& path, const StreamFrame& frame, uint64_t offset) {
  if (offset == 0) {
    return open_stream(path);
  }
  if (!is_compressed(path)) {
    auto plain = std::make_unique<PlainStream>(open_raw(path, offset));
    plain->set_offset(offset);
    return plain;
  }
  std::unique_ptr<DecodedStream> stream = decode(open_raw(path, frame.file_offset));
  stream->set_offset(frame.offset);
  std::string block(DecodedStream::kBlockBytes, '\0');
  for (uint64_t left = offset - frame.offset; left > 0;) {
    const size_t n = stream->read(block.data(), static_cast<size_t>(std::min<uint64_t>(left, block.size())));
    if (n == 0 && !stream->recover()) {
      break;
    }
    left -= n;
  }
  return stream;
}

std::optional<std::string> read_all(ByteStream& stream, uint64_t limit) {
  std::string all;
  std::string block(DecodedStream::kBlockBytes, '\0');
  while (const size_t n = stream.read(block.data(), block.size())) {
    if (n > limit - all.size()) {
      return std::nullopt;
    }
    all.append(block, 0, n);
  }
  return all;
}

}  // namespace athanor
