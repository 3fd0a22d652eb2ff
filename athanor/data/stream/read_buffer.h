// The unread bytes of a stream with their offset, for readers that look ahead: lines, records of web archives.
//
//   ReadBuffer buffer(stream, 256 << 10);
//   while (buffer.unread().find('\n') == std::string_view::npos && buffer.fill()) {}
//   use(buffer.unread()); buffer.drop(n);
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "athanor/data/stream/stream.h"

namespace athanor {

class ReadBuffer {
 public:
  // offset: of the stream's next byte. The buffer holds block_bytes, and grows when the unread bytes fill it.
  ReadBuffer(ByteStream& stream, size_t block_bytes, uint64_t offset)
      : stream_(stream), bytes_(block_bytes, '\0'), offset_(offset) {}

  // Reads more behind the unread bytes; false at the end or at a fault. Moves them: views are no longer valid.
  bool fill();
  // Valid until the next fill().
  std::string_view unread() const { return std::string_view(bytes_).substr(begin_, end_ - begin_); }
  // The first n unread bytes are read.
  void drop(size_t n) {
    begin_ += n;
    offset_ += n;
  }
  uint64_t offset() const { return offset_; }  // of the first unread byte
  // Whether the byte before the unread ones is still known, and is c.
  bool follows(char c) const { return begin_ > 0 && bytes_[begin_ - 1] == c; }

 private:
  ByteStream& stream_;
  std::string bytes_;
  size_t begin_ = 0;  // unread: bytes_[begin_, end_)
  size_t end_ = 0;
  uint64_t offset_;
};

}  // namespace athanor
