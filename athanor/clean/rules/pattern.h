// The user's own regular expressions (PCRE2 10, UTF and UCP, compiled to machine code where it can be): counted, and
// by action the matches are left (count), taken out (remove), replaced, or the lines they touch taken out
// (remove_lines). Several patterns work one after the other on what the one before left.
//
//   - pattern: {patterns: ['(?i)click here'], action: remove_lines}
//   - pattern: {patterns: ['\b[A-Z]{3}-\d{6}\b'], action: replace, replacement: 'ID-000000'}
//   - pattern: {patterns: ['(?i)\bhypertension\b'], min_matches: 1}            # keeps the documents with a match
//
// In a replacement $0 is the match, $1..$9 its groups, $$ a dollar sign. An empty match counts and takes nothing out.
// A search that takes more than the match limit of steps is given up: the metric gave_up counts these, the text keeps
// what was not reached, and nothing hangs. Reasons: pattern_found (more than max_matches), pattern_missing (fewer than
// min_matches).
#pragma once

#include "athanor/clean/step.h"

struct pcre2_real_code_8;

namespace athanor {

class Pattern : public CleanStep {
 public:
  // Throws Error(kUsage) with PCRE2's message and the place in a pattern that is none.
  explicit Pattern(const nlohmann::json& options);
  ~Pattern() override;
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  bool rewrites() const override { return action_ != Action::kCount; }

 private:
  enum class Action { kCount, kRemove, kReplace, kRemoveLines };
  struct Tally;
  void run_one(const pcre2_real_code_8* code, std::string& text, Tally& tally) const;

  std::vector<pcre2_real_code_8*> codes_;
  Action action_ = Action::kCount;
  std::string replacement_;
  double max_matches_, min_matches_;
};

}  // namespace athanor
