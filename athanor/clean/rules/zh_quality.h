// Quality rules for Chinese text, the counterparts of the rules that count spaced words. Nothing here looks at spaces;
// lengths are in characters. No published set exists for a text without word splitting, so these are our own, set so
// that each keeps at least 99 % of the good text that it was measured on (docs/data/rules.md has the figures).
//
//   Han characters                                         min_han                 zh_too_short
//   Han / visible characters                               min_han_ratio           zh_few_han
//   full stops, ? and ! of either width a 1000 Han         min_end_marks           zh_few_end_marks
//   mean characters between two marks of any kind          min/max_clause          zh_short_clauses, zh_long_clauses
//   lines of up to 10 characters without an end mark / all max_fragment_lines      zh_fragments
//   characters in repeated lines / characters              max_dup_line_chars      zh_dup_lines
//   characters in the commonest 4-gram of characters       max_top_4_gram          zh_top_4_gram
//   characters in repeated 13-grams of characters          max_dup_13_gram         zh_dup_13_gram
//   different / all characters, of the first 1000 visible  min_variety             zh_little_variety
//   phrases of advertising and site furniture a 1000       max_ads                 zh_advertising
//
// N-grams are of visible characters that are neither punctuation nor symbols. A document of which Han and kana are at
// most 0.3 of the visible characters is not measured and kept (not_chinese), unless only_chinese is set.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class ZhQuality : public CleanStep {
 public:
  explicit ZhQuality(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  bool only_chinese_;
  double min_han_, min_han_ratio_, min_end_marks_, min_clause_, max_clause_, max_fragment_lines_, max_dup_line_chars_;
  double max_top_4_gram_, max_dup_13_gram_, min_variety_, max_ads_;
};

}  // namespace athanor
