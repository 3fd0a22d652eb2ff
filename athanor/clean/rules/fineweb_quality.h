// The line rules of FineWeb (Penedo et al. 2024, arXiv 2406.17557) as datatrove publishes them, with its reasons.
// A line is what stands between line feeds and is not blank; lengths are in code points. In order:
//
//   no such line                                                          empty
//   lines that end in terminal punctuation >= line_punct_thr (0.12)       line_punct_ratio
//   lines of at most short_line_length characters <= short_line_thr       short_line_ratio
//   characters in repeated lines / characters <= char_duplicates_ratio    char_dup_ratio
//   line feeds / words (words.h) <= new_line_ratio                        list_ratio
//
// For a document whose characters are Han or kana by more than 0.3 short lines and list_ratio say nothing (30 Han
// characters are a long sentence, and words are not spaced): they are not measured, and when kept the reason is
// word_rules_skipped_cjk.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class FinewebQuality : public CleanStep {
 public:
  explicit FinewebQuality(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  double line_punct_thr_;
  bool line_punct_exclude_zero_;
  double short_line_thr_;
  int64_t short_line_length_;
  double char_duplicates_ratio_;
  double new_line_ratio_;
};

}  // namespace athanor
