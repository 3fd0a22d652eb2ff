#include "athanor/token/model/seams.h"

#include <algorithm>

#include "athanor/base/unicode.h"
#include "athanor/token/split/read_utf8.h"

namespace athanor::token {

namespace {

bool continues(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

constexpr size_t kBytesAWide = 96, kFewWide = 8;
constexpr size_t kBlock = 64;

// A character of three bytes or more; E2 begins the quotes and dashes of every language.
bool begins_wide(const char* p) {
  const auto first = static_cast<uint8_t>(p[0]);
  return (first >= 0xE0) & (first <= 0xF4) & (first != 0xE2) & ((p[1] & 0xC0) == 0x80) & ((p[2] & 0xC0) == 0x80);
}

// Three bytes or more, but for the signs from U+2000 on.
bool is_wide(char32_t code) { return code >= 0x3000 || (code >= 0x800 && code < 0x2000); }

// The character that is the whole of bytes, if it is one.
bool is_character(std::string_view bytes, char32_t& code) {
  const char* p = bytes.data();
  bool valid;
  code = decode_utf8(p, bytes.data() + bytes.size(), valid);
  return valid && p == bytes.data() + bytes.size();
}

}  // namespace

Seams::Seams()
    : pairs_((size_t{1} << kPairBits) / 64), byte_pairs_(256 * 256 / 64), characters_(0x10000) {}

void Seams::add(std::string_view token) {
  for (size_t k = 1; k < token.size(); ++k) {
    const auto last = static_cast<uint8_t>(token[k - 1]), first = static_cast<uint8_t>(token[k]);
    if (continues(token[k]) || (last < 0x80 && first < 0x80)) {
      continue;
    }
    size_t begin = k - 1, end = k + 1;
    while (begin > 0 && continues(token[begin])) {
      --begin;
    }
    while (end < token.size() && continues(token[end])) {
      ++end;
    }
    char32_t left, right;
    const bool whole_left = is_character(token.substr(begin, k - begin), left);
    const bool whole_right = is_character(token.substr(k, end - k), right);
    if (whole_left && whole_right) {
      const size_t pair = pair_of(left, right);
      pairs_[pair >> 6] |= uint64_t{1} << (pair & 63);
    } else if (whole_left) {
      characters_[left & 0xFFFF] |= kJoinsNext;
    } else if (whole_right) {
      characters_[right & 0xFFFF] |= kJoinsLast;
    } else {
      const size_t bytes = size_t{last} << 8 | first;
      byte_pairs_[bytes >> 6] |= uint64_t{1} << (bytes & 63);
    }
  }
}

size_t Seams::cut(const char* data, size_t& at, size_t end, size_t* ends, size_t room) const {
  size_t count = 0;
  if (end - at < 4) {  // too short for two characters of which one has three bytes
    ends[0] = at = end;
    return 1;
  }
  char32_t left = 0;
  size_t left_length = 0;  // 0: none, or ill-formed, which joins with all
  for (size_t next = at; next < end;) {
    const auto byte = static_cast<uint8_t>(data[next]);
    const HighRead read = byte < 0x80 ? HighRead{byte, 1, true} : read_high(data + next, end - next);
    const char32_t code = read.code;
    const size_t length = read.valid ? static_cast<size_t>(read.length) : 0;
    if (left_length != 0 && length != 0 && (is_wide(left) || is_wide(code)) &&
        !joined(left, code, static_cast<uint8_t>(data[next - 1]), static_cast<uint8_t>(data[next]))) {
      if (count == room) {
        break;
      }
      ends[count++] = next;
    }
    left = code;
    left_length = length;
    next += length == 0 ? 1 : length;
    if (next >= end && count < room) {
      ends[count++] = end;
    }
  }
  at = count == 0 ? at : ends[count - 1];
  return count;
}

bool Seams::any_in(std::string_view text) {
  const size_t enough = text.size() / kBytesAWide + kFewWide;
  size_t wide = 0;
  for (; text.size() >= kBlock + 2; text.remove_prefix(kBlock)) {
    uint8_t highest = 0;  // loops that a compiler makes vectors of
    for (size_t i = 0; i < kBlock; ++i) {
      highest = std::max(highest, static_cast<uint8_t>(text[i]));
    }
    if (highest < 0xE0) {
      continue;
    }
    uint8_t count = 0;
    for (size_t i = 0; i < kBlock; ++i) {
      count += static_cast<uint8_t>(begins_wide(text.data() + i));
    }
    wide += count;
    if (wide >= enough) {
      return true;
    }
  }
  for (; text.size() >= 3; text.remove_prefix(1)) {
    wide += static_cast<size_t>(begins_wide(text.data()));
  }
  return wide >= enough;
}

}  // namespace athanor::token
