#include "athanor/clean/word_joints.h"

#include <string_view>

namespace athanor::words {

namespace {

constexpr size_t kMaxMarks = 16;  // between two words; more part them

struct Mark {
  char32_t code;
  const char* begin;
};

bool is_quote(char32_t code) {
  constexpr std::u32string_view kQuotes =
      U"'\"\u201D\u201C`\u2018\u00B4\u2019\u201A,\u201E\u00BB\u00AB\u300C\u300D\u300E\u300F\uFF08\uFF09\u3014\u3015\u3010\u3011"
      U"\u300A\u300B\u3008\u3009\u27E6\u27E7";
  return kQuotes.find(code) != std::u32string_view::npos;
}

bool is_digit(char32_t code) { return code >= '0' && code <= '9'; }

char32_t code_before(const char* p) {
  const char* start = p - 1;
  for (int i = 0; i < 3 && (static_cast<uint8_t>(*start) & 0xC0) == 0x80; ++i) {
    --start;
  }
  return decode_utf8(start, p);
}

bool is_hyphen(const Mark* marks, size_t count) {
  const char32_t code = marks[0].code;
  if (count == 1) {
    return code == '-' || code == 0x2013 || code == 0x2014 || code == '~';
  }
  const bool dash = code == '-' || (code == 0x2014 && count == 2);
  for (size_t i = 1; i < count; ++i) {
    if (marks[i].code != code) {
      return false;
    }
  }
  return dash && count <= 3;
}

// Whether the mark between two code points parts words; a full stop is another's matter.
bool parts(char32_t mark, char32_t before, char32_t after) {
  switch (mark) {
    case 0x2026:
      return true;
    case ',':
      return is_letter(before) && is_letter(after);
    case ':':
    case '<':
    case '>':
    case '=':
    case '/':
      return (is_letter(before) || is_digit(before)) && is_letter(after);
    case '+':
    case '-':
    case '*':
    case '^':
      return is_digit(before) && (is_digit(after) || after == '-');
    default:
      return mark >= 0x80 && category_of(mark) == Category::kSo;
  }
}

bool stop_parts(char32_t before, char32_t after) {
  const auto one_of = [](char32_t code, Category cased) {
    return is_quote(code) || category_of(code) == cased || category_of(code) == Category::kLo;
  };
  return one_of(before, Category::kLl) && one_of(after, Category::kLu);
}

}  // namespace

Joint find_joint(const char* p, const char* end, Kind kind_before) {
  if (kind_before == Kind::kSingle) {
    return {};
  }
  Mark marks[kMaxMarks + 1];  // the last: the next word's character
  size_t count = 0;
  Next next{};
  for (const char* at = p; count <= kMaxMarks; ++count) {
    if (at == end) {
      return {};
    }
    const char* const begin = at;
    next = read(at, end);
    marks[count] = {next.code, begin};
    if (next.kind != Kind::kOther) {
      break;
    }
  }
  if (count == 0 || count > kMaxMarks || (next.kind != Kind::kLetter && next.kind != Kind::kNumber)) {
    return {};
  }
  const char32_t first = code_before(p);
  if (std::string_view(p, static_cast<size_t>(end - p)).starts_with("://") ||
      (is_hyphen(marks, count) && kind_before != Kind::kNumber && next.kind == Kind::kLetter)) {
    return {};
  }
  for (size_t i = 0; i < count; ++i) {
    const char32_t before = i == 0 ? first : marks[i - 1].code;
    const char32_t after = marks[i + 1].code;
    if (marks[i].code == '.' && after != '.' && stop_parts(before, after)) {
      return {nullptr, 0, i == 0 ? marks[1].begin : nullptr};
    }
    if ((marks[i].code == '.' && after == '.') || parts(marks[i].code, before, after)) {
      return {};
    }
  }
  return {marks[count].begin, static_cast<uint32_t>(count), nullptr};
}

}  // namespace athanor::words
