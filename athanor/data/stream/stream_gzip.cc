// gzip (RFC 1952), member by member: a member that fits in the block is decoded at once by libdeflate (two to three
// times zlib's speed, and it checks the CRC before a byte is handed over); a larger or damaged one by zlib.
#include <libdeflate.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "athanor/base/error.h"
#include "athanor/data/stream/stream_decoded.h"

namespace athanor {

namespace {

constexpr int kGzipWindowBits = 15 + 16;  // zlib's way to say: gzip wrapper only
constexpr size_t kGzipBlockBytes = size_t{1} << 20;
constexpr size_t kWholeBytes = size_t{16} << 20;  // a member that decodes to more is read in steps

class GzipStream : public DecodedStream {
 public:
  GzipStream() : DecodedStream(nullptr, kGzipBlockBytes) {
    whole_decoder_ = libdeflate_alloc_decompressor();
    if (whole_decoder_ == nullptr || inflateInit2(&zlib_, kGzipWindowBits) != Z_OK) {
      throw Error(ErrorKind::kResource, "zlib cannot start: out of memory");
    }
  }
  ~GzipStream() override {
    inflateEnd(&zlib_);
    libdeflate_free_decompressor(whole_decoder_);
  }

  size_t read(char* buffer, size_t size) override {
    while (!fault_ && size > 0) {
      if (whole_used_ < whole_bytes_) {
        const size_t n = std::min(size, whole_bytes_ - whole_used_);
        std::memcpy(buffer, whole_.data() + whole_used_, n);
        whole_used_ += n;
        delivered_ += n;
        return n;
      }
      if (!inside_ && !begin_member()) {
        return 0;
      }
      if (inside_) {
        if (const size_t n = inflate_some(buffer, size); n > 0) {
          return n;
        }
      }
    }
    return 0;
  }

  bool recover() override {
    if (!fault_ || fault_->reason != "corrupt gzip") {
      return false;
    }
    if (member_in_block_) {
      begin_ = member_begin_ + 1;  // the damage may have hidden the next member's beginning
    }
    member_in_block_ = false;
    inside_ = false;
    if (!scan_to('\x1f', 4, &is_gzip_start)) {
      return false;
    }
    fault_.reset();
    members_ = 0;  // zero bytes are allowed only behind a whole member
    return true;
  }

 private:
  // False at the end. Afterwards the member is decoded whole, or inside_ says that it is to be inflated in steps.
  bool begin_member() {
    while (true) {
      if (!have_input()) {
        if (members_ == 0) {
          fail("truncated gzip");
        }
        return false;
      }
      if (members_ == 0 || unread()[0] != '\0') {
        break;
      }
      consume(1);  // gzip allows zero bytes after the last member
    }
    begin_frame();
    if (try_whole_ && (decode_whole() || (refill() && decode_whole()))) {
      ++members_;
      return true;
    }
    inside_ = true;
    member_in_block_ = true;
    member_begin_ = begin_;
    inflateReset(&zlib_);
    return true;
  }

  bool decode_whole() {
    whole_used_ = whole_bytes_ = 0;
    if (whole_.empty()) {
      whole_.resize(256 << 10);
    }
    while (true) {
      size_t in = 0, out = 0;
      const std::string_view ready = unread();
      const libdeflate_result code = libdeflate_gzip_decompress_ex(whole_decoder_, ready.data(), ready.size(),
                                                                   whole_.data(), whole_.size(), &in, &out);
      if (code == LIBDEFLATE_SUCCESS) {
        consume(in);
        whole_bytes_ = out;
        return true;
      }
      if (code != LIBDEFLATE_INSUFFICIENT_SPACE || whole_.size() >= kWholeBytes) {
        return false;
      }
      whole_.resize(whole_.size() * 4);
    }
  }

  size_t inflate_some(char* buffer, size_t size) {
    if (begin_ == end_) {
      member_in_block_ = false;
    }
    if (!have_input()) {
      fail("truncated gzip");
      return 0;
    }
    const std::string_view ready = unread();
    zlib_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(ready.data()));
    zlib_.avail_in = static_cast<uInt>(ready.size());
    zlib_.next_out = reinterpret_cast<Bytef*>(buffer);
    zlib_.avail_out = static_cast<uInt>(std::min<size_t>(size, kGzipBlockBytes));
    const uInt room = zlib_.avail_out;
    const int code = inflate(&zlib_, Z_NO_FLUSH);
    consume(ready.size() - zlib_.avail_in);
    const size_t written = room - zlib_.avail_out;
    delivered_ += written;
    if (code == Z_STREAM_END) {
      inside_ = false;
      ++members_;
      // Members too large for the block come in rows: no use to try each one twice.
      try_whole_ = file_position() - frame_.file_offset < kGzipBlockBytes / 2;
    } else if (code != Z_OK && code != Z_BUF_ERROR) {
      fail("corrupt gzip");
    }
    return written;
  }

  libdeflate_decompressor* whole_decoder_ = nullptr;
  z_stream zlib_ = {};
  std::string whole_;  // a member that was decoded at once, [whole_used_, whole_bytes_) to be handed over
  size_t whole_bytes_ = 0;
  size_t whole_used_ = 0;
  bool try_whole_ = true;
  bool inside_ = false;  // within a member that zlib reads
  bool member_in_block_ = false;
  size_t member_begin_ = 0;
  uint64_t members_ = 0;
};

}  // namespace

bool is_gzip_start(std::string_view bytes) {
  return bytes.starts_with("\x1f\x8b\x08") && (bytes.size() < 4 || (static_cast<uint8_t>(bytes[3]) & 0xe0) == 0);
}

std::unique_ptr<DecodedStream> make_gzip_stream() { return std::make_unique<GzipStream>(); }

}  // namespace athanor
