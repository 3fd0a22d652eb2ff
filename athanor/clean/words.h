// How the filters see a text: words, lines, and the share of scripts that are written without spaces.
//
// The word rule, stated because every published threshold leans on one (UAX #29's idea of a word, turned towards what
// spaCy's English tokenizer makes of web text, which datatrove counts by; in one pass, without a dictionary):
//
//   - white space separates words;
//   - a word is a maximal run of letters, marks and numbers, with the punctuation between two such characters where no
//     white space parts them ("a@b.org", "3,141.5", "10:30", "IL-3", "him?But", "so.--\"I"), but for what parts words
//     by spaCy's infixes (word_joints.h): "well-known" is three, "and/or" too, "end.Next" as well; "@name" is one;
//   - the clitics 's 'm 'd 're 've 'll and n't at a word's end are words: "do|n't", "she|'s"; so are the halves of
//     "can|not", and a unit behind a number: "64|GB";
//   - a full stop stays with a single letter, with letters parted by full stops and with a short list of English
//     abbreviations: "J.", "U.S.", "Mr." (abbreviations.h);
//   - a run that begins as an address (scheme://, www.) goes to the next white space, less the punctuation at its end;
//   - a character of a script without spaces (Han, kana, Thai, Lao, Khmer, Myanmar) is a word of its own;
//   - of other characters a run of one and the same is a word ("..." "--"), except that ! ? , : ; = # * & quotation
//     marks and brackets stand alone: "?!" is two, "###" three.
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
