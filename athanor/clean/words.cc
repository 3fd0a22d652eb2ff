#include "athanor/clean/words.h"

#include <array>
#include <string_view>

#include "athanor/base/unicode.h"
#include "athanor/clean/abbreviations.h"
#include "athanor/clean/analysis.h"
#include "athanor/clean/rules/published_punctuation.h"
#include "athanor/clean/word_joints.h"

namespace athanor {

namespace {

using words::find_joint;
using words::Joint;
using words::kAsciiKinds;
using words::Kind;
using words::Next;
using words::read;

inline bool is_printable(char c) { return c > ' ' && c < 0x7F; }  // ASCII, visible

bool is_apostrophe(char32_t code) { return code == '\'' || code == 0x2019; }

bool is_ascii_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_ascii_upper(char c) { return c >= 'A' && c <= 'Z'; }

// The length of s, m, d, re, ve, ll (either case) or t at p, with no letter or digit behind it; 0 when there is none.
size_t clitic_length(const char* p, const char* end) {
  size_t length = 0;
  while (length < 3 && p + length != end && (is_ascii_lower(p[length]) || is_ascii_upper(p[length]))) {
    ++length;
  }
  if (length == 0 || length > 2) {
    return 0;
  }
  if (const char* behind = p + length; behind != end) {
    const Kind kind = read(behind, end).kind;
    if (kind == Kind::kLetter || kind == Kind::kNumber || kind == Kind::kMark) {
      return 0;
    }
  }
  const char a = static_cast<char>(p[0] | 0x20);
  const char b = length == 2 ? static_cast<char>(p[1] | 0x20) : '\0';
  const bool known = length == 1 ? a == 's' || a == 'm' || a == 'd' || a == 't'
                                 : (b == 'e' && (a == 'r' || a == 'v')) || (a == 'l' && b == 'l');
  return known ? length : 0;
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

// The rest of a word whose first code point is read already; returns its end. clitic_end: where a clitic that
// follows directly ends, else nullptr. glued: see Joint.
const char* extend_word(const char* p, const char* end, Kind kind, Word& word, const char*& clitic_end, const char*& glued) {
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
    if (is_apostrophe(next.code) && (kind == Kind::kLetter || kind == Kind::kNumber)) {
      const size_t length = clitic_length(look, end);
      const bool t = length == 1 && (*look | 0x20) == 't';
      const bool after_n = (p[-1] | 0x20) == 'n' && word.num_chars > 1;
      if (length > 0 && (!t || after_n) && find_joint(look + length, end, Kind::kLetter).end == nullptr) {
        clitic_end = look + length;
        word.num_chars -= t;
        return t ? p - 1 : p;
      }
    }
    const Joint joint = find_joint(p, end, kind);
    if (joint.end == nullptr) {
      glued = joint.glued;
      break;
    }
    word.num_chars += joint.num_chars;
    p = joint.end;
  }
  return p;
}

// A word that turns out to be an address goes to the next white space, less the punctuation at its end.
const char* extend_address(const char* start, const char* p, const char* end, Word& word) {
  const std::string_view rest(p, static_cast<size_t>(end - p));
  const std::string_view head(start, static_cast<size_t>(p - start));
  if (!rest.starts_with("://") && !(head.starts_with("www.") && !rest.empty() && rest[0] == '/')) {
    return p;
  }
  const size_t scheme = rest[0] == ':' ? 3 : 1;
  p += scheme;
  word.num_chars += static_cast<uint32_t>(scheme);
  const char* stop = p;
  while (p != end) {
    const Next next = read(p, end);
    if (next.kind == Kind::kSpace) {
      break;
    }
    if (next.kind != Kind::kOther || next.code == '/') {
      word.num_chars += static_cast<uint32_t>(count_code_points({stop, static_cast<size_t>(p - stop)}));
      stop = p;
    }
  }
  return stop;
}

// "@name"
bool begins_handle(char32_t code, const char* p, const char* end) {
  return code == '@' && p != end && kAsciiWord[static_cast<uint8_t>(*p)] == 1;
}

// Where a word of two parts is cut: "can|not", "64|GB"; 0 when it is one.
size_t second_part(std::string_view word) {
  if (word == "cannot" || word == "Cannot" || word == "CANNOT") {
    return 3;
  }
  if (word.empty() || word[0] < '0' || word[0] > '9' || kAsciiWord[static_cast<uint8_t>(word.back())] != 1) {
    return 0;
  }
  const size_t unit = word.find_last_of("0123456789") + 1;
  constexpr std::string_view kUnits = " km m dm cm mm kg g mg t lb oz hPa Pa mb MB kb KB gb GB tb TB T G M K ft yd mi in ha ";
  const std::string with_blanks = " " + std::string(word.substr(unit)) + " ";
  return word.size() - unit <= 3 && kUnits.find(with_blanks) != std::string_view::npos ? unit : 0;
}

bool stands_alone(char32_t code) {
  constexpr std::u32string_view kAlone = U"!?,:;=#*&\"'`()[]{}<>\u2018\u2019\u201C\u201D\u00AB\u00BB\u201A\u201E\u00B4";
  return kAlone.find(code) != std::u32string_view::npos;
}

}  // namespace

std::vector<Word> split_words(std::string_view text) {
  std::vector<Word> words;
  words.reserve(text.size() / 5 + 1);
  const char* p = text.data();
  const char* const end = p + text.size();
  const char* glued = nullptr;
  while (p != end) {
    const char* const start = p;
    Next first = read(p, end);
    if (first.kind == Kind::kSpace) {
      continue;
    }
    Word word;
    word.num_chars = 1;
    for (; start == glued && first.kind == Kind::kOther && p != end; ++word.num_chars) {
      first = read(p, end);
    }
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
    } else if (first.kind == Kind::kOther && !begins_handle(first.code, p, end)) {
      word.is_symbol = is_symbol_character(first.code);
      while (p != end && !stands_alone(first.code)) {
        const char* look = p;
        if (read(look, end).code != first.code) {
          break;
        }
        ++word.num_chars;
        p = look;
      }
    } else {
      const char* clitic_end = nullptr;
      p = extend_word(p, end, first.kind, word, clitic_end, glued);
      if (clitic_end != nullptr) {
        word.text = std::string_view(start, static_cast<size_t>(p - start));
        words.push_back(word);
        const std::string_view clitic(p, static_cast<size_t>(clitic_end - p));
        words.push_back({clitic, static_cast<uint32_t>(count_code_points(clitic)), true, false});
        p = clitic_end;
        continue;
      }
      if (const size_t cut = second_part({start, static_cast<size_t>(p - start)}); cut > 0) {
        word.text = {start, cut};
        word.num_chars -= static_cast<uint32_t>(static_cast<size_t>(p - start) - cut);
        word.has_letter = word.text[0] > '9';
        words.push_back(word);
        const std::string_view second(start + cut, static_cast<size_t>(p - start) - cut);
        words.push_back({second, static_cast<uint32_t>(second.size()), true, false});
        continue;
      }
      if (p != end && *p != ' ') {
        p = extend_address(start, p, end, word);
      }
      if (p != end && *p == '.' && keeps_full_stop({start, static_cast<size_t>(p - start)})) {
        const char* behind = p + 1;
        if (behind == end || read(behind, end).kind == Kind::kSpace || *(p + 1) == ',' || *(p + 1) == ')') {
          ++p;
          ++word.num_chars;
        }
      }
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
