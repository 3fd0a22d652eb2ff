#include "athanor/token/pipeline/precompiled.h"

#include <cstring>

#include "athanor/token/split/grapheme.h"

namespace athanor::token {

namespace {

constexpr size_t kMaxWhole = 5;  // bytes

std::string decode_base64(const Field& field) {
  const std::string& text = field.string();
  std::string out;
  uint32_t bits = 0;
  int count = 0;
  size_t padding = 0;
  for (const char c : text) {
    const int value = c >= 'A' && c <= 'Z'   ? c - 'A'
                      : c >= 'a' && c <= 'z' ? c - 'a' + 26
                      : c >= '0' && c <= '9' ? c - '0' + 52
                      : c == '+'             ? 62
                      : c == '/'             ? 63
                                             : -1;
    padding += c == '=' ? 1 : 0;
    if ((value < 0 && c != '=') || (value >= 0 && padding > 0)) {
      field.fail("is not base64");
    }
    if (value >= 0) {
      bits = bits << 6 | static_cast<uint32_t>(value);
      if (++count % 4 != 1) {
        const int left = 6 - 2 * ((count - 1) % 4);
        out += static_cast<char>(bits >> left & 0xFF);
      }
    }
  }
  if (text.size() % 4 != 0 || padding > 2) {
    field.fail("is not base64");
  }
  return out;
}

uint32_t offset_of(uint32_t unit) { return (unit >> 10) << ((unit & (1u << 9)) >> 6); }

}  // namespace

Charsmap Charsmap::read(const Field& base64) {
  const std::string blob = decode_base64(base64);
  uint32_t bytes = 0;
  if (blob.size() >= sizeof(bytes)) {
    std::memcpy(&bytes, blob.data(), sizeof(bytes));
  }
  if (blob.size() < sizeof(bytes) || bytes > blob.size() - sizeof(bytes) || bytes % 4 != 0 || bytes == 0) {
    base64.fail("holds no character map: its trie does not fit into its " + std::to_string(blob.size()) + " bytes");
  }
  Charsmap map;
  map.units_.resize(bytes / 4);
  std::memcpy(map.units_.data(), blob.data() + sizeof(bytes), bytes);
  map.pool_ = blob.substr(sizeof(bytes) + bytes);
  if (!is_valid_utf8(map.pool_)) {
    base64.fail("holds replacements that are not UTF-8");
  }
  return map;
}

bool Charsmap::step(size_t& node, uint8_t byte, std::optional<std::string_view>& replacement) const {
  replacement.reset();
  node ^= byte;
  if (byte == 0 || node >= units_.size()) {
    return false;
  }
  const uint32_t unit = units_[node];
  if ((unit & (1u << 31 | 0xFF)) != byte) {
    return false;
  }
  node ^= offset_of(unit);
  if ((unit >> 8 & 1) != 0) {
    const size_t place = node < units_.size() ? units_[node] & ~(1u << 31) : pool_.size();
    if (place >= pool_.size() || (static_cast<uint8_t>(pool_[place]) & 0xC0) == 0x80) {
      return false;  // a hostile map: as if it were not there
    }
    replacement = std::string_view(pool_.data() + place);  // up to its NUL
  }
  return true;
}

std::optional<std::string_view> Charsmap::find(std::string_view text) const {
  size_t node = offset_of(units_[0]);
  std::optional<std::string_view> replacement;
  for (const char c : text) {
    if (!step(node, static_cast<uint8_t>(c), replacement) || replacement) {
      return replacement;
    }
  }
  return std::nullopt;
}

Charsmap::Match Charsmap::find_longest(std::string_view text) const {
  size_t node = offset_of(units_[0]);
  std::optional<std::string_view> replacement;
  Match best{0, {}};
  for (size_t i = 0; i < text.size() && step(node, static_cast<uint8_t>(text[i]), replacement); ++i) {
    if (replacement) {
      best = {i + 1, *replacement};
    }
  }
  return best;
}

void Charsmap::apply_longest(Aligned& aligned) const {
  const std::string_view text = aligned.text;
  std::string out;
  std::vector<Span> spans;
  out.reserve(text.size());
  for (size_t at = 0; at < text.size();) {
    const Match match = find_longest(text.substr(at));
    const char* next = text.data() + at;
    if (match.bytes == 0) {
      decode_utf8(next, text.data() + text.size());
    }
    const size_t end = match.bytes == 0 ? static_cast<size_t>(next - text.data()) : at + match.bytes;
    out += match.bytes == 0 ? text.substr(at, end - at) : match.replacement;
    if (aligned.tracked) {
      spans.resize(out.size(), aligned.original(at, end));
    }
    at = end;
  }
  aligned.text = std::move(out);
  aligned.spans = std::move(spans);
}

void Charsmap::apply(Aligned& aligned) const {
  std::vector<Change> changes;
  changes.reserve(aligned.text.size());
  bool modified = false;
  const auto put = [&](std::string_view old, std::string_view replacement) {
    modified = true;
    check_growth(aligned.text.size(), changes.size());
    const int before = static_cast<int>(count_code_points(old));
    const int after = static_cast<int>(count_code_points(replacement));
    int index = 0;
    for (const char *p = replacement.data(), *end = p + replacement.size(); p != end; ++index) {
      changes.push_back({decode_utf8(p, end), index >= before ? 1 : 0});
    }
    if (after < before && !changes.empty()) {
      changes.back().change += after - before;
    }
  };
  const std::string_view text = aligned.text;
  for (size_t at = 0; at < text.size();) {
    const size_t stop = grapheme_end(text, at);
    const std::string_view cluster = text.substr(at, stop - at);
    const std::optional<std::string_view> whole = cluster.size() <= kMaxWhole ? find(cluster) : std::nullopt;
    if (whole) {
      put(cluster, *whole);
    } else {
      for (const char *p = cluster.data(), *end = p + cluster.size(); p != end;) {
        const char* const begin = p;
        const char32_t code = decode_utf8(p, end);
        const std::string_view one(begin, static_cast<size_t>(p - begin));
        if (const auto replacement = find(one)) {
          put(one, *replacement);
        } else {
          changes.push_back({code, 0});
        }
      }
    }
    at = stop;
  }
  if (modified) {
    rewrite(aligned, changes);
  }
}

}  // namespace athanor::token
