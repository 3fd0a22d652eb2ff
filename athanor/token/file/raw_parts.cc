#include "athanor/token/file/raw_parts.h"

#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace athanor::token {

namespace {

bool is_white(char c) { return c == ' ' || c == '\n' || c == '\r' || c == '\t'; }

// Eight bytes at a time: whether one of them is a quote, a backslash or a control character.
bool ends_run(uint64_t word) {
  constexpr uint64_t kOnes = 0x0101010101010101ULL, kHighs = 0x8080808080808080ULL;
  const auto has_zero = [](uint64_t v) { return (v - kOnes) & ~v & kHighs; };
  const uint64_t control = (word - kOnes * 0x20) & ~word & kHighs;
  return (has_zero(word ^ (kOnes * '"')) | has_zero(word ^ (kOnes * '\\')) | control) != 0;
}

// From p inside a string to its quote, the first backslash or control character; end when there is none.
const char* run_of_string(const char* p, const char* end) {
  uint64_t word;
  for (; end - p >= 8; p += 8) {
    std::memcpy(&word, p, 8);
    if (ends_run(word)) {
      break;
    }
  }
  while (p != end && *p != '"' && *p != '\\' && static_cast<uint8_t>(*p) >= 0x20) {
    ++p;
  }
  return p;
}

// Past the string whose first quote is at p; end when it has no second one.
const char* skip_string(const char* p, const char* end) {
  for (++p; p != end; ++p) {
    p = run_of_string(p, end);
    if (p == end || *p == '"') {
      return p == end ? end : p + 1;
    }
    p += *p == '\\' && end - p > 1 ? 1 : 0;
  }
  return end;
}

// Bit i: byte i of the 64 at p is one of the two.
uint64_t either(const char* p, char a, char b) {
  uint64_t mask = 0;
#if defined(__SSE2__)
  for (int i = 0; i < 64; i += 16) {
    const __m128i v = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + i));
    const __m128i found = _mm_or_si128(_mm_cmpeq_epi8(v, _mm_set1_epi8(a)), _mm_cmpeq_epi8(v, _mm_set1_epi8(b)));
    mask |= static_cast<uint64_t>(static_cast<uint32_t>(_mm_movemask_epi8(found))) << i;
  }
#else
  for (int i = 0; i < 64; ++i) {
    mask |= static_cast<uint64_t>(p[i] == a || p[i] == b) << i;
  }
#endif
  return mask;
}

// From p, outside strings and inside `depth` brackets, over blocks of 64 bytes that have no backslash and do not close
// them all. Then p may be inside a string.
const char* skip_blocks(const char* p, const char* end, int& depth, bool& in_string) {
  uint64_t carry = 0;
  for (; end - p >= 64; p += 64) {
    uint64_t inside = either(p, '"', '"');
    for (int shift = 1; shift < 64; shift *= 2) {
      inside ^= inside << shift;  // from each quote to the one after it
    }
    inside ^= carry;
    const int closed = std::popcount(either(p, '}', ']') & ~inside);
    if (closed >= depth || either(p, '\\', '\\') != 0) {
      break;
    }
    depth += std::popcount(either(p, '{', '[') & ~inside) - closed;
    carry = inside >> 63 != 0 ? ~uint64_t{0} : 0;
  }
  in_string = carry != 0;
  return p;
}

// Past the value at p, whatever it is: by brackets alone.
const char* skip_value(const char* p, const char* end) {
  int depth = 0;
  const char* next_try = p;
  while (p != end) {
    if (depth > 0 && p >= next_try) {
      bool in_string = false;
      p = skip_blocks(p, end, depth, in_string);
      p = in_string ? skip_string(p - 1, end) : p;
      next_try = p + 64;
      continue;
    }
    if (*p == '"') {
      p = skip_string(p, end);
    } else if (*p == '{' || *p == '[') {
      ++depth;
      ++p;
    } else if (*p == '}' || *p == ']') {
      if (--depth < 0) {
        return p;
      }
      ++p;
    } else if (depth == 0 && *p == ',') {
      return p;
    } else {
      ++p;
      continue;
    }
    if (depth == 0) {
      return p;
    }
  }
  return end;
}

// Calls member(name, value begin) for each member of the object at p, which gives where the value ends.
template <class Member>
const char* walk_object(const char* p, const char* end, Member&& member) {
  for (++p; p != end && *p != '}';) {
    if (*p != '"') {
      ++p;
      continue;
    }
    const char* const name = p + 1;
    p = skip_string(p, end);
    const std::string_view text(name, p > name ? static_cast<size_t>(p - name) - 1 : 0);
    while (p != end && (is_white(*p) || *p == ':')) {
      ++p;
    }
    p = p == end ? p : member(text, p);
  }
  return p == end ? p : p + 1;
}

}  // namespace

std::optional<std::string> take_raw_parts(std::string_view text, RawParts& parts) {
  const char* const end = text.data() + text.size();
  const char* p = text.data();
  while (p != end && is_white(*p)) {
    ++p;
  }
  if (p == end || *p != '{') {
    return std::nullopt;
  }
  int times = 0;  // of each member: a file that has one twice is for the JSON library
  const auto take = [&](const char* value, char open, RawValue& part) {
    const char* const after = skip_value(value, end);
    if (*value == open) {
      ++times;
      part.text = std::string_view(value, static_cast<size_t>(after - value));
    }
    return after;
  };
  walk_object(p, end, [&](std::string_view name, const char* value) {
    if (name != "model" || *value != '{') {
      return skip_value(value, end);
    }
    return walk_object(value, end, [&](std::string_view field, const char* inner) {
      return field == "vocab"    ? take(inner, '{', parts.vocab)
             : field == "merges" ? take(inner, '[', parts.merges)
                                 : skip_value(inner, end);
    });
  });
  const std::string_view vocab = parts.vocab.text, merges = parts.merges.text;
  if (times != (merges.empty() ? 1 : 2) || vocab.empty() || (!merges.empty() && merges.data() < vocab.data())) {
    parts = {};
    return std::nullopt;
  }
  parts.whole = text;
  std::string rest(text.data(), vocab.data());
  rest += "{}";
  rest.append(vocab.data() + vocab.size(), merges.empty() ? end : merges.data());
  if (!merges.empty()) {
    rest += "[]";
    rest.append(merges.data() + merges.size(), end);
  }
  return rest;
}

void RawWalk::skip_white() {
  while (p_ != end_ && is_white(*p_)) {
    ++p_;
  }
}

bool RawWalk::take(char c) {
  skip_white();
  if (p_ == end_ || *p_ != c) {
    return false;
  }
  ++p_;
  return true;
}

// Before an entry: the bracket, or the comma. False at the end.
bool RawWalk::begin_entry(char open, char close) {
  if (!begun_) {
    begun_ = true;
    if (!take(open)) {
      return fail();
    }
    skip_white();
    if (p_ == end_ || *p_ != close) {
      return true;
    }
  } else if (take(',')) {
    return true;
  }
  if (!take(close)) {
    return fail();
  }
  skip_white();
  return p_ == end_ ? false : fail();
}

bool RawWalk::string(std::string& scratch, std::string_view& out) {
  if (!take('"')) {
    return fail();
  }
  const char* const begin = p_;
  p_ = run_of_string(p_, end_);
  if (p_ == end_ || static_cast<uint8_t>(*p_) < 0x20) {
    return fail();
  }
  out = std::string_view(begin, static_cast<size_t>(p_ - begin));
  if (*p_ == '"') {
    ++p_;
    return true;
  }
  scratch = out;
  return escaped(scratch, out);
}

// The rest of a string from its first backslash on.
bool RawWalk::escaped(std::string& scratch, std::string_view& out) {
  constexpr std::string_view kNames = "\"\\/bfnrt", kValues = "\"\\/\b\f\n\r\t";
  while (p_ != end_ && *p_ == '\\' && end_ - p_ >= 2) {
    const size_t which = kNames.find(p_[1]);
    if (which == std::string_view::npos) {
      return fail();  // \u: for the JSON library
    }
    scratch += kValues[which];
    const char* const begin = p_ + 2;
    p_ = run_of_string(begin, end_);
    scratch.append(begin, p_);
  }
  if (p_ == end_ || *p_ != '"') {
    return fail();
  }
  ++p_;
  out = scratch;
  return true;
}

bool RawWalk::next_pair(std::string_view& name, int32_t& id) {
  if (bad_ || !begin_entry('{', '}') || !string(left_, name)) {
    return false;
  }
  if (!take(':')) {
    return fail();
  }
  skip_white();
  const char* const first = p_;
  int32_t value = 0;
  while (p_ != end_ && *p_ >= '0' && *p_ <= '9' && p_ - first < 9) {
    value = value * 10 + (*p_++ - '0');
  }
  const bool plain = p_ != first && p_ != end_ && (*p_ == ',' || *p_ == '}' || is_white(*p_)) &&
                     (*first != '0' || p_ - first == 1);
  id = value;
  return plain ? true : fail();
}

bool RawWalk::next_merge(std::string_view& left, std::string_view& right) {
  if (bad_ || !begin_entry('[', ']')) {
    return false;
  }
  skip_white();
  if (p_ != end_ && *p_ == '[') {
    ++p_;
    return (string(left_, left) && take(',') && string(right_, right) && take(']')) || fail();
  }
  std::string_view both;
  if (!string(left_, both)) {
    return false;
  }
  const size_t space = both.find(' ');
  if (space == std::string_view::npos || both.find(' ', space + 1) != std::string_view::npos) {
    return fail();
  }
  left = both.substr(0, space);
  right = both.substr(space + 1);
  return true;
}

}  // namespace athanor::token
