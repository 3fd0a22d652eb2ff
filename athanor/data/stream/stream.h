// Bytes pulled from a file that may be gzip, Zstandard or bzip2 inside, told by its magic bytes and not by its name.
// Damage is a value: what came before it is delivered, then fault() says what and where, and recover() goes on at
// the next gzip member, zstd frame or bzip2 stream. Memory is bounded.
//
//   auto stream = open_stream("a.jsonl.zst");
//   LineReader lines(*stream);
//   Line line;
//   while (lines.next(line)) { ... }
//   if (stream->fault()) { ... }
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "athanor/base/file.h"

namespace athanor {

struct StreamFault {
  std::string reason;   // "truncated" or "corrupt" with "gzip", "zstd" or "bzip2"
  uint64_t offset = 0;  // decompressed bytes delivered before it
};

// Where decompression can begin anew: the start of a gzip member, zstd frame or bzip2 stream.
struct StreamFrame {
  uint64_t file_offset = 0;
  uint64_t offset = 0;  // decompressed bytes before it
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  // Up to size bytes into buffer; 0 at the end or at a fault. A failing disk is an Error(kInput).
  virtual size_t read(char* buffer, size_t size) = 0;
  virtual const std::optional<StreamFault>& fault() const = 0;
  virtual uint64_t file_position() const = 0;  // bytes of the file consumed: for progress

  // After a fault: goes on at the next frame that may be one, true when there is one. Offsets then go on from the
  // bytes delivered, as if the damaged part were not there.
  virtual bool recover() { return false; }
  // The frame that the bytes of the last read() belong to; a read never crosses into another one. Bytes as they are
  // count as one frame.
  virtual StreamFrame frame() const { return {}; }
  virtual bool compressed() const { return false; }
};

// Multi-member gzip, multi-frame and skippable-frame zstd (windows up to 128 MB), bzip2, or the bytes as they are.
std::unique_ptr<ByteStream> open_stream(const fs::path& path);
// The same, from `offset` of the decompressed bytes on: `frame` is one that begins at or before it.
std::unique_ptr<ByteStream> open_stream_at(const fs::path& path, const StreamFrame& frame, uint64_t offset);
// Whether the file is compressed, by its first bytes.
bool is_compressed(const fs::path& path);
// The same over bytes that come from elsewhere, for example a member of a tar file.
std::unique_ptr<ByteStream> decoded_stream(std::unique_ptr<ByteStream> raw);
// The file's bytes as they are, from `offset` on.
std::unique_ptr<ByteStream> open_raw(const fs::path& path, uint64_t offset = 0);

// All bytes of the stream up to limit; nullopt when there are more.
std::optional<std::string> read_all(ByteStream& stream, uint64_t limit);

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
  uint64_t offset() const { return offset_; }  // where the next line begins
  // After the end: when the stream ended in a fault that it recovers from, goes on at the first line that begins
  // after the gap, and says true.
  bool recover();
  // Goes on at the first line that begins at or after offset() + 1; false when there is none before `limit`.
  bool skip_to_line(uint64_t limit);

 private:
  bool fill();  // more bytes behind the unread ones; false at the end
  bool skip_long_line(Line& line);

  ByteStream& stream_;
  uint64_t max_line_bytes_;
  std::string buffer_;
  size_t begin_ = 0;     // unread bytes are buffer_[begin_, end_)
  size_t end_ = 0;
  uint64_t offset_ = 0;  // of buffer_[begin_]
  bool started_ = false;
  std::string sample_;  // how a line that is too long begins
};

}  // namespace athanor
