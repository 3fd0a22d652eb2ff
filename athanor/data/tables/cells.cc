#include "athanor/data/tables/cells.h"

#include <charconv>
#include <cmath>
#include <cstdlib>

namespace athanor {

namespace {

constexpr std::string_view kBlanks = " \t\r\n";
constexpr std::string_view kMissingMarks[] = {"", "?", "NA", "N/A", "NaN", "nan", "null", "None"};

constexpr int64_t kMostExponent = 1'000'000'000;

bool is_infinite_word(std::string_view cell) {
  if (!cell.empty() && cell.front() == '-') {
    cell.remove_prefix(1);
  }
  for (const std::string_view word : {"inf", "infinity"}) {
    if (cell.size() == word.size()) {
      bool same = true;
      for (size_t i = 0; i < word.size(); ++i) {
        same = same && (cell[i] | 0x20) == word[i];
      }
      if (same) {
        return true;
      }
    }
  }
  return false;
}

}  // namespace

std::string_view trimmed_cell(std::string_view cell) {
  const size_t begin = cell.find_first_not_of(kBlanks);
  return begin == std::string_view::npos
             ? std::string_view()
             : cell.substr(begin, cell.find_last_not_of(kBlanks) - begin + 1);
}

bool is_missing_mark(std::string_view cell, const std::vector<std::string>& more) {
  cell = trimmed_cell(cell);
  if (cell.size() <= 4) {
    for (const std::string_view mark : kMissingMarks) {
      if (cell == mark) {
        return true;
      }
    }
  }
  for (const std::string& mark : more) {
    if (cell == mark) {
      return true;
    }
  }
  return false;
}

NumberCell parse_number(std::string_view cell, double& value) {
  cell = trimmed_cell(cell);
  if (!cell.empty() && cell.front() == '+') {
    cell.remove_prefix(1);
    if (!cell.empty() && cell.front() == '-') {
      return NumberCell::kOther;
    }
  }
  if (is_infinite_word(cell)) {
    return NumberCell::kInfinite;
  }
  const auto [end, error] = std::from_chars(cell.data(), cell.data() + cell.size(), value);
  if (cell.empty() || end != cell.data() + cell.size() || error == std::errc::invalid_argument) {
    return NumberCell::kOther;
  }
  if (error == std::errc::result_out_of_range) {  // too large, or too small to tell from 0
    const size_t exponent = cell.find_first_of("eE");
    const bool tiny = exponent != std::string_view::npos
                          ? cell.substr(exponent + 1).starts_with('-')
                          : cell.find_first_not_of("-0.") > cell.find('.');
    value = 0;
    return tiny ? NumberCell::kNumber : NumberCell::kInfinite;
  }
  return std::isfinite(value) ? NumberCell::kNumber : NumberCell::kOther;  // nan(...) is no number
}

bool comma_is_decimal(std::string_view text, size_t comma) {
  const auto is_digit = [&](size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  size_t after = 0, before = 0;
  while (is_digit(comma + 1 + after)) {
    ++after;
  }
  while (before < comma && is_digit(comma - 1 - before)) {
    ++before;
  }
  if (before == 0 || after == 0) {
    return false;
  }
  return after != 3 || before > 3 || text[comma - before] == '0';
}

std::string exact_number(std::string_view cell) {
  cell = trimmed_cell(cell);
  const bool negative = cell.starts_with('-');
  cell.remove_prefix(negative || cell.starts_with('+') ? 1 : 0);
  const size_t e = cell.find_first_of("eE");
  int64_t exponent = 0;
  if (e != std::string_view::npos) {
    const bool plus = cell.substr(e + 1).starts_with('+');
    const char* end = cell.data() + cell.size();
    if (std::from_chars(cell.data() + e + 1 + (plus ? 1 : 0), end, exponent).ec != std::errc() ||
        std::abs(exponent) > kMostExponent) {
      return (negative ? "-" : "") + std::string(cell);  // as it stands
    }
  }
  std::string digits;
  bool behind_point = false;
  for (const char c : cell.substr(0, e)) {
    if (c == '.') {
      behind_point = true;
      continue;
    }
    exponent -= behind_point ? 1 : 0;
    if (!digits.empty() || c != '0') {
      digits += c;
    }
  }
  while (!digits.empty() && digits.back() == '0') {
    digits.pop_back();
    ++exponent;
  }
  if (digits.empty()) {
    return "0";
  }
  return (negative ? "-" : "") + digits + "e" + std::to_string(exponent);
}

}  // namespace athanor
