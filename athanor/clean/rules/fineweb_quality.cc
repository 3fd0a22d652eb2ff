#include "athanor/clean/rules/fineweb_quality.h"

#include <cmath>

#include "athanor/clean/bounds.h"
#include "athanor/clean/rules/repeated_pieces.h"
#include "athanor/clean/rules/published_punctuation.h"
#include "athanor/clean/words.h"

namespace athanor {

FinewebQuality::FinewebQuality(const nlohmann::json& options)
    : line_punct_thr_(options.at("line_punct_thr")),
      line_punct_exclude_zero_(options.at("line_punct_exclude_zero")),
      short_line_thr_(options.at("short_line_thr")),
      short_line_length_(options.at("short_line_length")),
      char_duplicates_ratio_(options.at("char_duplicates_ratio")),
      new_line_ratio_(options.at("new_line_ratio")) {}

std::vector<StepOption> FinewebQuality::options() {
  return {threshold("line_punct_thr", 0.12, "smaller share of lines that end in terminal punctuation: dropped", 0, 1),
          threshold("line_punct_exclude_zero", false, "a document with no such line at all is not dropped for it"),
          threshold("short_line_thr", 0.67, "larger share of short lines: dropped", 0, 1),
          {"short_line_length", 30, "a line of at most so many characters is short", 0},
          threshold("char_duplicates_ratio", 0.01, "larger share of characters in repeated lines: dropped", 0, 1),
          threshold("new_line_ratio", 0.3, "more line feeds a word: dropped", 0)};
}

std::vector<StepMetric> FinewebQuality::metrics() {
  return {{"line_punct_ratio", "lines that end in terminal punctuation / lines"},
          {"short_line_ratio", "short lines / lines"},
          {"char_dup_ratio", "characters in repeated lines / characters"},
          {"list_ratio", "line feeds / words"},
          {"lines", "lines that are not blank"}};
}

void FinewebQuality::measure(DocumentView& document, Measures& out) const {
  TextAnalysis& text = document.analysis();
  std::vector<CountedPiece> lines;
  size_t num_chars = 0;  // without line feeds
  size_t num_ended = 0;
  size_t num_short = 0;
  for (const TextLine& line : text.lines()) {
    num_chars += line.num_chars;
    if (line.blank) {
      continue;
    }
    lines.push_back({line.text, line.num_chars});
    num_ended += ends_in_terminal_punctuation(line.text);
    num_short += static_cast<int64_t>(line.num_chars) <= short_line_length_;
  }
  const bool spaced = text.spaced();
  out.add(ratio(num_ended, lines.size()));
  out.add(spaced ? ratio(num_short, lines.size()) : kDoesNotApply);
  out.add(ratio(find_repeated_pieces(lines).chars, num_chars));
  // A line that is not blank holds a word or a symbol word.
  out.add(spaced ? ratio(text.lines().size() - 1, text.words().size()) : kDoesNotApply);
  out.add(lines.size());
}

Verdict FinewebQuality::decide(const Measures& measures) const {
  const std::vector<double>& numbers = measures.numbers;
  const bool excused = line_punct_exclude_zero_ && numbers.at(0) == 0;
  const Bound bounds[] = {{4, 1, kNoLimit, "empty", ""},
                          {0, excused ? 0 : line_punct_thr_, kNoLimit, "line_punct_ratio", ""},
                          {1, -kNoLimit, short_line_thr_, "", "short_line_ratio"},
                          {2, -kNoLimit, char_duplicates_ratio_, "", "char_dup_ratio"},
                          {3, -kNoLimit, new_line_ratio_, "", "list_ratio"}};
  Verdict verdict = check_bounds(measures, bounds);
  if (verdict.keep && std::isnan(numbers.at(3))) {
    verdict.reason = kSkippedForCjk;
  }
  return verdict;
}

}  // namespace athanor
