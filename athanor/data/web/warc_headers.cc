#include <algorithm>
#include <cctype>

#include "athanor/data/web/warc.h"

namespace athanor {

namespace {

char lower(char c) { return static_cast<char>(std::tolower(static_cast<unsigned char>(c))); }

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) {
    return {};
  }
  return text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

bool same_name(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size() &&
         std::equal(a.begin(), a.end(), lower_case.begin(), [](char x, char y) { return lower(x) == y; });
}

}  // namespace

bool parse_headers(std::string_view text, HeaderList& headers, size_t& end) {
  headers.clear();
  size_t at = 0;
  while (at < text.size()) {
    const size_t newline = text.find('\n', at);
    if (newline == std::string_view::npos) {
      return false;
    }
    std::string_view line = text.substr(at, newline - at);
    at = newline + 1;
    if (line.ends_with('\r')) {
      line.remove_suffix(1);
    }
    if (line.empty()) {
      end = at;
      return true;
    }
    if (line[0] == ' ' || line[0] == '\t') {
      if (!headers.empty()) {
        headers.back().second.append(" ").append(trim(line));
      }
      continue;
    }
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    std::string name(trim(line.substr(0, colon)));
    std::transform(name.begin(), name.end(), name.begin(), lower);
    headers.emplace_back(std::move(name), trim(line.substr(colon + 1)));
  }
  return false;
}

std::string_view find_header(const HeaderList& headers, std::string_view name) {
  for (const auto& [key, value] : headers) {
    if (key == name) {
      return value;
    }
  }
  return {};
}

std::string media_type(std::string_view value) {
  std::string type(trim(value.substr(0, value.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(), lower);
  return type;
}

std::string header_parameter(std::string_view value, std::string_view name) {
  for (size_t at = value.find(';'); at != std::string_view::npos; at = value.find(';', at)) {
    ++at;
    const size_t equals = value.find_first_of("=;", at);
    if (equals == std::string_view::npos || value[equals] == ';') {
      at = equals;
      continue;
    }
    const std::string_view key = trim(value.substr(at, equals - at));
    size_t from = value.find_first_not_of(" \t", equals + 1);
    std::string text;
    if (from != std::string_view::npos && value[from] == '"') {
      for (++from; from < value.size() && value[from] != '"'; ++from) {
        if (value[from] == '\\' && from + 1 < value.size()) {
          ++from;
        }
        text += value[from];
      }
      at = std::min(from, value.size());
    } else {
      const size_t stop = std::min(value.find(';', equals), value.size());
      text = trim(value.substr(equals + 1, stop - equals - 1));
      at = stop;
    }
    if (same_name(key, name)) {
      return text;
    }
  }
  return "";
}

}  // namespace athanor
