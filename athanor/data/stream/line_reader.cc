// Lines with their offsets.
#include <algorithm>

#include "athanor/data/stream/line_reader.h"

namespace athanor {

namespace {

constexpr size_t kLineBlockBytes = 256 << 10;
constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";

}  // namespace

LineReader::LineReader(ByteStream& stream, uint64_t max_line_bytes, uint64_t offset)
    : stream_(stream), max_line_bytes_(max_line_bytes), buffer_(stream, kLineBlockBytes, offset), started_(offset > 0) {}

void LineReader::skip_byte_order_mark() {
  started_ = true;
  while (buffer_.unread().size() < kByteOrderMark.size() && buffer_.fill()) {
  }
  if (buffer_.unread().starts_with(kByteOrderMark)) {
    buffer_.drop(kByteOrderMark.size());
  }
}

void LineReader::take(Line& line, size_t text_bytes, size_t bytes) {
  line = {buffer_.unread().substr(0, text_bytes), offset(), offset() + bytes, false};
  buffer_.drop(bytes);
}

bool LineReader::next(Line& line) {
  if (!started_) {
    skip_byte_order_mark();
  }
  size_t searched = 0;
  while (true) {
    const std::string_view ready = buffer_.unread();
    const size_t found = ready.find('\n', searched);
    const size_t stop = std::min(found, ready.size());
    if (stop > max_line_bytes_) {
      return skip_long_line(line);
    }
    if (found != std::string_view::npos) {
      take(line, stop, stop + 1);
      return true;
    }
    searched = ready.size();
    if (!buffer_.fill()) {
      break;
    }
  }
  const size_t rest = buffer_.unread().size();
  if (rest == 0 || stream_.fault()) {
    return false;
  }
  take(line, rest, rest);
  return true;
}

bool LineReader::recover() {
  if (!stream_.fault() || !stream_.recover()) {
    return false;
  }
  buffer_.drop(buffer_.unread().size());  // the line that the damage cut
  started_ = true;
  return skip_to_line(UINT64_MAX) || stream_.fault().has_value();
}

// Drops all up to the end of the line; false when the stream ends first.
bool LineReader::drop_line(uint64_t limit) {
  while (offset() < limit) {
    const std::string_view ready = buffer_.unread();
    const size_t found = ready.find('\n');
    buffer_.drop(found == std::string_view::npos ? ready.size() : found + 1);
    if (found != std::string_view::npos) {
      return true;
    }
    if (!buffer_.fill()) {
      return false;
    }
  }
  return false;
}

bool LineReader::skip_to_line(uint64_t limit) {
  started_ = true;
  return drop_line(limit) && offset() < limit;
}

bool LineReader::skip_long_line(Line& line) {
  constexpr size_t kSample = 1024;
  const uint64_t begin = offset();
  sample_ = buffer_.unread().substr(0, kSample);
  drop_line(UINT64_MAX);
  line = {sample_, begin, offset(), true};
  return true;
}

}  // namespace athanor
