// For the tests of rules: one step on one text.
#pragma once

#include <string>

#include "athanor/clean/step.h"

namespace athanor {

struct Judged : Verdict {
  Measures measures;
  std::string text;  // as the step left it
};

// metric's value by its name in the table; NaN when it is none.
inline double metric_of(const std::string& step, const Judged& judged, const std::string& metric) {
  size_t index = 0;
  for (const StepMetric& known : find_clean_step(step, "").metrics) {
    if (known.name == metric) {
      return judged.measures.numbers.at(index);
    }
    index += known.type == MetricType::kNumber;
  }
  return kDoesNotApply;
}

// with: fills in what else the document has.
template <typename With>
Judged judge_with(const std::string& name, std::string text, const nlohmann::json& options, const With& with) {
  const StepEntry& entry = find_clean_step(name, "");
  const auto step = entry.make(resolve_options(entry, options, ""));
  Judged judged;
  {
    DocumentView document(text);
    with(document);
    step->measure(document, judged.measures);
  }
  static_cast<Verdict&>(judged) = step->decide(judged.measures);
  judged.text = std::move(text);
  return judged;
}

inline Judged judge(const std::string& name, std::string text,
                    const nlohmann::json& options = nlohmann::json::object()) {
  return judge_with(name, std::move(text), options, [](DocumentView&) {});
}

}  // namespace athanor
