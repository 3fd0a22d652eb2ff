#include "athanor/data/stream.h"

#include <fcntl.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "athanor/base/error.h"

namespace athanor {

namespace {

constexpr size_t kInputBytes = 256 << 10;
constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to say: gzip wrapper only
constexpr uint32_t kGzipMagic = 0x088b1f;  // with deflate, the only method there is
constexpr uint32_t kZstdMagic = 0xfd2fb528;
constexpr uint32_t kZstdSkippableMagic = 0x184d2a50;  // the low 4 bits are free

// A file as it is on disk.
class PlainFile : public ByteStream {
 public:
  explicit PlainFile(const fs::path& path) : path_(path) {
    fd_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0) {
      throw Error(ErrorKind::kInput, std::string("cannot open: ") + std::strerror(errno), path.string(),
                  "check the path");
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

// What every decoder has: raw bytes in blocks before it, a fault of its own or of them.
class DecodedStream : public ByteStream {
 public:
  explicit DecodedStream(std::unique_ptr<ByteStream> raw) : raw_(std::move(raw)), block_(kInputBytes, '\0') {}
  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return raw_->file_position(); }

  // The first bytes, up to `size`, without taking them.
  std::string_view peek(size_t size) {
    while (end_ < size) {
      const size_t n = raw_->read(block_.data() + end_, block_.size() - end_);
      if (n == 0) {
        break;
      }
      end_ += n;
    }
    return unread().substr(0, size);
  }
  // Hands what was peeked, and the raw bytes after it, to a decoder.
  void move_to(DecodedStream& other) {
    std::swap(raw_, other.raw_);
    std::swap(block_, other.block_);
    std::swap(begin_, other.begin_);
    std::swap(end_, other.end_);
  }

 protected:
  std::string_view unread() const { return std::string_view(block_).substr(begin_, end_ - begin_); }
  void consume(size_t bytes) { begin_ += bytes; }
  // True when there is input to work on. A fault of the raw bytes becomes ours.
  bool have_input() {
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
  void fail(const std::string& reason) {
    if (!fault_) {
      fault_ = StreamFault{reason, delivered_};
    }
  }

  std::unique_ptr<ByteStream> raw_;
  std::string block_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<StreamFault> fault_;
  uint64_t delivered_ = 0;
};

class PlainStream : public DecodedStream {
 public:
  using DecodedStream::DecodedStream;
  size_t read(char* buffer, size_t size) override {
    if (!have_input()) {
      return 0;
    }
    const std::string_view ready = unread().substr(0, size);
    std::memcpy(buffer, ready.data(), ready.size());
    consume(ready.size());
    delivered_ += ready.size();
    return ready.size();
  }
};

class GzipStream : public DecodedStream {
 public:
  GzipStream() : DecodedStream(nullptr) {
    if (inflateInit2(&zlib_, kGzipWindowBits) != Z_OK) {
      throw Error(ErrorKind::kResource, "zlib cannot start: out of memory");
    }
  }
  ~GzipStream() override { inflateEnd(&zlib_); }

  size_t read(char* buffer, size_t size) override {
    while (!fault_ && size > 0) {
      if (!have_input()) {
        if (inside_) {
          fail("truncated gzip");
        }
        return 0;
      }
      const std::string_view ready = unread();
      if (!inside_ && members_ > 0 && ready[0] == '\0') {  // gzip allows zero bytes after the last member
        consume(1);
        continue;
      }
      inside_ = true;
      zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(ready.data()));
      zlib_.avail_in = static_cast<uInt>(ready.size());
      zlib_.next_out = reinterpret_cast<Bytef*>(buffer);
      zlib_.avail_out = static_cast<uInt>(std::min<size_t>(size, kInputBytes));
      const uInt room = zlib_.avail_out;
      const int code = inflate(&zlib_, Z_NO_FLUSH);
      consume(ready.size() - zlib_.avail_in);
      const size_t written = room - zlib_.avail_out;
      delivered_ += written;
      if (code == Z_STREAM_END) {
        inside_ = false;
        ++members_;
        inflateReset(&zlib_);
      } else if (code != Z_OK && code != Z_BUF_ERROR) {
        fail("corrupt gzip");
      }
      if (written > 0) {
        return written;
      }
    }
    return 0;
  }

 private:
  z_stream zlib_ = {};
  bool inside_ = true;  // in a member, or before the first
  uint64_t members_ = 0;
};

class ZstdStream : public DecodedStream {
 public:
  ZstdStream() : DecodedStream(nullptr), context_(ZSTD_createDCtx()) {
    if (context_ == nullptr) {
      throw Error(ErrorKind::kResource, "zstd cannot start: out of memory");
    }
  }
  ~ZstdStream() override { ZSTD_freeDCtx(context_); }

  size_t read(char* buffer, size_t size) override {
    while (!fault_ && size > 0) {
      const bool more = have_input();
      const std::string_view ready = unread();
      ZSTD_inBuffer in = {ready.data(), ready.size(), 0};
      ZSTD_outBuffer out = {buffer, size, 0};
      if (!more && frame_ended_) {
        return 0;
      }
      const size_t code = ZSTD_decompressStream(context_, &out, &in);
      consume(in.pos);
      delivered_ += out.pos;
      if (ZSTD_isError(code)) {
        fail("corrupt zstd");
      } else if (code == 0) {
        frame_ended_ = true;
      } else {
        frame_ended_ = false;
        if (!more && out.pos == 0) {
          fail("truncated zstd");
        }
      }
      if (out.pos > 0) {
        return out.pos;
      }
    }
    return 0;
  }

 private:
  ZSTD_DCtx* context_;
  bool frame_ended_ = false;
};

uint32_t little_endian_32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && i < bytes.size(); ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

}  // namespace

std::unique_ptr<ByteStream> decoded_stream(std::unique_ptr<ByteStream> raw) {
  auto plain = std::make_unique<PlainStream>(std::move(raw));
  const std::string_view first = plain->peek(4);
  const uint32_t magic = little_endian_32(first);
  std::unique_ptr<DecodedStream> decoder;
  if (first.size() >= 3 && (magic & 0xffffff) == kGzipMagic) {
    decoder = std::make_unique<GzipStream>();
  } else if (first.size() == 4 && (magic == kZstdMagic || (magic & ~0xfu) == kZstdSkippableMagic)) {
    decoder = std::make_unique<ZstdStream>();
  } else {
    return plain;
  }
  plain->move_to(*decoder);
  return decoder;
}

std::unique_ptr<ByteStream> open_raw(const fs::path& path) { return std::make_unique<PlainFile>(path); }

std::unique_ptr<ByteStream> open_stream(const fs::path& path) { return decoded_stream(open_raw(path)); }

std::optional<std::string> read_all(ByteStream& stream, uint64_t limit) {
  std::string all;
  std::string block(kInputBytes, '\0');
  while (const size_t n = stream.read(block.data(), block.size())) {
    if (n > limit - all.size()) {
      return std::nullopt;
    }
    all.append(block, 0, n);
  }
  return all;
}

LineReader::LineReader(ByteStream& stream, uint64_t max_line_bytes)
    : stream_(stream), max_line_bytes_(max_line_bytes), buffer_(kInputBytes, '\0') {}

bool LineReader::fill() {
  if (begin_ > 0) {
    std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
    end_ -= begin_;
    begin_ = 0;
  }
  if (end_ == buffer_.size()) {
    buffer_.resize(buffer_.size() * 2);
  }
  const size_t n = stream_.read(buffer_.data() + end_, buffer_.size() - end_);
  end_ += n;
  return n > 0;
}

bool LineReader::next(Line& line) {
  if (!started_) {
    started_ = true;
    while (end_ < 3 && fill()) {
    }
    if (end_ >= 3 && std::memcmp(buffer_.data(), "\xef\xbb\xbf", 3) == 0) {
      begin_ = 3;
      offset_ = 3;
    }
  }
  size_t searched = begin_;
  while (true) {
    const void* found = std::memchr(buffer_.data() + searched, '\n', end_ - searched);
    const size_t stop = found ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) : end_;
    if (stop - begin_ > max_line_bytes_) {
      return skip_long_line(line);
    }
    if (found) {
      line = {std::string_view(buffer_).substr(begin_, stop - begin_), offset_, offset_ + (stop + 1 - begin_), false};
      offset_ = line.end;
      begin_ = stop + 1;
      return true;
    }
    const size_t unread = end_ - begin_;
    if (!fill()) {
      break;
    }
    searched = begin_ + unread;
  }
  if (begin_ == end_ || stream_.fault()) {
    return false;
  }
  line = {std::string_view(buffer_).substr(begin_, end_ - begin_), offset_, offset_ + (end_ - begin_), false};
  offset_ = line.end;
  begin_ = end_;
  return true;
}

bool LineReader::skip_long_line(Line& line) {
  constexpr size_t kSample = 1024;
  const uint64_t start = offset_;
  sample_ = buffer_.substr(begin_, std::min<size_t>(kSample, end_ - begin_));
  while (true) {
    const void* found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    const size_t stop = found ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) + 1 : end_;
    offset_ += stop - begin_;
    begin_ = stop;
    if (found || !fill()) {
      break;
    }
  }
  line = {sample_, start, offset_, true};
  return true;
}

}  // namespace athanor
