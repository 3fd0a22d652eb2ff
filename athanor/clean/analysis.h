// What several rules ask of one text, worked out once for all of them: its characters counted by kind, its lines, its
// words. Each part is made at the first question.
//
//   TextAnalysis analysis(text);
//   if (analysis.cjk_share() <= kCjkShare) { use(analysis.words()); }
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "athanor/clean/words.h"

namespace athanor {

struct CharCounts {
  size_t all = 0;      // code points; each bad byte sequence is one
  size_t visible = 0;  // not white space and not ASCII control characters
  size_t letters = 0;  // \p{L} and \p{M}
  size_t cjk = 0;      // Han and kana
};

struct TextLine {
  std::string_view text;  // without its line feed
  uint32_t num_chars = 0;
  bool blank = true;  // white space only
};

class TextAnalysis {
 public:
  explicit TextAnalysis(std::string_view text) : text_(text) {}
  // Forgets everything: the text is another one.
  void reset(std::string_view text);

  std::string_view text() const { return text_; }
  const CharCounts& chars();
  // Parted by \n alone; "a\n" has two lines, the second empty; an empty text has one.
  const std::vector<TextLine>& lines();
  // At every boundary of Python's str.splitlines (words.h).
  const std::vector<std::string_view>& any_lines();
  const std::vector<Word>& words();
  // One a word: equal words have equal ones, and others but for a chance of 2^-64 a pair.
  const std::vector<uint64_t>& word_hashes();
  // (Han + kana) / visible; 0 for a text without any.
  double cjk_share();
  // Whether rules that count spaced words apply.
  bool spaced() { return cjk_share() <= kCjkShare; }

 private:
  std::string_view text_;
  bool has_chars_ = false;
  bool has_lines_ = false;
  bool has_any_lines_ = false;
  bool has_words_ = false;
  bool has_hashes_ = false;
  CharCounts chars_;
  std::vector<TextLine> lines_;
  std::vector<std::string_view> any_lines_;
  std::vector<Word> words_;
  std::vector<uint64_t> hashes_;
};

}  // namespace athanor
