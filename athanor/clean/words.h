// How the filters see a text: words, lines, and the share of scripts that are written without spaces.
//
// The word rule, stated because every published threshold leans on one (a subset of UAX #29, in one pass):
//   - white space separates words;
//   - a word is a maximal run of letters, marks and numbers; ' (also U+2019), . and _ stay inside between two such
//     characters, a comma between two numbers; so "don't", "3,141.5" and "U.S" are one word, "well-known" is three;
//   - a character of a script without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) is a word of its own;
//   - a run of one and the same other character is a word: "..." is one, "?!" is two.
// datatrove splits English by spaCy: its contractions are two words ("do", "n't"); counts differ by about that.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

namespace athanor {

struct Word {
  std::string_view text;
  uint32_t num_chars = 0;    // code points
  bool has_letter = false;   // \p{L}
  bool is_symbol = false;    // no letter, mark or number: only published_punctuation.h
};

// The views point into text.
std::vector<Word> split_words(std::string_view text);

// At \n only; "a\n" has two lines, the second empty; an empty text has one.
std::vector<std::string_view> split_lines(std::string_view text);
// At every line boundary of Python's str.splitlines (\n \r \r\n \v \f FS GS RS NEL LS PS), without an empty last one.
std::vector<std::string_view> split_any_lines(std::string_view text);

// White space (Unicode White_Space) cut from the left, the right, both ends.
std::string_view trim_left(std::string_view text);
std::string_view trim_right(std::string_view text);
std::string_view trim(std::string_view text);

bool is_kana(char32_t code);             // Hiragana, Katakana, their extensions and half-width forms
bool is_unspaced_script(char32_t code);  // Han, kana, Thai, Lao, Myanmar, Khmer

// (Han + kana) / (code points that are not white space); 0 for a text without any.
double cjk_share(std::string_view text);
// Above this share a document is Chinese or Japanese, and rules that count spaced words do not apply to it.
inline constexpr double kCjkShare = 0.3;
// The reason that a kept verdict then carries; its score is the share.
inline constexpr char kSkippedForCjk[] = "word_rules_skipped_cjk";

}  // namespace athanor
