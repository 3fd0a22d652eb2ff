// Private to the streams: what every decoder has.
#pragma once

#include "athanor/data/stream/stream.h"

namespace athanor {

// Raw bytes in blocks before it, a fault of its own or of them.
class DecodedStream : public ByteStream {
 public:
  static constexpr size_t kBlockBytes = 256 << 10;

  DecodedStream(std::unique_ptr<ByteStream> raw, size_t block_bytes = kBlockBytes)
      : raw_(std::move(raw)), block_(block_bytes, '\0') {}

  const std::optional<StreamFault>& fault() const override { return fault_; }
  uint64_t file_position() const override { return raw_->file_position() - (end_ - begin_); }
  StreamFrame frame() const override { return frame_; }
  bool compressed() const override { return true; }

  // The first bytes, up to `size`, without taking them.
  std::string_view peek(size_t size);
  // Begins a decoder with what another one peeked, and the raw bytes after it.
  void take_from(DecodedStream& other);
  // The first decompressed byte counts as this offset.
  void set_offset(uint64_t offset) { delivered_ = frame_.offset = offset; }

 protected:
  std::string_view unread() const { return std::string_view(block_).substr(begin_, end_ - begin_); }
  void consume(size_t bytes) { begin_ += bytes; }
  // True when there is input to work on. A fault of the raw bytes becomes ours.
  bool have_input();
  // Moves the unread bytes to the block's front and fills the rest; false when there is nothing more.
  bool refill();
  void begin_frame() { frame_ = {file_position(), delivered_}; }
  void fail(const std::string& reason);
  // Drops bytes until the unread ones begin with something that `is_start` takes (it is given at least
  // `start_bytes` of them); false at the end.
  bool scan_to(char first, size_t start_bytes, bool (*is_start)(std::string_view bytes));

  std::unique_ptr<ByteStream> raw_;
  std::string block_;
  size_t begin_ = 0;
  size_t end_ = 0;
  std::optional<StreamFault> fault_;
  uint64_t delivered_ = 0;
  StreamFrame frame_;
};

bool is_gzip_start(std::string_view bytes);   // at least 4 bytes
bool is_zstd_start(std::string_view bytes);   // at least 4
bool is_bzip2_start(std::string_view bytes);  // at least 10

std::unique_ptr<DecodedStream> make_gzip_stream();
std::unique_ptr<DecodedStream> make_zstd_stream();
std::unique_ptr<DecodedStream> make_bzip2_stream();

}  // namespace athanor
