#include "athanor/clean/rules/pii_numbers.h"

#include <algorithm>
#include <cstdint>

namespace athanor {

namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alnum(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
char char_at(std::string_view text, size_t at) { return at < text.size() ? text[at] : '\0'; }

int number_at(std::string_view digits, size_t at, size_t count) {
  int number = 0;
  for (size_t i = at; i < at + count; ++i) {
    number = number * 10 + (digits[i] - '0');
  }
  return number;
}

bool is_province(int code) {
  return (code >= 11 && code <= 15) || (code >= 21 && code <= 23) || (code >= 31 && code <= 37) ||
         (code >= 41 && code <= 46) || (code >= 50 && code <= 54) || (code >= 61 && code <= 65) || code == 71 ||
         (code >= 81 && code <= 83);
}

bool is_date(int year, int month, int day) {
  constexpr int kDays[] = {31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  const bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
  return year >= 1900 && year <= 2099 && month >= 1 && month <= 12 && day >= 1 &&
         day <= kDays[month - 1] - (month == 2 && !leap);
}

// The issuers' ranges, by the first digits; lengths as bits (1 << length).
struct Issuer {
  int first, last;  // of the first four digits
  uint32_t lengths;
};
constexpr uint32_t one(int length) { return 1u << length; }
constexpr uint32_t upwards(int from, int to) { return (1u << (to + 1)) - (1u << from); }
constexpr Issuer kIssuers[] = {
    {2221, 2720, one(16)},            {3000, 3059, upwards(14, 19)}, {3400, 3499, one(15)}, {3528, 3589, upwards(16, 19)},
    {3600, 3699, upwards(14, 19)},    {3700, 3799, one(15)},         {3800, 3999, upwards(14, 19)},
    {4000, 4999, one(13) | one(16) | one(19)}, {5018, 5018, upwards(13, 19)}, {5020, 5020, upwards(13, 19)},
    {5038, 5038, upwards(13, 19)},    {5100, 5599, one(16)},         {6011, 6011, upwards(16, 19)},
    {6200, 6299, upwards(16, 19)},    {6304, 6304, upwards(13, 19)}, {6440, 6599, upwards(16, 19)},
    {6759, 6763, upwards(13, 19)},
};

bool luhn(std::string_view digits) {
  int sum = 0;
  for (size_t i = 0; i < digits.size(); ++i) {
    const int digit = digits[digits.size() - 1 - i] - '0';
    const int doubled = i % 2 == 1 ? 2 * digit : digit;
    sum += doubled > 9 ? doubled - 9 : doubled;
  }
  return sum % 10 == 0;
}

bool is_card(std::string_view digits) {
  if (digits.size() < 13 || digits.size() > 19) {
    return false;
  }
  const int head = number_at(digits, 0, 4);
  const bool issued = std::any_of(std::begin(kIssuers), std::end(kIssuers), [&](const Issuer& issuer) {
    return head >= issuer.first && head <= issuer.last && (issuer.lengths >> digits.size() & 1) != 0;
  });
  return issued && luhn(digits);
}

int hex_value(char c) {
  return is_digit(c)            ? c - '0'
         : c >= 'a' && c <= 'f' ? c - 'a' + 10
         : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                : -1;
}

}  // namespace

size_t match_id_number(std::string_view text, size_t at) {
  if (at + 18 > text.size() || is_alnum(char_at(text, at + 18))) {
    return 0;
  }
  constexpr int kWeights[] = {7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2};
  int sum = 0;
  for (size_t i = 0; i < 17; ++i) {
    if (!is_digit(text[at + i])) {
      return 0;
    }
    sum += kWeights[i] * (text[at + i] - '0');
  }
  const char check = "10X98765432"[sum % 11];
  const char last = text[at + 17] == 'x' ? 'X' : text[at + 17];
  const bool fits = last == check && is_province(number_at(text, at, 2)) &&
                    is_date(number_at(text, at + 6, 4), number_at(text, at + 10, 2), number_at(text, at + 12, 2));
  return fits ? 18 : 0;
}

size_t match_card(std::string_view text, size_t at) {
  char digits[20];
  size_t count = 0;
  size_t p = at;
  size_t group = 0;  // digits since the last separator
  size_t best = 0;
  while (true) {
    while (count < 20 && is_digit(char_at(text, p))) {
      digits[count++] = text[p++];
      ++group;
    }
    if (count == 20) {
      return best;
    }
    const bool whole = group == count || (group >= 1 && group <= 5);
    if (whole && !is_alnum(char_at(text, p)) && is_card({digits, count})) {
      best = p - at;
    }
    // Groups are of 4 digits, and 4-6-5 or 4-6-4; what follows may be the next number.
    const char c = char_at(text, p);
    if ((c != ' ' && c != '-') || !is_digit(char_at(text, p + 1)) || !(group == 4 || (group == 6 && count == 10))) {
      return best;
    }
    group = 0;
    ++p;
  }
}

size_t match_ipv6(std::string_view text, size_t at) {
  uint32_t groups[8] = {};
  size_t count = 0;
  bool gap = false;
  size_t p = at;
  size_t end = at;  // behind the last group
  while (count < 8) {
    uint32_t value = 0;
    const size_t start = p;
    while (p - start < 5 && hex_value(char_at(text, p)) >= 0) {
      value = value << 4 | static_cast<uint32_t>(hex_value(text[p++]));
    }
    if (p == start || p - start > 4) {
      break;
    }
    groups[count++] = value;
    end = p;
    if (char_at(text, p) != ':') {
      break;
    }
    ++p;
    if (char_at(text, p) == ':') {
      if (gap) {
        return 0;
      }
      gap = true;
      end = ++p;
    }
  }
  const bool shaped = gap ? count < 8 : count == 8;
  if (!shaped || groups[0] < 0x2000 || groups[0] > 0x3FFF || is_alnum(char_at(text, end)) ||
      (char_at(text, end) == ':' && (hex_value(char_at(text, end + 1)) >= 0 || char_at(text, end + 1) == ':'))) {
    return 0;
  }
  const bool special = (groups[0] == 0x2001 && count > 1 && groups[1] == 0x0DB8) || groups[0] == 0x2002 ||
                       (groups[0] == 0x2001 && count > 1 && groups[1] == 0) || (groups[0] == 0x3FFF && groups[1] < 0x1000);
  return special ? 0 : end - at;
}

}  // namespace athanor
