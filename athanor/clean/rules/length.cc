#include "athanor/clean/rules/length.h"

#include "athanor/base/unicode.h"

namespace athanor {

Length::Length(const nlohmann::json& options)
    : min_chars_(options.at("min_chars")), max_chars_(options.at("max_chars")) {}

std::vector<StepOption> Length::options() {
  return {{"min_chars", 1, "shorter documents are dropped", 0},
          {"max_chars", 0, "longer documents are dropped; 0 means no limit", 0}};
}

Verdict Length::judge(std::string_view text) const {
  const int64_t chars = static_cast<int64_t>(count_code_points(text));
  const double score = static_cast<double>(chars);
  if (chars < min_chars_) {
    return {false, "too_short", score};
  }
  if (max_chars_ > 0 && chars > max_chars_) {
    return {false, "too_long", score};
  }
  return {true, "", score};
}

}  // namespace athanor
