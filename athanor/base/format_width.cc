#include "athanor/base/format_width.h"

#include <algorithm>
#include <cstdint>
#include <iterator>

#include "athanor/base/format_width_table.h"
#include "athanor/base/unicode.h"

namespace athanor {

namespace {

constexpr std::string_view kReplacementBytes = "\xEF\xBF\xBD";

template <size_t n>
bool in_table(const CodePointRange (&table)[n], char32_t code_point) {
  const auto it =
      std::upper_bound(std::begin(table), std::end(table), code_point,
                       [](char32_t value, const CodePointRange& range) { return value < range.first; });
  return it != std::begin(table) && code_point <= std::prev(it)->last;
}

bool is_control(char32_t c) {
  return c < 0x20 || (c >= 0x7F && c < 0xA0);
}

}  // namespace

char32_t take_code_point(std::string_view& text) {
  const char* p = text.data();
  const char32_t code_point = decode_utf8(p, text.data() + text.size());
  text.remove_prefix(static_cast<size_t>(p - text.data()));
  return code_point;
}

int display_width(char32_t code_point) {
  if (is_control(code_point)) {
    return 0;
  }
  if (code_point < 0x300) {
    return 1;
  }
  if (in_table(kZeroWidth, code_point)) {
    return 0;
  }
  return in_table(kDoubleWidth, code_point) ? 2 : 1;
}

int display_width(std::string_view text) {
  int columns = 0;
  while (!text.empty()) {
    columns += display_width(take_code_point(text));
  }
  return columns;
}

std::string cut_to_width(std::string_view text, int columns) {
  if (columns <= 0) {
    return "";
  }
  std::string out;
  size_t room_for_mark = 0;  // bytes of `out` that leave a column for the ellipsis
  int used = 0;
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t code_point = take_code_point(text);
    const int width = display_width(code_point);
    if (used + width > columns) {
      return out.substr(0, room_for_mark) + "…";
    }
    used += width;
    out += code_point == kReplacement ? kReplacementBytes : before.substr(0, before.size() - text.size());
    if (used < columns) {
      room_for_mark = out.size();
    }
  }
  return out;
}

std::string valid_utf8(std::string_view text) { return repair_utf8(text); }

std::string printable(std::string_view text, bool keep_lines) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const std::string_view before = text;
    const char32_t code_point = take_code_point(text);
    if (is_control(code_point) && !(keep_lines && (code_point == '\n' || code_point == '\t'))) {
      out += ' ';
    } else {
      out += code_point == kReplacement ? kReplacementBytes : before.substr(0, before.size() - text.size());
    }
  }
  return out;
}

}  // namespace athanor
