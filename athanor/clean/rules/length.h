// Keeps documents of min_chars..max_chars code points. Reasons: too_short, too_long.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class Length : public CleanStep {
 public:
  explicit Length(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;

 private:
  double min_chars_;
  double max_chars_;  // 0: no limit
};

}  // namespace athanor
