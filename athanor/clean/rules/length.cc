#include "athanor/clean/rules/length.h"

#include "athanor/clean/bounds.h"

namespace athanor {

Length::Length(const nlohmann::json& options)
    : min_chars_(options.at("min_chars")), max_chars_(options.at("max_chars")) {}

std::vector<StepOption> Length::options() {
  return {threshold("min_chars", 1, "shorter documents are dropped", 0),
          threshold("max_chars", 0, "longer documents are dropped; 0 means no limit", 0)};
}

std::vector<StepMetric> Length::metrics() { return {{"chars", "code points"}}; }

void Length::measure(DocumentView& document, Measures& out) const { out.add(document.analysis().chars().all); }

Verdict Length::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_chars_, max_chars_ > 0 ? max_chars_ : kNoLimit, "too_short", "too_long"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
