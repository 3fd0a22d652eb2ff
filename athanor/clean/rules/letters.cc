#include "athanor/clean/rules/letters.h"

#include "athanor/clean/bounds.h"

namespace athanor {

Letters::Letters(const nlohmann::json& options) : min_fraction_(options.at("min_fraction")) {}

std::vector<StepOption> Letters::options() {
  return {threshold("min_fraction", 0.6, "documents with a smaller share of letters are dropped", 0, 1)};
}

std::vector<StepMetric> Letters::metrics() { return {{"fraction", "letters and marks over visible characters"}}; }

void Letters::measure(DocumentView& document, Measures& out) const {
  const CharCounts& chars = document.analysis().chars();
  out.add(ratio(chars.letters, chars.visible));
}

Verdict Letters::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_fraction_, kNoLimit, "too_few_letters", ""}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
