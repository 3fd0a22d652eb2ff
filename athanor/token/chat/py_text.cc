#include "athanor/token/chat/py_text.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "athanor/base/unicode.h"
#include "athanor/token/chat/arena.h"
#include "athanor/token/chat/case_tables.h"

namespace athanor::chat {
namespace {

bool in_ranges(const CodeRange* ranges, size_t count, char32_t code) {
  size_t low = 0;
  for (size_t high = count; low < high;) {
    const size_t middle = (low + high) / 2;
    (ranges[middle].last < code) ? low = middle + 1 : high = middle;
  }
  return low < count && ranges[low].first <= code;
}

// 0: not in the runs.
int map_case(const CaseRun* runs, size_t count, char32_t code, char32_t* out) {
  size_t low = 0;
  for (size_t high = count; low < high;) {
    const size_t middle = (low + high) / 2;
    (runs[middle].last < code) ? low = middle + 1 : high = middle;
  }
  if (low == count || runs[low].first > code || (code - runs[low].first) % runs[low].stride != 0) {
    return 0;
  }
  out[0] = static_cast<char32_t>(static_cast<int32_t>(code) + runs[low].delta);
  return 1;
}

int map_special(const SpecialCase* cases, size_t count, char32_t code, char32_t* out) {
  const SpecialCase* found = std::lower_bound(cases, cases + count, code,
                                              [](const SpecialCase& c, char32_t value) { return c.code < value; });
  if (found == cases + count || found->code != code) {
    return 0;
  }
  int size = 0;
  while (size < 3 && found->to[size] != 0) {
    out[size] = found->to[size];
    ++size;
  }
  return size;
}

std::string strip_number(std::string_view text) {
  text = text.substr(0, py_rstrip_size(text));
  std::string out(text.substr(py_lstrip_size(text)));
  for (size_t i = 0; i < out.size(); ++i) {
    const auto digit = [&](size_t k) { return k < out.size() && (std::isalnum(static_cast<unsigned char>(out[k])) != 0); };
    if (out[i] == '_' && (i == 0 || !digit(i - 1) || !digit(i + 1))) {
      return "";
    }
  }
  std::erase(out, '_');
  return out;
}

}  // namespace

bool py_space(char32_t code) {
  return code == ' ' || (code >= 9 && code <= 13) || (code >= 0x1C && code <= 0x1F) ||
         (code >= 0x85 && (code == 0x85 || code == 0xA0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200A) ||
                           code == 0x2028 || code == 0x2029 || code == 0x202F || code == 0x205F || code == 0x3000));
}

bool py_line_break(char32_t code) {
  return (code >= 10 && code <= 13) || (code >= 0x1C && code <= 0x1E) || code == 0x85 || code == 0x2028 ||
         code == 0x2029;
}

size_t py_rstrip_size(std::string_view text) {
  size_t size = text.size();
  while (size > 0) {
    size_t begin = size - 1;
    while (begin > 0 && (static_cast<unsigned char>(text[begin]) & 0xC0) == 0x80) {
      --begin;
    }
    const char* p = text.data() + begin;
    if (!py_space(decode_utf8(p, text.data() + size))) {
      break;
    }
    size = begin;
  }
  return size;
}

size_t py_lstrip_size(std::string_view text) {
  const char* end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* before = p;
    if (!py_space(decode_utf8(p, end))) {
      return static_cast<size_t>(before - text.data());
    }
  }
  return text.size();
}

bool py_printable(char32_t code) {
  if (code < 0x80) {
    return code >= 0x20 && code != 0x7F;
  }
  switch (category_of(code)) {
    case Category::kCn:
    case Category::kCc:
    case Category::kCf:
    case Category::kCo:
    case Category::kCs:
    case Category::kZl:
    case Category::kZp:
    case Category::kZs:
      return false;
    default:
      return true;
  }
}

bool py_alpha(char32_t code) { return is_letter(code); }
bool py_decimal(char32_t code) { return category_of(code) == Category::kNd; }
bool py_digit(char32_t code) { return py_decimal(code) || in_ranges(kOtherDigit, kNumOtherDigit, code); }
bool py_numeric(char32_t code) { return is_number(code) || in_ranges(kOtherNumeric, kNumOtherNumeric, code); }
bool py_lower_case(char32_t code) {
  return category_of(code) == Category::kLl || in_ranges(kOtherLower, kNumOtherLower, code);
}
bool py_upper_case(char32_t code) {
  return category_of(code) == Category::kLu || in_ranges(kOtherUpper, kNumOtherUpper, code);
}
bool py_title_case(char32_t code) { return category_of(code) == Category::kLt; }
bool py_cased(char32_t code) { return py_lower_case(code) || py_upper_case(code) || py_title_case(code); }
bool py_case_ignorable(char32_t code) {
  const Category category = category_of(code);
  return category == Category::kMn || category == Category::kMe || category == Category::kCf ||
         category == Category::kLm || category == Category::kSk || code == '\'' || code == '.' || code == ':' ||
         code == 0xB7 || code == 0x387 || code == 0x55F || code == 0x5F4 || code == 0x2018 || code == 0x2019 ||
         code == 0x2024 || code == 0x2027 || code == 0xFE13 || code == 0xFE52 || code == 0xFE55 || code == 0xFF07 ||
         code == 0xFF0E || code == 0xFF1A;
}

int py_to_upper(char32_t code, char32_t* out) {
  if (code < 0x80) {
    out[0] = code >= 'a' && code <= 'z' ? code - 32 : code;
    return 1;
  }
  out[0] = code;
  const int special = map_special(kUpperSpecial, kNumUpperSpecial, code, out);
  return special > 0 ? special : std::max(map_case(kUpperRuns, kNumUpperRuns, code, out), 1);
}

int py_to_lower(char32_t code, char32_t* out) {
  if (code < 0x80) {
    out[0] = code >= 'A' && code <= 'Z' ? code + 32 : code;
    return 1;
  }
  out[0] = code;
  const int special = map_special(kLowerSpecial, kNumLowerSpecial, code, out);
  return special > 0 ? special : std::max(map_case(kLowerRuns, kNumLowerRuns, code, out), 1);
}

int py_to_title(char32_t code, char32_t* out) {
  const int special = map_special(kTitleSpecial, kNumTitleSpecial, code, out);
  return special > 0 ? special : py_to_upper(code, out);
}

int py_fold(char32_t code, char32_t* out) {
  if (code >= 0x80) {
    const int special = map_special(kFoldSpecial, kNumFoldSpecial, code, out);
    if (special > 0 || map_case(kFoldRuns, kNumFoldRuns, code, out) > 0) {
      return std::max(special, 1);
    }
  }
  return py_to_lower(code, out);
}

std::string float_repr(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  if (std::isinf(value)) {
    return value < 0 ? "-inf" : "inf";
  }
  char buffer[64];
  const auto scientific = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string text(buffer, scientific.ptr);
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  if (exponent >= -4 && exponent < 16) {
    const auto fixed = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    std::string out(buffer, fixed.ptr);
    return out.find('.') == std::string::npos ? out + ".0" : out;
  }
  return text;  // 1e+16, 1.5e-07: two digits of exponent at least, as to_chars writes it
}

std::string hex_digits(char32_t code) {
  char buffer[16];
  const char* format = code < 0x100 ? "\\x%02x" : code < 0x10000 ? "\\u%04x" : "\\U%08x";
  std::snprintf(buffer, sizeof buffer, format, static_cast<unsigned>(code));
  return buffer;
}

std::optional<double> parse_float(std::string_view text) {
  const std::string number = strip_number(text);
  const char* begin = number.data();
  const char* end = begin + number.size();
  const bool plus = begin < end && *begin == '+';
  begin += plus ? 1 : 0;
  if (begin == end || (plus && *begin == '-') || number.find('(') != std::string::npos) {
    return std::nullopt;
  }
  double value = 0;
  const auto read = std::from_chars(begin, end, value);
  if (read.ptr != end || read.ec == std::errc::invalid_argument) {
    return std::nullopt;
  }
  return read.ec == std::errc::result_out_of_range ? std::strtod(begin, nullptr) : value;
}

std::optional<int64_t> parse_int(std::string_view text, int base) {
  std::string number = strip_number(text);
  bool negative = false;
  if (!number.empty() && (number[0] == '+' || number[0] == '-')) {
    negative = number[0] == '-';
    number.erase(0, 1);
  }
  if (number.size() > 2 && number[0] == '0') {
    const char mark = static_cast<char>(number[1] | 0x20);
    const int named = mark == 'x' ? 16 : mark == 'o' ? 8 : mark == 'b' ? 2 : 0;
    if (named != 0 && (base == named || base == 0)) {
      base = named;
      number.erase(0, 2);
    }
  }
  if (base == 0) {
    if (number.size() > 1 && number[0] == '0' && number.find_first_not_of('0') != std::string::npos) {
      return std::nullopt;
    }
    base = 10;
  }
  if (number.empty() || number[0] == '-') {
    return std::nullopt;
  }
  number.insert(0, negative ? "-" : "");
  int64_t value = 0;
  const auto read = std::from_chars(number.data(), number.data() + number.size(), value, base);
  if (read.ec == std::errc::invalid_argument || read.ptr != number.data() + number.size()) {
    return std::nullopt;
  }
  if (read.ec == std::errc::result_out_of_range) {
    throw Fail{"an integer beyond 64 bits: " + number.substr(0, 30)};
  }
  return value;
}

}  // namespace athanor::chat
