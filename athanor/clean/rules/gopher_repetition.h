// The repetition rules of Gopher (Rae et al. 2021, arXiv 2112.11446, table A1) as datatrove publishes and runs them,
// with its reasons; a document is dropped when a measure is above its limit. Lengths are in code points and divided
// by the whole text's; words as words.h defines them. In order:
//
//   dup_para_frac, dup_para_char_frac    paragraphs (parted by two or more line feeds): repeated / all; characters
//   dup_line_frac, dup_line_char_frac    lines (parted by one or more line feeds): the same
//   top_2_gram ... top_4_gram            the commonest n-gram, joined by spaces (of equals the first): length x count
//   duplicated_5_n_grams ... _10_        characters in n-grams, joined without spaces, that were seen before; a
//                                        repeated one skips its n words, so that none is counted twice
//
// For a document whose characters are Han or kana by more than 0.3 the n-grams are not measured (each such character
// is a word here): reason word_rules_skipped_cjk when it is kept.
#pragma once

#include <array>

#include "athanor/clean/step.h"

namespace athanor {

class GopherRepetition : public CleanStep {
 public:
  explicit GopherRepetition(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  std::array<double, 13> limits_;  // in the order of the metrics, which have the options' names
};

}  // namespace athanor
