// Zstandard (RFC 8878) and bzip2.
#include <bzlib.h>
#include <zstd.h>

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/data/stream/stream_decoded.h"

namespace athanor {

namespace {

constexpr uint32_t kZstdMagic = 0xfd2fb528;
constexpr uint32_t kZstdSkippableMagic = 0x184d2a50;  // the low 4 bits are free

uint32_t little_endian_32(std::string_view bytes) {
  uint32_t value = 0;
  for (size_t i = 0; i < 4 && i < bytes.size(); ++i) {
    value |= static_cast<uint32_t>(static_cast<uint8_t>(bytes[i])) << (8 * i);
  }
  return value;
}

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
      if (!more && frame_ended_) {
        return 0;
      }
      if (frame_ended_) {
        begin_frame();
      }
      const std::string_view ready = unread();
      ZSTD_inBuffer in = {ready.data(), ready.size(), 0};
      ZSTD_outBuffer out = {buffer, size, 0};
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

  bool recover() override {
    if (!fault_ || fault_->reason != "corrupt zstd") {
      return false;
    }
    if (!scan_to('\x28', 4, [](std::string_view bytes) { return little_endian_32(bytes) == kZstdMagic; })) {
      return false;
    }
    ZSTD_DCtx_reset(context_, ZSTD_reset_session_only);
    fault_.reset();
    frame_ended_ = true;
    return true;
  }

 private:
  ZSTD_DCtx* context_;
  bool frame_ended_ = true;
};

class Bzip2Stream : public DecodedStream {
 public:
  Bzip2Stream() : DecodedStream(nullptr) {}
  ~Bzip2Stream() override { end(); }

  size_t read(char* buffer, size_t size) override {
    while (!fault_ && size > 0) {
      if (!have_input()) {
        if (inside_) {
          fail("truncated bzip2");
        }
        return 0;
      }
      if (!inside_ && !begin()) {
        return 0;
      }
      const std::string_view ready = unread();
      bzip2_.next_in = const_cast<char*>(ready.data());
      bzip2_.avail_in = static_cast<unsigned>(ready.size());
      bzip2_.next_out = buffer;
      bzip2_.avail_out = static_cast<unsigned>(std::min<size_t>(size, kBlockBytes));
      const unsigned room = bzip2_.avail_out;
      const int code = BZ2_bzDecompress(&bzip2_);
      consume(ready.size() - bzip2_.avail_in);
      const size_t written = room - bzip2_.avail_out;
      delivered_ += written;
      if (code == BZ_STREAM_END) {
        end();
      } else if (code != BZ_OK) {
        fail("corrupt bzip2");
      }
      if (written > 0) {
        return written;
      }
    }
    return 0;
  }

  bool recover() override {
    if (!fault_ || fault_->reason != "corrupt bzip2") {
      return false;
    }
    end();
    if (!scan_to('B', 10, &is_bzip2_start)) {
      return false;
    }
    fault_.reset();
    return true;
  }

 private:
  bool begin() {
    begin_frame();
    bzip2_ = {};
    const int code = BZ2_bzDecompressInit(&bzip2_, /*verbosity=*/0, /*small=*/0);
    if (code != BZ_OK) {
      throw Error(ErrorKind::kResource, "bzip2 cannot start: out of memory");
    }
    inside_ = true;
    return true;
  }
  void end() {
    if (inside_) {
      BZ2_bzDecompressEnd(&bzip2_);
      inside_ = false;
    }
  }

  bz_stream bzip2_ = {};
  bool inside_ = false;
};

}  // namespace

bool is_zstd_start(std::string_view bytes) {
  const uint32_t magic = little_endian_32(bytes);
  return magic == kZstdMagic || (magic & ~0xfu) == kZstdSkippableMagic;
}

bool is_bzip2_start(std::string_view bytes) {
  return bytes.starts_with("BZh") && bytes[3] >= '1' && bytes[3] <= '9' &&
         (bytes.substr(4, 6) == "\x31\x41\x59\x26\x53\x59" || bytes.substr(4, 6) == "\x17\x72\x45\x38\x50\x90");
}

std::unique_ptr<DecodedStream> make_zstd_stream() { return std::make_unique<ZstdStream>(); }
std::unique_ptr<DecodedStream> make_bzip2_stream() { return std::make_unique<Bzip2Stream>(); }

}  // namespace athanor
