#include "athanor/data/web/warc.h"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace athanor {

namespace {

constexpr size_t kBlockBytes = size_t{1} << 20;
constexpr size_t kSampleBytes = 200;
constexpr std::string_view kMagic = "WARC/";

const char* fault_name(const std::string& reason) {
  for (const char* known : {"truncated gzip", "corrupt gzip", "truncated zstd", "corrupt zstd", "truncated bzip2",
                            "corrupt bzip2", "truncated tar"}) {
    if (reason == known) {
      return known;
    }
  }
  return "damaged stream";
}

}  // namespace

WarcReader::WarcReader(ByteStream& stream, uint64_t offset)
    : stream_(stream), buffer_(stream, kBlockBytes, offset) {}

bool WarcReader::fill() {
  if (!buffer_.fill()) {
    return false;
  }
  const StreamFrame frame = stream_.frame();
  if (frames_.empty() || frame.offset > frames_.back().offset) {
    frames_.push_back(frame);
  }
  return true;
}

bool WarcReader::have(size_t bytes) {
  while (unread().size() < bytes) {
    if (!fill()) {
      return false;
    }
  }
  return true;
}

void WarcReader::drop(size_t bytes) {
  buffer_.drop(bytes);
  while (frames_.size() > 1 && frames_[1].offset <= offset()) {
    frames_.pop_front();
  }
}

bool WarcReader::skip_blank_lines() {
  while (true) {
    const std::string_view ready = unread();
    const size_t found = ready.find_first_not_of("\r\n");
    drop(std::min(found, ready.size()));
    if (found != std::string_view::npos) {
      return true;
    }
    if (!fill()) {
      return false;
    }
  }
}

// Drops `skip` bytes, and then all up to the next place that looks like a record's beginning: a line with the magic,
// or a gzip member with it.
void WarcReader::resync(size_t skip) {
  drop(std::min(skip, unread().size()));
  while (true) {
    const std::string_view ready = unread();
    const size_t found = ready.find(kMagic);
    if (found != std::string_view::npos) {
      const uint64_t place = offset() + found;
      const bool at_frame = std::any_of(frames_.begin(), frames_.end(),
                                        [&](const StreamFrame& frame) { return frame.offset == place; });
      if (at_frame || (found > 0 ? ready[found - 1] == '\n' : buffer_.follows('\n'))) {
        drop(found);
        return;
      }
      drop(found + 1);
      continue;
    }
    drop(ready.size() - std::min(ready.size(), kMagic.size() + 1));  // a magic cut in two, and the byte before it
    if (!fill()) {
      drop(unread().size());
      return;
    }
  }
}

bool WarcReader::fail(WarcRecord& record, const char* problem, size_t skip) {
  record.problem = problem;
  record.payload = {};
  record.sample = std::string(unread().substr(0, kSampleBytes));
  resync(skip);
  record.end = offset();
  return true;
}

bool WarcReader::next(WarcRecord& record) {
  record.headers.clear();
  record.payload = {};
  record.problem = nullptr;
  record.sample.clear();
  if (skip_blank_lines()) {
    return read_record(record);
  }
  if (ended_ || !stream_.fault()) {
    return false;
  }
  record.begin = record.end = offset();
  record.problem = fault_name(stream_.fault()->reason);
  ended_ = !stream_.recover();
  return true;
}

// What follows a whole record: blank lines, then the end or another record.
bool WarcReader::check_end(size_t record_bytes) {
  size_t at = record_bytes;
  while (true) {
    if (!have(at + 1)) {
      return true;
    }
    const char c = unread()[at];
    if (c != '\r' && c != '\n') {
      break;
    }
    ++at;
  }
  have(at + kMagic.size());
  const std::string_view rest = unread().substr(at, kMagic.size());
  return kMagic.starts_with(rest);
}

void WarcReader::skip_large(WarcRecord& record, uint64_t length) {
  record.problem = "WARC record too large";
  record.sample = std::string(unread().substr(0, kSampleBytes));
  while (length > 0) {
    if (unread().empty() && !fill()) {
      break;
    }
    const size_t n = static_cast<size_t>(std::min<uint64_t>(length, unread().size()));
    drop(n);
    length -= n;
  }
  record.end = offset();
}

bool WarcReader::read_record(WarcRecord& record) {
  record.begin = offset();
  record.file_offset = stream_.compressed() && !frames_.empty() ? frames_.front().file_offset : offset();
  have(kMagic.size());
  if (!unread().starts_with(kMagic)) {
    return fail(record, "not a WARC record", 1);
  }
  size_t header_bytes = 0;
  while (!parse_headers(unread().substr(0, kMaxHeaderBytes), record.headers, header_bytes)) {
    if (unread().size() >= kMaxHeaderBytes) {
      return fail(record, "broken WARC header", 1);
    }
    if (!fill()) {
      return fail(record, stream_.fault() ? "truncated WARC record" : "broken WARC header", 1);
    }
  }
  const std::string_view digits = record.header("content-length");
  uint64_t length = 0;
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), length);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() ||
      length > uint64_t{1} << 62) {
    return fail(record, "wrong Content-Length", header_bytes);
  }
  if (length > kMaxRecordBytes) {
    skip_large(record, header_bytes + length);
    return true;
  }
  const size_t bytes = header_bytes + static_cast<size_t>(length);
  if (!have(bytes)) {
    return fail(record, "truncated WARC record", header_bytes);
  }
  // A gzip member that begins like a record within this one: the length is not this record's.
  for (const StreamFrame& frame : frames_) {
    if (frame.offset >= offset() + bytes) {
      break;
    }
    if (frame.offset > offset() &&
        unread().substr(static_cast<size_t>(frame.offset - offset())).starts_with(kMagic)) {
      return fail(record, "wrong Content-Length", header_bytes);
    }
  }
  if (!check_end(bytes)) {
    return fail(record, "wrong Content-Length", header_bytes);
  }
  record.payload = unread().substr(header_bytes, static_cast<size_t>(length));
  record.end = offset() + bytes;
  drop(bytes);
  return true;
}

}  // namespace athanor
