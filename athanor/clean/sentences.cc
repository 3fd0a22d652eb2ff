#include "athanor/clean/sentences.h"

#include <algorithm>
#include <array>

#include "athanor/base/unicode.h"
#include "athanor/clean/rules/published_punctuation.h"

namespace athanor {

namespace {

bool is_lower(char c) { return c >= 'a' && c <= 'z'; }
bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
bool is_alpha(char c) { return is_lower(c) || is_upper(c); }
bool is_alnum(char c) { return is_alpha(c) || (c >= '0' && c <= '9'); }

// Ascending. Those of spaCy's English tokenizer that end in a full stop, without the names of months and states that
// end sentences as often as not.
constexpr std::array<std::string_view, 38> kAbbreviations = {
    "Adm", "Apr", "Aug", "Bros", "Capt", "Co",  "Corp", "Dec",  "Dr",   "Feb", "Gen",  "Gov", "Inc",
    "Jan", "Jr",  "Jul", "Jun",  "Ltd", "Mar",  "Messrs", "Mr", "Mrs", "Ms",   "Mt",   "Nov", "Oct",
    "Ph.D", "Prof", "Rep", "Rev", "Sen", "Sep", "Sept", "Sr", "St", "e.g", "i.e", "vs"};
static_assert(std::is_sorted(kAbbreviations.begin(), kAbbreviations.end()));

// Whether the full stop at text[at] belongs to the word before it.
bool is_abbreviation(std::string_view text, size_t at) {
  size_t begin = at;
  while (begin > 0 && (is_alnum(text[begin - 1]) || text[begin - 1] == '.')) {
    --begin;
  }
  const std::string_view word = text.substr(begin, at - begin);
  if (word.size() == 1) {
    return is_alpha(word[0]);
  }
  if (word == "a.m" || word == "p.m" || (word.size() >= 3 && word.size() % 2 == 1 && is_upper(word[0]) && word[1] == '.')) {
    return true;  // U.S, J.R.R
  }
  return std::binary_search(kAbbreviations.begin(), kAbbreviations.end(), word);
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

}  // namespace

size_t count_sentences(std::string_view line) {
  size_t sentences = 0;
  bool ended = true;  // no sentence is open
  bool visible = false;
  const char* p = line.data();
  const char* const end = p + line.size();
  while (p != end) {
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
