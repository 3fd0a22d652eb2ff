#include "athanor/base/format.h"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace athanor {

namespace {

std::string not_finite(double value) {
  if (std::isnan(value)) {
    return "nan";
  }
  return value > 0 ? "inf" : "-inf";
}

std::string group_thousands(const std::string& number) {
  const size_t start = number.starts_with('-') ? 1 : 0;
  const size_t point = std::min(number.find('.'), number.size());
  std::string out = number.substr(0, start);
  for (size_t i = start; i < point; ++i) {
    if (i > start && (point - i) % 3 == 0) {
      out += ',';
    }
    out += number[i];
  }
  return out + number.substr(point);
}

void cut_zeros(std::string& number) {
  if (number.find('.') == std::string::npos) {
    return;
  }
  number.erase(number.find_last_not_of('0') + 1);
  if (number.ends_with('.')) {
    number.pop_back();
  }
}

// Decimals that leave three significant digits of a value below 1000.
int decimals_of_three(double magnitude) {
  if (magnitude < 9.995) {
    return 2;
  }
  return magnitude < 99.95 ? 1 : 0;
}

struct Scaled {
  double value;
  const char* prefix;
};

// The value in the largest prefix that keeps it at 1 or more; a value that would print as 1000 moves up.
Scaled scale(double value) {
  static constexpr const char* kPrefixes[] = {"", "k", "M", "G", "T", "P", "E"};
  size_t i = 0;
  while (std::fabs(value) >= 999.5 && i + 1 < std::size(kPrefixes)) {
    value /= 1000;
    ++i;
  }
  return {value, kPrefixes[i]};
}

std::string scaled_digits(const Scaled& scaled) {
  const bool whole = *scaled.prefix == '\0' && scaled.value == std::floor(scaled.value);
  return fixed_number(scaled.value, whole ? 0 : decimals_of_three(std::fabs(scaled.value)));
}

std::string two_digits(int64_t value) {
  return (value < 10 ? "0" : "") + std::to_string(value);
}

std::string pair_of(int64_t big, const char* big_unit, int64_t small, const char* small_unit) {
  return std::to_string(big) + " " + big_unit + " " + two_digits(small) + " " + small_unit;
}

}  // namespace

std::string fixed_number(double value, int decimals) {
  if (!std::isfinite(value)) {
    return not_finite(value);
  }
  if (std::fabs(value) >= 1e18) {
    return human_number(value);
  }
  char buffer[64];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed,
                                 std::clamp(decimals, 0, 17));
  std::string text(buffer, end.ptr);
  if (text.starts_with('-') && text.find_first_of("123456789") == std::string::npos) {
    text.erase(0, 1);
  }
  return text;
}

std::string human_bytes(double bytes) {
  if (!std::isfinite(bytes)) {
    return not_finite(bytes);
  }
  const Scaled scaled = scale(bytes);
  return scaled_digits(scaled) + " " + scaled.prefix + "B";
}

std::string human_count(double count) {
  if (!std::isfinite(count)) {
    return not_finite(count);
  }
  const Scaled scaled = scale(count);
  return scaled_digits(scaled) + (*scaled.prefix ? std::string(" ") + scaled.prefix : "");
}

std::string human_rate(double per_second, const std::string& per) {
  if (!std::isfinite(per_second)) {
    return not_finite(per_second) + " " + per + "/s";
  }
  const Scaled scaled = scale(per_second);
  return scaled_digits(scaled) + scaled.prefix + " " + per + "/s";
}

std::string human_duration(double seconds) {
  if (!std::isfinite(seconds)) {
    return not_finite(seconds);
  }
  if (seconds < 0) {
    return "-" + human_duration(-seconds);
  }
  if (seconds == 0) {
    return "0 s";
  }
  if (seconds < 0.0995) {
    return human_number(seconds * 1000, 2) + " ms";
  }
  if (seconds < 59.5) {
    return fixed_number(seconds, seconds < 0.995 ? 2 : seconds < 9.95 ? 1 : 0) + " s";
  }
  if (seconds < 3599.5) {
    const int64_t whole = std::llround(seconds);
    return pair_of(whole / 60, "min", whole % 60, "s");
  }
  if (seconds < 86370) {
    const int64_t minutes = std::llround(seconds / 60);
    return pair_of(minutes / 60, "h", minutes % 60, "min");
  }
  if (seconds > 1e12) {
    return human_count(seconds / 86400) + " d";
  }
  const int64_t hours = std::llround(seconds / 3600);
  return pair_of(hours / 24, "d", hours % 24, "h");
}

std::string coarse_duration(double seconds) {
  const auto about = [](double value, const char* unit) {
    return "about " + human_number(value, 3) + " " + unit;
  };
  if (std::isnan(seconds)) {
    return "unknown";
  }
  if (seconds < 8) {
    return "a few seconds";
  }
  if (seconds < 55) {
    return about(std::max(10.0, std::round(seconds / 10) * 10), "s");
  }
  const double minutes = seconds / 60;
  if (minutes < 9.5) {
    return about(std::max(1.0, std::round(minutes)), "min");
  }
  if (minutes < 57.5) {
    return about(std::round(minutes / 5) * 5, "min");
  }
  const double hours = minutes / 60;
  if (hours < 9.75) {
    return about(std::max(1.0, std::round(hours * 2) / 2), "h");
  }
  if (hours < 47.5) {
    return about(std::round(hours), "h");
  }
  return hours / 24 < 99.5 ? about(std::round(hours / 24), "days") : "more than 99 days";
}

std::string human_percent(double fraction) {
  if (!std::isfinite(fraction)) {
    return not_finite(fraction);
  }
  const double percent = fraction * 100;
  const double magnitude = std::fabs(percent);
  if (magnitude == 0) {
    return "0 %";
  }
  if (magnitude < 0.00995) {
    return human_number(percent, 2) + " %";
  }
  int decimals = magnitude < 0.995 ? 2 : magnitude < 9.95 ? 1 : 0;
  if (magnitude > 99 && magnitude < 100) {
    decimals = magnitude < 99.95 ? 1 : 2;
    return fixed_number(std::copysign(std::min(magnitude, 99.99), percent), decimals) + " %";
  }
  return fixed_number(percent, decimals) + " %";
}

std::string human_number(double value, int digits) {
  if (!std::isfinite(value)) {
    return not_finite(value);
  }
  if (value == 0) {
    return "0";
  }
  digits = std::clamp(digits, 1, 17);
  char buffer[64];
  const auto end =
      std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific, digits - 1);
  const std::string scientific(buffer, end.ptr);
  const size_t e = scientific.find('e');
  const int exponent = std::stoi(scientific.substr(e + 1));
  if (exponent < -4 || exponent >= 15) {
    std::string mantissa = scientific.substr(0, e);
    cut_zeros(mantissa);
    return mantissa + scientific.substr(e);
  }
  std::string text = fixed_number(value, std::max(0, digits - 1 - exponent));
  cut_zeros(text);
  return group_thousands(text);
}

std::string grouped_integer(int64_t value) {
  return group_thousands(std::to_string(value));
}

}  // namespace athanor
