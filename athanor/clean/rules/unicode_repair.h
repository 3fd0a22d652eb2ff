// Repairs what went wrong between character sets, and unifies forms. `normalize` does the everyday part (NFC, line
// ends, invisible characters, blanks); this step holds what changes what a text says, so each part is an option:
//
//   mojibake   UTF-8 that was read as Windows-1252 or Latin-1 ("cafÃ©", "itâ€™s", "ä½ å¥½"), once or twice: each
//              run of such characters whose bytes are one well-formed UTF-8 character becomes that character. Only
//              where it decodes cleanly, and only in a text with a sign that it is one: a character of three or four
//              bytes, or one of two bytes whose second is no closing quotation mark, dash or ellipsis ("IRMÃ" before
//              a quotation mark stays).
//   form       "none", "NFC", or "NFKC" (ligatures, circled digits, full-width Latin: it loses distinctions)
//   width      "keep", or "half": U+FF01..FF5E letters, digits and ASCII signs become ASCII, U+3000 a space; the marks
//              that Chinese prose is written with (，。！？：；（）) stay full-width
//   controls   control characters other than tab and line feed, and U+FFF9..FFFB, are taken out
//
// Metrics tell how much was done; `lost` counts what cannot be repaired (U+FFFD, and 锟斤拷, which GBK makes of it).
#pragma once

#include "athanor/clean/step.h"

namespace athanor {

class UnicodeRepair : public CleanStep {
 public:
  explicit UnicodeRepair(const nlohmann::json& options);
  static std::vector<StepOption> options();
  static std::vector<StepMetric> metrics();
  void measure(DocumentView& document, Measures& out) const override;
  Verdict decide(const Measures& measures) const override;
  bool rewrites() const override { return true; }

 private:
  bool mojibake_, half_width_, controls_;
  enum class Form { kNone, kNfc, kNfkc } form_ = Form::kNone;
  double max_lost_;
};

// Text with its mojibake undone once; repaired: how many characters were put together.
std::string undo_mojibake(std::string_view text, size_t& repaired);

}  // namespace athanor
