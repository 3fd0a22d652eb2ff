#include "athanor/clean/tables/written_number.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "athanor/base/unicode.h"
#include "athanor/data/tables/cells.h"

namespace athanor {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

size_t digits_from(std::string_view text, size_t at) {
  size_t end = at;
  while (end < text.size() && is_digit(text[end])) {
    ++end;
  }
  return end - at;
}

bool take(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) {
    return false;
  }
  text.remove_prefix(word.size());
  return true;
}

// A mark between two groups: three digits follow it, and no fourth.
bool groups_at(std::string_view text, size_t at, const NumberMarks& marks) {
  const char c = text[at];
  return (c == marks.thousands || c == ' ' || c == '\'') && c != marks.decimal && digits_from(text, at + 1) == 3;
}

void look(std::string_view value, bool& comma_decimal, bool& point_groups) {
  const size_t comma = value.rfind(','), point = value.rfind('.');
  const bool has_comma = comma != std::string_view::npos, has_point = point != std::string_view::npos;
  if (has_comma && has_point) {
    (comma > point ? comma_decimal : point_groups) = true;
    return;
  }
  if (has_comma && value.find(',') == comma) {
    comma_decimal = comma_decimal || comma_is_decimal(value, comma);
  }
}

}  // namespace

NumberMarks find_marks(const std::string& decimal, const std::vector<std::string>& values) {
  if (decimal == ".") {
    return {'.', ','};
  }
  bool comma_decimal = decimal == ",", point_decimal = false;
  if (!comma_decimal) {
    for (const std::string& value : values) {
      look(value, comma_decimal, point_decimal);
    }
  }
  return comma_decimal && !point_decimal ? NumberMarks{',', '.'} : NumberMarks{'.', ','};
}

bool take_number(std::string_view& text, const NumberMarks& marks, double& value) {
  std::string plain;
  size_t at = 0;
  if (at < text.size() && (text[at] == '-' || text[at] == '+')) {
    plain = text[at] == '-' ? "-" : "";
    ++at;
  }
  const size_t first = digits_from(text, at);
  plain += text.substr(at, first);
  at += first;
  while (first > 0 && first <= 3 && at < text.size() && groups_at(text, at, marks)) {
    plain += text.substr(at + 1, 3);
    at += 4;
  }
  if (at < text.size() && text[at] == marks.decimal) {
    const size_t digits = digits_from(text, at + 1);
    if (first == 0 && digits == 0) {
      return false;
    }
    plain += "." + std::string(text.substr(at + 1, digits));
    at += 1 + digits;
  } else if (first == 0) {
    return false;
  }
  if (at + 1 < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    const size_t sign = text[at + 1] == '-' || text[at + 1] == '+' ? 1 : 0;
    const size_t digits = digits_from(text, at + 1 + sign);
    if (digits > 0) {
      plain += "e" + std::string(text.substr(at + 1 + (text[at + 1] == '+' ? 1 : 0), digits + (text[at + 1] == '-' ? 1 : 0)));
      at += 1 + sign + digits;
    }
  }
  if (plain.ends_with('.')) {
    plain += '0';
  }
  const auto read = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (read.ec != std::errc() || read.ptr != plain.data() + plain.size() || !std::isfinite(value)) {
    return false;
  }
  text.remove_prefix(at);
  value *= take(text, "万") || take(text, "萬") ? 1e4 : take(text, "亿") || take(text, "億") ? 1e8 : 1;
  return true;
}

std::string plain_form(std::string_view text) {
  std::string plain = to_nfkc(text);
  for (size_t at = plain.find("\u2212"); at != std::string::npos; at = plain.find("\u2212", at)) {
    plain.replace(at, 3, "-");
  }
  return std::string(trimmed_cell(plain));
}

void make_typed(const RowTable& table, RowColumn& column) {
  RowColumn typed;
  typed.name = column.name;
  typed.kind = column.kind;
  typed.date_format = column.date_format;
  typed.codes.assign(column.codes.size(), RowColumn::kAbsent);
  for (uint64_t row = 0; row < table.rows; ++row) {
    const int32_t code = column.codes[row];
    if (code < 0 || table.alive[row] == 0) {
      continue;
    }
    const Cell& cell = column.value(code);
    if (is_missing(table, cell)) {
      typed.codes[row] = typed.intern("null", CellType::kNull);
    } else if (cell.type == CellType::kString) {
      return;
    } else {
      typed.codes[row] = typed.intern(cell.text, cell.type);
    }
  }
  column = std::move(typed);
}

}  // namespace athanor
