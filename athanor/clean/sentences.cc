#include "athanor/clean/sentences.h"

#include <array>

#include "athanor/base/unicode.h"
#include "athanor/clean/abbreviations.h"
#include "athanor/clean/rules/published_punctuation.h"

namespace athanor {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alpha(char c) { return is_lower(c) || is_upper(c); }
bool is_alnum(char c) { return is_alpha(c) || (c >= '0' && c <= '9'); }

// Whether the full stop at text[at] belongs to the word before it.
bool is_abbreviation(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && (is_alnum(text[begin - 1]) || text[begin - 1] == '.')) {
    --begin;
  }
  return keeps_full_stop(text.substr(begin, at - begin));
}

// Whether the ASCII mark at text[at] ends a sentence.
bool ends_sentence(std::string_view text, size_t at) {
  const char next = at + 1 < text.size() ? text[at + 1] : ' ';
  if (text[at] != '.') {
    return !is_alnum(next);
  }
  if (is_alnum(next)) {
    return at > 0 && is_lower(text[at - 1]) && is_upper(next);
  }
  return !is_abbreviation(text, at);
}

// The bytes that can end a sentence: its ASCII marks, and what is not ASCII.
constexpr std::array<bool, 256> make_may_end() {
  std::array<bool, 256> may{};
  may['.'] = may['!'] = may['?'] = true;
  for (size_t c = 0x80; c < 256; ++c) {
    may[c] = true;
  }
  return may;
}
constexpr std::array<bool, 256> kMayEnd = make_may_end();

}  // namespace

size_t count_sentences(std::string_view line) {
  size_t sentences = 0;
  bool ended = true;  // no sentence is open
  bool visible = false;
  const char* p = line.data();
  const char* const end = p + line.size();
  while (p != end) {
    while (!ended && p != end && !kMayEnd[static_cast<uint8_t>(*p)]) {
      ++p;
    }
    if (p == end) {
      break;
    }
    const size_t at = static_cast<size_t>(p - line.data());
    const char c = *p;
    if (static_cast<uint8_t>(c) < 0x80) {
      ++p;
      visible |= c > ' ' && c != 0x7F;
      if (is_alnum(c)) {
        sentences += ended;
        ended = false;
      } else if ((c == '.' || c == '!' || c == '?') && ends_sentence(line, at)) {
        ended = true;
      }
      continue;
    }
    const char32_t code = decode_utf8(p, end);
    visible |= !is_space(code);
    if (is_terminal_punctuation(code)) {
      ended = true;
    } else if (ended && (is_letter(code) || is_number(code))) {
      ++sentences;
      ended = false;
    }
  }
  return sentences == 0 && visible ? 1 : sentences;
}

}  // namespace athanor
