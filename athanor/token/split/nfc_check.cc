#include "athanor/token/split/nfc_check.h"

#include <algorithm>
#include <array>

#include "athanor/base/unicode_tables.h"
#include "athanor/token/split/read_utf8.h"

namespace athanor::token {

namespace {

constexpr size_t kBlock = 256;
constexpr size_t kPartBytes = 4096;

bool is_plain(char32_t code) {
  const unicode_tables::Record& record = unicode_tables::record_of(code);
  return record.ccc == 0 && (record.quick & 3) == 0;
}

using Bits = std::array<uint64_t, 0x10000 / 64>;  // of the basic plane: plain

Bits make_bits() {
  Bits bits{};
  for (char32_t code = 0; code < 0x10000; ++code) {
    bits[code >> 6] |= uint64_t{is_plain(code)} << (code & 63);
  }
  return bits;
}

// Below U+0300, whose first byte is CC, every character is plain.
bool is_low(std::string_view block) {
  uint8_t highest = 0;
  for (const char c : block) {
    const auto byte = static_cast<uint8_t>(c);
    highest = byte > highest ? byte : highest;
  }
  return highest < 0xCC;
}

}  // namespace

bool is_plainly_nfc(std::string_view text) {
  static const Bits bits = make_bits();
  for (size_t at = 0; at < text.size();) {
    const std::string_view block = text.substr(at, kBlock);
    if (is_low(block)) {
      at += block.size();
      continue;
    }
    const size_t stop = at + block.size();
    while (at < stop) {
      if (static_cast<uint8_t>(text[at]) < 0x80) {
        ++at;
        continue;
      }
      const HighRead read = read_high(text.data() + at, text.size() - at);
      const char32_t code = read.code;
      const bool plain = !read.valid || (code < 0x10000 ? (bits[code >> 6] >> (code & 63) & 1) != 0 : is_plain(code));
      if (!plain) {
        return false;
      }
      at += read.length == 0 ? 1 : static_cast<size_t>(read.length);
    }
  }
  return true;
}

std::string to_nfc_in_parts(std::string_view text, const std::function<std::string(std::string_view)>& nfc) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find('\n', std::min(kPartBytes, text.size())));
    if (is_plainly_nfc(part)) {
      out += part;
    } else {
      out += nfc(part);
    }
    text.remove_prefix(part.size());
  }
  return out;
}

}  // namespace athanor::token
