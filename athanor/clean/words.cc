#include "athanor/clean/words.h"

#include <array>

#include "athanor/base/unicode.h"
#include "athanor/clean/analysis.h"
#include "athanor/clean/rules/published_punctuation.h"

namespace athanor {

namespace {

enum class Kind : uint8_t { kSpace, kLetter, kMark, kNumber, kSingle, kOther };

Kind kind_of_rare(char32_t code) {
  const Category category = category_of(code);
  if (category >= Category::kLl && category <= Category::kLu) {
    return is_unspaced_script(code) ? Kind::kSingle : Kind::kLetter;
  }
  if (category >= Category::kMc && category <= Category::kMn) {
    return Kind::kMark;
  }
  if (category >= Category::kNd && category <= Category::kNo) {
    return is_unspaced_script(code) ? Kind::kSingle : Kind::kNumber;
  }
  return is_space(code) ? Kind::kSpace : Kind::kOther;
}

constexpr std::array<Kind, 128> make_ascii_kinds() {
  std::array<Kind, 128> kinds{};
  for (int c = 0; c < 128; ++c) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool space = c == ' ' || (c >= 9 && c <= 13);
    kinds[static_cast<size_t>(c)] = letter                 ? Kind::kLetter
                                    : c >= '0' && c <= '9' ? Kind::kNumber
                                    : space                ? Kind::kSpace
                                                           : Kind::kOther;
  }
  return kinds;
}
constexpr std::array<Kind, 128> kAsciiKinds = make_ascii_kinds();

inline bool is_printable(char c) { return c > ' ' && c < 0x7F; }  // ASCII, visible

struct Next {
  char32_t code;
  Kind kind;
};

// Reads one code point; p < end.
inline Next read(const char*& p, const char* end) {
  const uint8_t byte = static_cast<uint8_t>(*p);
  if (byte < 0x80) {
    ++p;
    return {byte, kAsciiKinds[byte]};
  }
  const char32_t code = decode_utf8(p, end);
  return {code, kind_of_rare(code)};
}

bool joins(char32_t code, Kind before, Kind after) {
  const bool word_after = after == Kind::kLetter || after == Kind::kNumber;
  if (code == '\'' || code == 0x2019 || code == '.' || code == '_') {
    return word_after;
  }
  return code == ',' && before == Kind::kNumber && after == Kind::kNumber;
}

// ASCII letters have bit 0, digits bit 1.
constexpr std::array<uint8_t, 256> make_ascii_word() {
  std::array<uint8_t, 256> bits{};
  for (size_t c = 0; c < 128; ++c) {
    bits[c] = kAsciiKinds[c] == Kind::kLetter ? 1 : kAsciiKinds[c] == Kind::kNumber ? 2 : 0;
  }
  return bits;
}
constexpr std::array<uint8_t, 256> kAsciiWord = make_ascii_word();

// The rest of a word whose first code point is read already; returns its end.
const char* extend_word(const char* p, const char* end, Kind kind, Word& word) {
  while (p != end) {
    const char* const start = p;
    uint8_t seen = 0;
    uint8_t last = 0;
    for (uint8_t bits; p != end && (bits = kAsciiWord[static_cast<uint8_t>(*p)]) != 0; ++p) {
      last = bits;
      seen |= bits;
    }
    if (p != start) {
      word.has_letter |= (seen & 1) != 0;
      word.num_chars += static_cast<uint32_t>(p - start);
      kind = last == 1 ? Kind::kLetter : Kind::kNumber;
      if (p == end || *p == ' ') {
        break;
      }
    }
    const char* look = p;
    const Next next = read(look, end);
    if (next.kind == Kind::kLetter || next.kind == Kind::kMark || next.kind == Kind::kNumber) {
      word.has_letter |= next.kind == Kind::kLetter;
      ++word.num_chars;
      kind = next.kind;
      p = look;
      continue;
    }
    if (next.kind != Kind::kOther || look == end) {
      break;
    }
    const char* after_p = look;
    const Next after = read(after_p, end);
    if (!joins(next.code, kind, after.kind)) {
      break;
    }
    word.has_letter |= after.kind == Kind::kLetter;
    word.num_chars += 2;
    kind = after.kind;
    p = after_p;
  }
  return p;
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  words.reserve(text.size() / 5 + 1);
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char* const start = p;
    const Next first = read(p, end);
    if (first.kind == Kind::kSpace) {
      continue;
    }
    Word word;
    word.num_chars = 1;
    word.has_letter = first.kind == Kind::kLetter || (first.kind == Kind::kSingle && is_letter(first.code));
    if (first.kind == Kind::kSingle) {
      while (p != end) {  // its marks belong to it
        const char* look = p;
        if (static_cast<uint8_t>(*p) < 0x80 || read(look, end).kind != Kind::kMark) {
          break;
        }
        ++word.num_chars;
        p = look;
      }
    } else if (first.kind == Kind::kOther) {
      word.is_symbol = is_symbol_character(first.code);
      while (p != end) {
        const char* look = p;
        if (read(look, end).code != first.code) {
          break;
        }
        ++word.num_chars;
        p = look;
      }
    } else {
      p = extend_word(p, end, first.kind, word);
    }
    word.text = std::string_view(start, static_cast<size_t>(p - start));
    words.push_back(word);
  }
  return words;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  while (true) {
    const size_t cut = text.find('\n');
    lines.push_back(text.substr(0, cut));
    if (cut == std::string_view::npos) {
      return lines;
    }
    text.remove_prefix(cut + 1);
  }
}

std::vector<std::string_view> split_any_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* start = p;
  while (p != end) {
    while (p != end && static_cast<uint8_t>(*p - 0x20) < 0x60) {  // ASCII without its controls
      ++p;
    }
    if (p == end) {
      break;
    }
    const char* const before = p;
    const char32_t code = decode_utf8(p, end);
    const bool breaks = (code >= 0x0A && code <= 0x0D) || (code >= 0x1C && code <= 0x1E) || code == 0x85 ||
                        code == 0x2028 || code == 0x2029;
    if (!breaks) {
      continue;
    }
    lines.emplace_back(start, static_cast<size_t>(before - start));
    if (code == '\r' && p != end && *p == '\n') {
      ++p;
    }
    start = p;
  }
  if (start != end) {
    lines.emplace_back(start, static_cast<size_t>(end - start));
  }
  return lines;
}

std::string_view trim_left(std::string_view text) {
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end && !is_printable(*p)) {
    const char* look = p;
    if (read(look, end).kind != Kind::kSpace) {
      break;
    }
    p = look;
  }
  return {p, static_cast<size_t>(end - p)};
}

std::string_view trim_right(std::string_view text) {
  const char* const begin = text.data();
  const char* end = begin + text.size();
  while (end != begin && !is_printable(end[-1])) {
    const char* start = end - 1;  // back to the lead byte, at most 4 bytes
    while (start != begin && end - start < 4 && (static_cast<uint8_t>(*start) & 0xC0) == 0x80) {
      --start;
    }
    const char* look = start;
    if (read(look, end).kind != Kind::kSpace || look != end) {
      break;
    }
    end = start;
  }
  return {begin, static_cast<size_t>(end - begin)};
}

std::string_view trim(std::string_view text) { return trim_right(trim_left(text)); }

bool is_kana(char32_t code) {
  return (code >= 0x3041 && code <= 0x309F) || (code >= 0x30A1 && code <= 0x30FF && code != 0x30FB) ||
         (code >= 0x31F0 && code <= 0x31FF) || (code >= 0xFF66 && code <= 0xFF9F) ||
         (code >= 0x1AFF0 && code <= 0x1B16F);
}

bool is_unspaced_script(char32_t code) {
  if (code < 0x0E01) {
    return false;
  }
  return is_han(code) || is_kana(code) || (code >= 0x0E01 && code <= 0x0EFF && code != 0x0E3F) ||
         (code >= 0x1000 && code <= 0x109F) || (code >= 0x1780 && code <= 0x17DD) ||
         (code >= 0xA9E0 && code <= 0xA9FE) || (code >= 0xAA60 && code <= 0xAA7F);
}

double cjk_share(std::string_view text) { return TextAnalysis(text).cjk_share(); }

}  // namespace athanor
