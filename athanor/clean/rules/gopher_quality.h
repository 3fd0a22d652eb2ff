// The quality rules of Gopher (Rae et al. 2021, arXiv 2112.11446, appendix A) as datatrove publishes and runs them,
// with its reasons; words as words.h defines them, checked in this order:
//
//   non-symbol words in min_doc_words..max_doc_words             gopher_short_doc, gopher_long_doc
//   their mean length in min_avg..max_avg_word_length            gopher_below_avg_threshold, gopher_above_avg_threshold
//   '#' over words, "..." and U+2026 over words                  gopher_too_many_hashes, gopher_too_many_ellipsis
//   lines that begin with a bullet (U+2022) or '-'               gopher_too_many_bullets
//   lines that end in an ellipsis                                gopher_too_many_end_ellipsis
//   words with a letter over words                               gopher_below_alpha_threshold
//   how many of the stop words occur at all (case matters)       gopher_enough_stop_words
//
// A document whose characters are Han or kana by more than 0.3 is not measured and kept: reason word_rules_skipped_cjk.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class GopherQuality : public CleanStep {
 public:
  explicit GopherQuality(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  double min_doc_words_, max_doc_words_;
  double min_avg_word_length_, max_avg_word_length_;
  double max_symbol_word_ratio_;
  double max_bullet_lines_ratio_, max_ellipsis_lines_ratio_;
  double min_alpha_words_ratio_;
  double min_stop_words_;
  std::vector<uint64_t> stop_words_;  // their hashes
};

}  // namespace athanor
