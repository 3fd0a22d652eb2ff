// The heuristics of C4 (Raffel et al. 2020, JMLR 21/140) as datatrove publishes and runs them, with its reasons.
//
// measure() walks the lines (every boundary of Python's str.splitlines), each trimmed, and takes out a line
//
//   with a word, parted by white space, of more than max_word_length characters     too_long_word
//   that does not end in . ? ! " ' or that ends in "..." (FineWeb: off)             no_terminal_punct
//   of fewer than min_words_per_line words                                          too_few_words
//   that mentions "javascript"                                                      javascript
//   with a phrase of a policy: terms of use, privacy policy, cookie policy,
//   uses cookies, use of cookies, use cookies                                       policy
//
// and citations ([12], [edit], [citation needed]) from the lines that stay. decide() then drops a document with
// "lorem ipsum" (lorem_ipsum) or "{" (curly_bracket) in a line that reached that test, whichever comes first, and one
// with fewer than min_num_sentences sentences left (too_few_sentences; sentences.h has the rule).
//
// In a document whose characters are Han or kana by more than 0.3 a line is one word, so the rule on words a line is
// not applied; and a line may end in the full-width marks or closing quotation marks as well.
// With remove_lines off the text stays as it is and only the numbers are taken.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class C4 : public CleanStep {
 public:
  explicit C4(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  bool rewrites() const override { return remove_lines_; }

 private:
  enum class Fate { kKept, kLongWord, kNoEnd, kFewWords, kJavascript, kPolicy };
  struct Found;
  Fate fate_of(std::string_view& line, std::string& scratch, size_t number, Found& found) const;

  bool remove_lines_, remove_citations_, filter_no_terminal_punct_, filter_javascript_, filter_policy_;
  bool filter_lorem_ipsum_, filter_curly_bracket_;
  int64_t min_words_per_line_, max_word_length_;
  double min_num_sentences_;
};

// mC4's rule on paragraphs (Xue et al. 2021): at least three lines, parted by \n, of at least min_length characters.
// Reason: few_paragraphs.
class C4Paragraph : public CleanStep {
 public:
  explicit C4Paragraph(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  double min_length_;
};

}  // namespace athanor
