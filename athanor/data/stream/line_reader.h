// Lines of a stream with their offsets, each bounded in length.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "athanor/data/stream/read_buffer.h"
#include "athanor/data/stream/stream.h"

namespace athanor {

struct Line {
  std::string_view text;  // without its newline; valid until the next call
  uint64_t begin = 0;     // offsets in the decompressed bytes; end lies past the newline
  uint64_t end = 0;
  bool too_long = false;  // text is only the first bytes of it
};

// Cuts at "\n"; a "\r" before it stays in the text. A byte order mark at the very beginning is skipped. A last
// line without newline counts, unless the stream ended in a fault: then it is not known to be whole.
class LineReader {
 public:
  static constexpr uint64_t kMaxLineBytes = uint64_t{64} << 20;
  // `offset`: of the stream's next byte, which begins a line.
  explicit LineReader(ByteStream& stream, uint64_t max_line_bytes = kMaxLineBytes, uint64_t offset = 0);

  bool next(Line& line);
  uint64_t offset() const { return buffer_.offset(); }  // where the next line begins
  // After the end: when the stream ended in a fault that it recovers from, goes on at the first line that begins
  // after the gap, and says true.
  bool recover();
  // Goes on at the first line that begins at or after offset() + 1; false when there is none before `limit`.
  bool skip_to_line(uint64_t limit);

 private:
  void skip_byte_order_mark();
  void take(Line& line, size_t text_bytes, size_t bytes);
  bool drop_line(uint64_t limit);
  bool skip_long_line(Line& line);

  ByteStream& stream_;
  uint64_t max_line_bytes_;
  ReadBuffer buffer_;
  bool started_ = false;
  std::string sample_;  // how a line that is too long begins
};

}  // namespace athanor
