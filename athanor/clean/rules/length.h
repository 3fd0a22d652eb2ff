// Keeps documents of min_chars..max_chars code points. Reasons: too_short, too_long; score: code points.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class Length : public CleanStep {
 public:
  explicit Length(const nlohmann::json& options);
  static std::vector<StepOption> options();
  const char* name() const override { return "length"; }
  Verdict judge(std::string_view text) const override;

 private:
  int64_t min_chars_;
  int64_t max_chars_;  // 0: no limit
};

}  // namespace athanor
