// Bytes pulled from a file that may be gzip, Zstandard or bzip2 inside, told by its magic bytes and not by its name.
// Damage is a value: what came before it is delivered, then fault() says what and where, and recover() goes on at
// the next gzip member, zstd frame or bzip2 stream. Memory is bounded.
//
//   auto stream = open_stream("a.jsonl.zst");
//   LineReader lines(*stream);                   // line_reader.h
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

}  // namespace athanor
