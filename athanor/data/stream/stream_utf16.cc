#include "athanor/data/stream/stream_utf16.h"

#include <algorithm>
#include <cstring>

#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr size_t kBlockBytes = 64 << 10;
constexpr char kNoText = '\xff';  // stands in no UTF-8

bool is_high(uint16_t unit) { return unit >= 0xd800 && unit < 0xdc00; }
bool is_low(uint16_t unit) { return unit >= 0xdc00 && unit < 0xe000; }

}  // namespace

void Utf16Stream::read_mark() {
  in_.resize(2);
  size_t got = 0;
  while (got < 2) {
    const size_t more = raw_.read(in_.data() + got, 2 - got);
    if (more == 0) {
      break;
    }
    got += more;
  }
  in_.resize(got);
  mark_ = in_ == "\xff\xfe" ? Mark::kLittle : in_ == "\xfe\xff" ? Mark::kBig : Mark::kNone;
  if (mark_ == Mark::kNone) {
    out_ = in_;
  }
  in_.clear();
}

void Utf16Stream::drop_half() {
  if (half_ != 0) {
    out_ += kNoText;
    half_ = 0;
  }
}

void Utf16Stream::take_unit(uint16_t unit) {
  if (is_low(unit) && half_ != 0) {
    append_utf8(out_, 0x10000 + ((static_cast<char32_t>(half_) - 0xd800) << 10) + (unit - 0xdc00));
    half_ = 0;
    return;
  }
  drop_half();
  if (is_high(unit)) {
    half_ = unit;
  } else if (is_low(unit)) {
    out_ += kNoText;
  } else {
    append_utf8(out_, unit);
  }
}

// Decodes one more block; false when nothing comes of it.
bool Utf16Stream::refill() {
  out_.clear();
  at_ = 0;
  while (out_.empty()) {
    const size_t held = in_.size();
    in_.resize(held + kBlockBytes);
    const size_t got = raw_.read(in_.data() + held, kBlockBytes);
    in_.resize(held + got);
    if (got == 0) {
      if (!raw_.fault()) {
        drop_half();
        out_ += in_.empty() ? "" : std::string(1, kNoText);
      }
      in_.clear();
      return !out_.empty();
    }
    const size_t low = mark_ == Mark::kLittle ? 0 : 1;
    size_t i = 0;
    for (; i + 1 < in_.size(); i += 2) {
      const auto byte = [&](size_t at) { return static_cast<uint16_t>(static_cast<unsigned char>(in_[at])); };
      take_unit(static_cast<uint16_t>(byte(i + low) | byte(i + 1 - low) << 8));
    }
    in_.erase(0, i);
  }
  return true;
}

size_t Utf16Stream::read(char* buffer, size_t size) {
  if (mark_ == Mark::kUnread) {
    read_mark();
  }
  if (at_ == out_.size() && !(decodes() && refill())) {
    return decodes() ? 0 : raw_.read(buffer, size);
  }
  const size_t count = std::min(size, out_.size() - at_);
  std::memcpy(buffer, out_.data() + at_, count);
  at_ += count;
  return count;
}

}  // namespace athanor
