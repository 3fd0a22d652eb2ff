#include "athanor/token/split/nfc_check.h"

#include <algorithm>
#include <array>
#include <bit>
#include <utility>

#include "athanor/base/unicode_tables.h"
#include "athanor/token/split/read_utf8.h"

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor::token {

namespace {

constexpr size_t kBlock = 64;
constexpr size_t kPartBytes = 4096;  // handed over at a time
constexpr size_t kNear = 64;         // what lies nearer to the last place is handed over with it

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

// Bytes that may begin a character that is not plain: CC to F4 (all below U+0300 are plain) but for E4 to E9 (U+4000 to
// U+9FFF are), before a continuation (what is ill-formed is left as it stands). One bit each of 64.
uint64_t candidates(const char* p) {
  uint64_t leads = 0, continuations = 0;
#if defined(__SSE2__)
  for (int i = 0; i < 4; ++i) {
    const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + 16 * i));
    const auto among = [bytes, i](uint8_t lowest, uint8_t count) {
      const __m128i moved = _mm_sub_epi8(bytes, _mm_set1_epi8(static_cast<char>(lowest)));
      const __m128i inside = _mm_cmpeq_epi8(_mm_min_epu8(moved, _mm_set1_epi8(static_cast<char>(count - 1))), moved);
      return static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(inside))) << (16 * i);
    };
    leads |= among(0xCC, 0x29) & ~among(0xE4, 6);
    continuations |= among(0x80, 0x40);
  }
#else
  for (int i = 0; i < 64; ++i) {
    const auto byte = static_cast<uint8_t>(p[i]);
    leads |= uint64_t{byte >= 0xCC && byte <= 0xF4 && (byte < 0xE4 || byte > 0xE9)} << i;
    continuations |= uint64_t{byte >= 0x80 && byte <= 0xBF} << i;
  }
#endif
  return leads & (continuations >> 1 | uint64_t{1} << 63);
}

// Of the character at `at`: its bytes (of an ill-formed one too), and whether it is plain.
std::pair<size_t, bool> look_at(std::string_view text, size_t at) {
  static const Bits bits = make_bits();
  if (static_cast<uint8_t>(text[at]) < 0x80) {
    return {1, true};
  }
  const HighRead read = read_high(text.data() + at, text.size() - at);
  const char32_t code = read.code;
  const bool plain = !read.valid || (code < 0x10000 ? (bits[code >> 6] >> (code & 63) & 1) != 0 : is_plain(code));
  return {read.length == 0 ? text.size() - at : static_cast<size_t>(read.length), plain};
}

// The beginning of the character that ends at `at`, or `at` when what stands before it is ill-formed: it joins nothing.
size_t before(std::string_view text, size_t at) {
  for (size_t begin = at; begin > 0 && at - begin < 4;) {
    --begin;
    if ((static_cast<uint8_t>(text[begin]) & 0xC0) != 0x80) {
      const char* p = text.data() + begin;
      bool valid;
      decode_utf8(p, text.data() + at, valid);
      return valid && p == text.data() + at ? begin : at;
    }
  }
  return at;
}

// By mark of U+0300 to U+033F: the ASCII characters that it composes with. No other mark does with any.
constexpr char32_t kFirstMark = 0x300, kLastMark = 0x33F;
using AsciiPairs = std::array<std::array<uint64_t, 2>, kLastMark - kFirstMark + 1>;

AsciiPairs make_ascii_pairs() {
  AsciiPairs pairs{};
  for (size_t i = 0; i < unicode_tables::kNumCompositions; ++i) {
    const unicode_tables::Composition& entry = unicode_tables::kCompositions[i];
    if (entry.first < 0x80 && entry.second >= kFirstMark && entry.second <= kLastMark) {
      pairs[entry.second - kFirstMark][entry.first >> 6] |= uint64_t{1} << (entry.first & 63);
    }
  }
  return pairs;
}

// Whether the character at `at`, which is not plain, is surely in NFC all the same: it may stand alone, a plain one or
// none follows, and what it stands behind is an ASCII character that it does not compose with, or ill-formed.
bool stays(std::string_view text, size_t at) {
  static const AsciiPairs pairs = make_ascii_pairs();
  const HighRead read = read_high(text.data() + at, text.size() - at);
  const size_t next = at + static_cast<size_t>(read.length);
  if (!read.valid || (unicode_tables::record_of(read.code).quick & 3) == 2 ||
      (next < text.size() && !look_at(text, next).second)) {
    return false;
  }
  if (at == 0 || static_cast<uint8_t>(text[at - 1]) >= 0x80) {
    return before(text, at) == at;
  }
  const auto last = static_cast<uint8_t>(text[at - 1]);
  const bool among = read.code >= kFirstMark && read.code <= kLastMark;
  return !among || (pairs[read.code - kFirstMark][last >> 6] >> (last & 63) & 1) == 0;
}

// The first character in [at, end) that may change; `end` when there is none. A character begins at `at`.
size_t find_not_plain(std::string_view text, size_t at, size_t end) {
  while (end - at >= kBlock) {
    for (uint64_t left = candidates(text.data() + at); left != 0; left &= left - 1) {
      const size_t found = at + static_cast<size_t>(std::countr_zero(left));
      if (!look_at(text, found).second && !stays(text, found)) {
        return found;
      }
    }
    at += kBlock;
  }
  for (; at < end; ++at) {
    if (static_cast<uint8_t>(text[at]) >= 0xCC && !look_at(text, at).second && !stays(text, at)) {
      return at;
    }
  }
  return end;
}

// The plain character that ends the part [begin, ...), in which the character at `at` is not plain.
size_t end_of_part(std::string_view text, size_t begin, size_t at) {
  while (at < text.size()) {
    const auto [length, plain] = look_at(text, at);
    if (plain) {
      const size_t limit = at - begin < kPartBytes ? std::min(text.size(), at + kNear) : at;
      const size_t next = find_not_plain(text, at, limit);
      if (next == limit) {
        return at;
      }
      at = next;
    } else {
      at += length;
    }
  }
  return at;
}

}  // namespace

bool is_plainly_nfc(std::string_view text) { return find_not_plain(text, 0, text.size()) == text.size(); }

std::string to_nfc_in_parts(std::string_view text, const std::function<std::string(std::string_view)>& nfc) {
  std::string out;
  out.reserve(text.size() + text.size() / 8);
  size_t done = 0;
  for (size_t found = 0; (found = find_not_plain(text, done, text.size())) != text.size();) {
    const size_t begin = before(text, found);
    const size_t end = end_of_part(text, begin, found);
    out += text.substr(done, begin - done);
    out += nfc(text.substr(begin, end - begin));
    done = end;
  }
  out += text.substr(done);
  return out;
}

}  // namespace athanor::token
