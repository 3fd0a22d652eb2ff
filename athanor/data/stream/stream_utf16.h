// UTF-16 that a byte order mark tells (as spreadsheets write "Unicode text") read as UTF-8; other bytes as they are. In blocks,
// so memory is bounded; offsets of what reads from it are those of the UTF-8 without the mark.
//
//   Utf16Stream stream(*raw);                    // raw outlives it
//   LineReader lines(stream);
//
// What is no UTF-16 (half of a surrogate pair, a last odd byte) comes out as bytes that are no UTF-8, for the reader to reject
// its row.
#pragma once

#include "athanor/data/stream/stream.h"

namespace athanor {

class Utf16Stream : public ByteStream {
 public:
  explicit Utf16Stream(ByteStream& raw) : raw_(raw) {}

  size_t read(char* buffer, size_t size) override;
  const std::optional<StreamFault>& fault() const override { return raw_.fault(); }
  uint64_t file_position() const override { return raw_.file_position(); }
  // Behind a gap nobody knows which byte of a pair comes first: UTF-16 does not go on.
  bool recover() override { return !decodes() && raw_.recover(); }
  StreamFrame frame() const override { return raw_.frame(); }
  bool compressed() const override { return raw_.compressed(); }

  // Whether it was UTF-16, after the first read().
  bool decodes() const { return mark_ == Mark::kLittle || mark_ == Mark::kBig; }

 private:
  enum class Mark { kUnread, kNone, kLittle, kBig };

  void read_mark();
  bool refill();
  void take_unit(uint16_t unit);
  void drop_half();

  ByteStream& raw_;
  Mark mark_ = Mark::kUnread;
  std::string in_;       // raw bytes not decoded: at most one, behind a block
  std::string out_;      // decoded, from at_ on
  size_t at_ = 0;
  uint16_t half_ = 0;    // the first of a surrogate pair
};

}  // namespace athanor
