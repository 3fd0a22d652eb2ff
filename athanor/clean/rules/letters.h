// Keeps documents in which letters and marks of any script (\p{L}, \p{M}: Han and kana are letters) make up at least
// min_fraction of the characters that are not white space. It never looks at spaces between words, so Chinese and
// English are judged alike. English and Chinese prose measure 0.85 to 0.97; tables and logs 0.2 to 0.6.
// Reason: too_few_letters. A text without visible characters has the fraction 0.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class Letters : public CleanStep {
 public:
  explicit Letters(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  double min_fraction_;
};

}  // namespace athanor
