#include "athanor/data/web/robots.h"

#include <algorithm>
#include <cctype>
#include <charconv>

namespace athanor {

namespace {

constexpr size_t kMaxRules = 20'000;

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

std::string_view trim(std::string_view text) {
  const size_t begin = text.find_first_not_of(" \t\r");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

bool is_plain(char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '-' || c == '.' || c == '_' || c == '~'; }

int hex_value(char c) {
  return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

void append_escape(std::string& out, unsigned char byte) {
  constexpr char kDigits[] = "0123456789ABCDEF";
  out += '%';
  out += kDigits[byte >> 4];
  out += kDigits[byte & 15];
}

// The product token of a User-agent line: what stands before anything that a token cannot hold.
std::string_view token_of(std::string_view value) {
  size_t end = 0;
  while (end < value.size() && (std::isalpha(static_cast<unsigned char>(value[end])) || value[end] == '-' ||
                                value[end] == '_' || value[end] == '*')) {
    ++end;
  }
  return value.substr(0, end);
}

}  // namespace

std::string normal_path(std::string_view path) {
  std::string out;
  for (size_t at = 0; at < path.size(); ++at) {
    const auto byte = static_cast<unsigned char>(path[at]);
    if (byte == '%' && at + 2 < path.size() && hex_value(path[at + 1]) >= 0 && hex_value(path[at + 2]) >= 0) {
      const auto code = static_cast<unsigned char>(hex_value(path[at + 1]) * 16 + hex_value(path[at + 2]));
      if (is_plain(static_cast<char>(code)) && code < 0x80) {
        out += static_cast<char>(code);
      } else {
        append_escape(out, code);
      }
      at += 2;
    } else if (byte >= 0x80) {
      append_escape(out, byte);
    } else {
      out += static_cast<char>(byte);
    }
  }
  return out;
}

bool match_robots_pattern(std::string_view pattern, std::string_view path) {
  const bool to_end = pattern.ends_with('$');
  if (to_end) {
    pattern.remove_suffix(1);
  }
  // One star at most is open at a time: the last one takes as little as it can, so that the time is bounded.
  size_t p = 0, s = 0, star = std::string_view::npos, star_s = 0;
  while (true) {
    if (p == pattern.size()) {
      if (!to_end || s == path.size()) {
        return true;
      }
    } else if (pattern[p] == '*') {
      star = p++;
      star_s = s;
      continue;
    } else if (s < path.size() && pattern[p] == path[s]) {
      ++p;
      ++s;
      continue;
    }
    if (star == std::string_view::npos || star_s >= path.size()) {
      return false;
    }
    p = star + 1;
    s = ++star_s;
  }
}

Robots Robots::allow_all() { return {}; }

Robots Robots::disallow_all() {
  Robots robots;
  robots.rules_.push_back({"/", false});
  return robots;
}

Robots Robots::parse(std::string_view text, std::string_view product) {
  text = text.substr(0, kMaxBytes);
  if (text.starts_with("\xef\xbb\xbf")) {
    text.remove_prefix(3);
  }
  const std::string wanted = lower_case(product);
  Robots own, any;
  bool for_us = false, for_any = false, own_found = false, naming = false;
  while (!text.empty()) {
    const size_t newline = std::min(text.find_first_of("\r\n"), text.size());
    std::string_view line = text.substr(0, newline);
    text.remove_prefix(std::min(newline + 1, text.size()));
    line = line.substr(0, line.find('#'));
    const size_t colon = line.find(':');
    if (colon == std::string_view::npos) {
      continue;
    }
    const std::string key = lower_case(trim(line.substr(0, colon)));
    const std::string_view value = trim(line.substr(colon + 1));
    if (key == "user-agent") {
      if (!naming) {
        for_us = for_any = false;  // a new group
      }
      naming = true;
      const std::string name = lower_case(token_of(value));
      for_us = for_us || name == wanted;
      for_any = for_any || name == "*";
      own_found = own_found || name == wanted;
      continue;
    }
    if (key != "allow" && key != "disallow" && key != "crawl-delay") {
      continue;
    }
    naming = false;
    for (auto [mine, robots] : {std::pair(for_us, &own), std::pair(for_any, &any)}) {
      if (!mine) {
        continue;
      }
      if (key == "crawl-delay") {
        double seconds = 0;
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (parsed.ec == std::errc() && seconds >= 0) {
          robots->delay_seconds_ = std::min(seconds, kMaxDelaySeconds);
        }
      } else if (!value.empty() && robots->rules_.size() < kMaxRules) {
        robots->rules_.push_back({normal_path(value), key == "allow"});
      }
    }
  }
  return own_found ? own : any;
}

bool Robots::allows(std::string_view path) const {
  const std::string normal = normal_path(path.empty() ? "/" : path);
  if (normal == "/robots.txt") {
    return true;
  }
  const Rule* best = nullptr;
  for (const Rule& rule : rules_) {
    if ((best == nullptr || rule.pattern.size() > best->pattern.size() ||
         (rule.pattern.size() == best->pattern.size() && rule.allow)) &&
        match_robots_pattern(rule.pattern, normal)) {
      best = &rule;
    }
  }
  return best == nullptr || best->allow;
}

}  // namespace athanor
