#include "athanor/clean/rules/letters.h"

#include "athanor/base/unicode.h"

namespace athanor {

Letters::Letters(const nlohmann::json& options) : min_fraction_(options.at("min_fraction")) {}

std::vector<StepOption> Letters::options() {
  return {{"min_fraction", 0.6, "documents with a smaller share of letters are dropped", 0, 1}};
}

Verdict Letters::judge(std::string_view text) const {
  uint64_t letters = 0;
  uint64_t visible = 0;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const uint8_t byte = static_cast<uint8_t>(*p);
    if (byte < 0x80) {
      ++p;
      const uint8_t folded = byte | 0x20;
      letters += folded >= 'a' && folded <= 'z';
      visible += byte > ' ' && byte != 0x7F;
      continue;
    }
    const char32_t code = decode_utf8(p, end);
    letters += is_letter(code) || is_mark(code);
    visible += !is_space(code);
  }
  const double fraction = visible == 0 ? 0 : static_cast<double>(letters) / static_cast<double>(visible);
  if (fraction < min_fraction_) {
    return {false, "too_few_letters", fraction};
  }
  return {true, "", fraction};
}

}  // namespace athanor
