#include "athanor/base/unicode.h"

#include <cstring>

#include "athanor/base/unicode_tables.h"

namespace athanor {

namespace {

using unicode_tables::record_of;

constexpr uint64_t kHighBits = 0x8080808080808080ULL;

// Bytes of ASCII at the start of [p, end), counted eight at a time (so it may stop up to 7 early).
const char* skip_ascii(const char* p, const char* end) {
  while (end - p >= 8) {
    uint64_t word;
    std::memcpy(&word, p, 8);
    if (word & kHighBits) {
      break;
    }
    p += 8;
  }
  return p;
}

uint8_t byte_at(const char* p) { return static_cast<uint8_t>(*p); }

bool category_between(char32_t code, Category low, Category high) {
  const uint8_t category = record_of(code).category;
  return category >= static_cast<uint8_t>(low) && category <= static_cast<uint8_t>(high);
}

}  // namespace

char32_t decode_utf8(const char*& p, const char* end, bool& valid) {
  const uint8_t lead = byte_at(p++);
  valid = true;
  if (lead < 0x80) {
    return lead;
  }
  // The second byte's range is what rules out overlong forms, surrogates and values above U+10FFFF.
  int more = 1;
  uint8_t low = 0x80;
  uint8_t high = 0xBF;
  char32_t code = lead & 0x1F;
  if (lead >= 0xF0 && lead <= 0xF4) {
    more = 3;
    low = lead == 0xF0 ? 0x90 : 0x80;
    high = lead == 0xF4 ? 0x8F : 0xBF;
    code = lead & 0x07;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    more = 2;
    low = lead == 0xE0 ? 0xA0 : 0x80;
    high = lead == 0xED ? 0x9F : 0xBF;
    code = lead & 0x0F;
  } else if (lead < 0xC2 || lead > 0xDF) {
    valid = false;
    return kReplacement;
  }
  for (; more > 0; --more) {
    if (p == end || byte_at(p) < low || byte_at(p) > high) {
      valid = false;
      return kReplacement;
    }
    code = (code << 6) | (byte_at(p++) & 0x3F);
    low = 0x80;
    high = 0xBF;
  }
  return code;
}

char32_t decode_utf8(const char*& p, const char* end) {
  bool valid;
  return decode_utf8(p, end, valid);
}

size_t find_invalid_utf8(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (true) {
    p = skip_ascii(p, end);
    if (p == end) {
      return std::string_view::npos;
    }
    const char* const start = p;
    bool valid;
    decode_utf8(p, end, valid);
    if (!valid) {
      return static_cast<size_t>(start - text.data());
    }
  }
}

void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
    return;
  }
  if (code < 0x800) {
    out += static_cast<char>(0xC0 | (code >> 6));
  } else {
    if (code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF)) {
      code = kReplacement;
    }
    if (code < 0x10000) {
      out += static_cast<char>(0xE0 | (code >> 12));
    } else {
      out += static_cast<char>(0xF0 | (code >> 18));
      out += static_cast<char>(0x80 | ((code >> 12) & 0x3F));
    }
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3F));
  }
  out += static_cast<char>(0x80 | (code & 0x3F));
}

std::string repair_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const size_t bad = find_invalid_utf8(text);
    if (bad == std::string_view::npos) {
      out.append(text);
      break;
    }
    out.append(text.substr(0, bad));
    const char* p = text.data() + bad;
    decode_utf8(p, text.data() + text.size());
    append_utf8(out, kReplacement);
    text.remove_prefix(static_cast<size_t>(p - text.data()));
  }
  return out;
}

size_t count_code_points(std::string_view text) {
  size_t count = 0;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (true) {
    const char* const next = skip_ascii(p, end);
    count += static_cast<size_t>(next - p);
    p = next;
    if (p == end) {
      return count;
    }
    decode_utf8(p, end);
    ++count;
  }
}

Category category_of(char32_t code) { return static_cast<Category>(record_of(code).category); }
bool is_letter(char32_t code) { return category_between(code, Category::kLl, Category::kLu); }
bool is_number(char32_t code) { return category_between(code, Category::kNd, Category::kNo); }
bool is_mark(char32_t code) { return category_between(code, Category::kMc, Category::kMn); }
bool is_punctuation(char32_t code) { return category_between(code, Category::kPc, Category::kPs); }
bool is_symbol(char32_t code) { return category_between(code, Category::kSc, Category::kSo); }
bool is_space(char32_t code) { return (record_of(code).flags & 1) != 0; }
bool is_han(char32_t code) { return (record_of(code).flags & 2) != 0; }

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
