// For the tests of rules: one step on one text.
#pragma once

#include <unistd.h>

#include <string>

#include "athanor/classic/ngram_model.h"
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
  step->open();
  step->check_thresholds();
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

// The path of an n-gram model of one order that knows "the" (p = 0.25) and the end of a sentence (p = 0.5).
inline std::string tiny_ngram_model() {
  const fs::path path = fs::temp_directory_path() / ("athanor_tiny_" + std::to_string(::getpid()) + ".ngram");
  const std::string arpa =
      "\\data\\\nngram 1=4\n\n\\1-grams:\n-2\t<unk>\n-99\t<s>\n-0.30103\t</s>\n-0.60206\tthe\n\n\\end\\\n";
  NgramModel::write(parse_arpa(arpa, "test"), path, {});
  return path.string();
}

}  // namespace athanor
