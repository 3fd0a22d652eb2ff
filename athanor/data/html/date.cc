#include "athanor/data/html/date.h"

#include <array>
#include <cstdio>
#include <optional>
#include <vector>

namespace athanor::html {

namespace {

struct Token {
  enum Kind { kNumber, kWord, kMark } kind;
  std::string_view text;
  int value = 0;  // of a number; of a word its month, or 0
};

constexpr std::array<std::string_view, 12> kMonths = {"jan", "feb", "mar", "apr", "may", "jun",
                                                      "jul", "aug", "sep", "oct", "nov", "dec"};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

int month_of(std::string_view word) {
  if (word.size() < 3) {
    return 0;
  }
  std::string start(word.substr(0, 3));
  for (char& c : start) {
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
  }
  for (size_t i = 0; i < kMonths.size(); ++i) {
    if (start == kMonths[i]) {
      return static_cast<int>(i) + 1;
    }
  }
  return 0;
}

std::vector<Token> tokens_of(std::string_view text) {
  std::vector<Token> tokens;
  for (size_t at = 0; at < text.size() && tokens.size() < 64;) {
    size_t end = at + 1;
    if (is_digit(text[at])) {
      int value = 0;
      for (end = at; end < text.size() && is_digit(text[end]); ++end) {
        value = value > 100000000 ? value : value * 10 + (text[end] - '0');
      }
      tokens.push_back({Token::kNumber, text.substr(at, end - at), value});
    } else if (is_letter(text[at])) {
      while (end < text.size() && is_letter(text[end])) {
        ++end;
      }
      tokens.push_back({Token::kWord, text.substr(at, end - at), month_of(text.substr(at, end - at))});
    } else if (static_cast<unsigned char>(text[at]) >= 0x80) {
      while (end < text.size() && static_cast<unsigned char>(text[end]) >= 0x80) {
        ++end;
      }
      tokens.push_back({Token::kMark, text.substr(at, end - at), 0});
    } else if (text[at] == '-' || text[at] == '/' || text[at] == '.') {
      tokens.push_back({Token::kMark, text.substr(at, 1), 0});
    }
    at = end;
  }
  return tokens;
}

bool is_date(int year, int month, int day) {
  constexpr std::array<int, 12> kDays = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return year >= 1990 && year <= 2099 && month >= 1 && month <= 12 && day >= 1 &&
         day <= kDays[static_cast<size_t>(month) - 1];
}

std::string iso(int year, int month, int day) {
  if (!is_date(year, month, day)) {
    return "";
  }
  char out[32];
  std::snprintf(out, sizeof out, "%04d-%02d-%02d", year, month, day);
  return out;
}

bool is_number(const std::vector<Token>& tokens, size_t at) {
  return at < tokens.size() && tokens[at].kind == Token::kNumber;
}
bool is_mark(const std::vector<Token>& tokens, size_t at, std::string_view mark) {
  return at < tokens.size() && tokens[at].kind == Token::kMark && tokens[at].text == mark;
}

// 2019-11-18, 2019/11/18, 2019.11.18, 2019年11月18日, 18.11.2019, 18/11/2019 with a day above 12.
std::string numeric(const std::vector<Token>& tokens, size_t at) {
  if (!is_number(tokens, at) || !is_number(tokens, at + 2) || !is_number(tokens, at + 4)) {
    return "";
  }
  const int a = tokens[at].value;
  const int b = tokens[at + 2].value;
  const int c = tokens[at + 4].value;
  for (const std::string_view mark : {"-", "/", "."}) {
    if (is_mark(tokens, at + 1, mark) && is_mark(tokens, at + 3, mark)) {
      if (a >= 1990) {
        return iso(a, b, c);
      }
      if (c >= 1990 && (mark == "." || a > 12)) {
        return iso(c, b, a);
      }
      return c >= 1990 && b > 12 ? iso(c, a, b) : "";
    }
  }
  const bool chinese = tokens[at + 1].text == "\xE5\xB9\xB4" && tokens[at + 3].text == "\xE6\x9C\x88";
  return chinese ? iso(a, b, c) : "";
}

std::string with_month(const std::vector<Token>& tokens, size_t at) {
  const int month = tokens[at].kind == Token::kWord ? tokens[at].value : 0;
  if (month == 0) {
    return "";
  }
  size_t next = at + 1;
  const auto skip = [&](size_t index) {
    while (index < tokens.size() &&
           (is_mark(tokens, index, ".") || is_mark(tokens, index, "-") || is_mark(tokens, index, "/") ||
            (tokens[index].kind == Token::kWord && tokens[index].text.size() == 2))) {
      ++index;
    }
    return index;
  };
  next = skip(next);
  // Month day year.
  if (is_number(tokens, next) && tokens[next].value <= 31) {
    const size_t year = skip(next + 1);
    if (is_number(tokens, year)) {
      const std::string date = iso(tokens[year].value, month, tokens[next].value);
      if (!date.empty()) {
        return date;
      }
    }
  }
  // Day month year.
  size_t before = at;
  while (before > 0 && !is_number(tokens, before - 1) && at - before < 2) {
    --before;
  }
  if (before > 0 && is_number(tokens, before - 1) && is_number(tokens, next)) {
    return iso(tokens[next].value, month, tokens[before - 1].value);
  }
  return "";
}

}  // namespace

std::string parse_date(std::string_view text) {
  const std::vector<Token> tokens = tokens_of(text.substr(0, 400));
  for (size_t i = 0; i < tokens.size(); ++i) {
    std::string date = numeric(tokens, i);
    if (date.empty() && tokens[i].kind == Token::kNumber && tokens[i].text.size() == 8) {
      date = iso(tokens[i].value / 10000, tokens[i].value / 100 % 100, tokens[i].value % 100);
    }
    if (date.empty()) {
      date = with_month(tokens, i);
    }
    if (!date.empty()) {
      return date;
    }
  }
  return "";
}

}  // namespace athanor::html
