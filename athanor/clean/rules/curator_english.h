// NeMo Curator's heuristics for English web text, as its heuristic_filter.py (0.10) computes them and its
// heuristic_filter_en.yaml sets them, one reason a rule (the names of the classes). Words are what white space parts,
// lines those that are not blank, paragraphs what "\n\n" parts; lengths are in code points. A rule fails
//
//   NonAlphaNumeric          when characters outside [a-zA-Z0-9\n?!,.] / characters      > 0.25
//   SymbolsToWords           words that are an ellipsis or mostly '#' / words            > 0.1
//   Numbers, Urls            digits, characters of http(s) URLs / characters             > 0.15, > 0.2
//   WhiteSpace, Parentheses  tabs, feeds, spaces; (){}[] and U+27E8/9 / characters       > 0.25, > 0.1
//   BoilerPlateString        paragraphs with a policy phrase / paragraphs                > 0.4 (lorem ipsum: 1)
//   RepeatedLines, RepeatedParagraphs           different / all                          < 0.7
//   RepeatedLinesByChar, RepeatedParagraphsByChar  characters of the different / all     < 0.8
//   WordCount                words                                                       outside 50..100000
//   Punctuation              lines without . ? ! " ' at the end / lines                  > 0.85
//   WordsWithoutAlphabets    words with a letter / words                                 < 0.8
//   CommonEnglishWords       occurrences of the, be, to, of, and, that, have, with       < 2
//   MeanWordLength, LongWord mean length, longest                                        outside 3..10, > 1000
//   Ellipsis, Bullets        lines that end in an ellipsis, begin with a bullet / lines  > 0.3, > 0.9
//   RepeatingTop2grams ...4  characters that go when the commonest n-gram is taken out   > 0.2, 0.18, 0.16
//   RepeatingDup5gram ...10  characters in repeated n-grams, none twice, with spaces     > 0.15 ... 0.1
//
// Of several commonest n-grams the first is taken (Curator's choice depends on Python's hash seed). A document with
// fewer words than n has the n-gram measure 1, as published. Texts in Han or kana (more than 0.3) are not measured.
#pragma once

#include <array>

#include "athanor/clean/step.h"

namespace athanor {

class CuratorEnglish : public CleanStep {
 public:
  explicit CuratorEnglish(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  struct Limit {
    double min, max;
  };
  std::vector<Limit> limits_;  // one a metric
};

}  // namespace athanor
