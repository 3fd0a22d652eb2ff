#include "athanor/data/utf8_check.h"

#include <cstdint>
#include <cstring>

namespace athanor {

namespace {

struct Sequence {
  size_t bytes;  // of the character, or of the maximal subpart when it is ill-formed; at least 1
  bool valid;
};

Sequence sequence_at(std::string_view text, size_t at) {
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
  const uint8_t lead = byte(at);
  if (lead < 0x80) {
    return {1, true};
  }
  if (lead < 0xc2 || lead > 0xf4) {
    return {1, false};
  }
  const size_t want = lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
  // Only the second byte's range depends on the lead.
  uint8_t low = 0x80, high = 0xbf;
  if (lead == 0xe0) {
    low = 0xa0;
  } else if (lead == 0xed) {
    high = 0x9f;
  } else if (lead == 0xf0) {
    low = 0x90;
  } else if (lead == 0xf4) {
    high = 0x8f;
  }
  for (size_t i = 1; i < want; ++i) {
    if (at + i >= text.size() || byte(at + i) < low || byte(at + i) > high) {
      return {i, false};
    }
    low = 0x80;
    high = 0xbf;
  }
  return {want, true};
}

}  // namespace

size_t first_invalid_utf8(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    uint64_t word = 0;
    while (at + 8 <= text.size() && (std::memcpy(&word, text.data() + at, 8), (word & 0x8080808080808080ULL) == 0)) {
      at += 8;  // ASCII, eight at a time
    }
    // Then characters one by one, as long as they are not ASCII again for a while.
    for (int i = 0; i < 16 && at < text.size(); ++i) {
      const Sequence sequence = sequence_at(text, at);
      if (!sequence.valid) {
        return at;
      }
      at += sequence.bytes;
    }
  }
  return std::string_view::npos;
}

std::string replace_invalid_utf8(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Sequence sequence = sequence_at(text, at);
    if (sequence.valid) {
      result.append(text.substr(at, sequence.bytes));
    } else {
      result.append("\xef\xbf\xbd");
    }
    at += sequence.bytes;
  }
  return result;
}

std::string_view utf8_prefix(std::string_view text, size_t max_bytes) {
  if (text.size() <= max_bytes) {
    return text;
  }
  size_t end = max_bytes;
  while (end > 0 && (static_cast<uint8_t>(text[end]) & 0xc0) == 0x80) {
    --end;
  }
  return text.substr(0, end);
}

}  // namespace athanor
