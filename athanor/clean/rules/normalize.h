// Rewrites a text so that what looks the same is the same:
//   - ill-formed UTF-8 becomes U+FFFD; CR LF, CR, NEL, LS and PS become a line feed;
//   - control characters other than line feed and tab, zero-width and invisible ones (U+200B, U+2060..2064, U+FEFF,
//     U+00AD soft hyphen, the directional marks U+200E, U+200F, U+202A..202E, U+2066..2069) are removed; the joiners
//     U+200C and U+200D stay after a character that is neither ASCII nor a space: Persian, Indic scripts and emoji
//     need them;
//   - a run of blanks becomes one space, or one tab when there is a tab in it; at a line's end and at the
//     text's beginning it is cut;
//   - more than max_blank_lines blank lines in a row become max_blank_lines; blank lines at both ends are cut;
//   - the result is in NFC (Unicode 15.0.0).
// Idempotent.
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class Normalize : public CleanStep {
 public:
  explicit Normalize(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  bool rewrites() const override { return true; }

 private:
  int64_t max_blank_lines_;
  bool collapse_spaces_;
};

}  // namespace athanor
