// Lines with their offsets.
#include <algorithm>
#include <cstring>

#include "athanor/data/stream/stream.h"

namespace athanor {

namespace {

constexpr size_t kLineBlockBytes = 256 << 10;

}  // namespace

LineReader::LineReader(ByteStream& stream, uint64_t max_line_bytes, uint64_t offset)
    : stream_(stream),
      max_line_bytes_(max_line_bytes),
      buffer_(kLineBlockBytes, '\0'),
      offset_(offset),
      started_(offset > 0) {}

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

bool LineReader::recover() {
  if (!stream_.fault() || !stream_.recover()) {
    return false;
  }
  offset_ += end_ - begin_;  // the line that the damage cut
  begin_ = end_ = 0;
  started_ = true;
  return skip_to_line(UINT64_MAX) || stream_.fault().has_value();
}

bool LineReader::skip_to_line(uint64_t limit) {
  started_ = true;
  while (offset_ < limit) {
    if (begin_ == end_ && !fill()) {
      return false;
    }
    const void* found = std::memchr(buffer_.data() + begin_, '\n', end_ - begin_);
    const size_t stop = found ? static_cast<size_t>(static_cast<const char*>(found) - buffer_.data()) + 1 : end_;
    offset_ += stop - begin_;
    begin_ = stop;
    if (found) {
      return offset_ < limit;
    }
  }
  return false;
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
