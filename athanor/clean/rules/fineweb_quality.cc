#include "athanor/clean/rules/fineweb_quality.h"

#include "athanor/base/unicode.h"
#include "athanor/clean/rules/duplicates.h"
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
  return {{"line_punct_thr", 0.12, "smaller share of lines that end in terminal punctuation: dropped", 0, 1},
          {"line_punct_exclude_zero", false, "a document with no such line at all is not dropped for it"},
          {"short_line_thr", 0.67, "larger share of short lines: dropped", 0, 1},
          {"short_line_length", 30, "a line of at most so many characters is short", 0},
          {"char_duplicates_ratio", 0.01, "larger share of characters in repeated lines: dropped", 0, 1},
          {"new_line_ratio", 0.3, "more line feeds a word: dropped", 0}};
}

Verdict FinewebQuality::judge(std::string_view text) const {
  std::vector<Piece> lines;
  size_t num_feeds = 0;
  size_t num_chars = 0;  // without line feeds
  size_t num_ended = 0;
  size_t num_short = 0;
  for (const std::string_view line : split_lines(text)) {
    ++num_feeds;
    const size_t chars = count_code_points(line);
    num_chars += chars;
    if (trim_left(line).empty()) {
      continue;
    }
    lines.push_back({line, chars});
    num_ended += ends_in_terminal_punctuation(line);
    num_short += static_cast<int64_t>(chars) <= short_line_length_;
  }
  --num_feeds;  // one fewer than the lines they part
  if (lines.empty()) {
    return {false, "empty", 0};
  }
  const double num_lines = static_cast<double>(lines.size());
  const double ended = static_cast<double>(num_ended) / num_lines;
  if (ended < line_punct_thr_ && !(num_ended == 0 && line_punct_exclude_zero_)) {
    return {false, "line_punct_ratio", ended};
  }
  const double share = cjk_share(text);
  const bool spaced = share <= kCjkShare;
  const double short_lines = static_cast<double>(num_short) / num_lines;
  if (spaced && short_lines > short_line_thr_) {
    return {false, "short_line_ratio", short_lines};
  }
  const double repeated = static_cast<double>(find_duplicates(lines).chars) / static_cast<double>(num_chars);
  if (repeated > char_duplicates_ratio_) {
    return {false, "char_dup_ratio", repeated};
  }
  if (!spaced) {
    return {true, kSkippedForCjk, share};
  }
  // A line that is not blank holds a word or a symbol word, so there is at least one.
  const double feeds = static_cast<double>(num_feeds) / static_cast<double>(split_words(text).size());
  if (feeds > new_line_ratio_) {
    return {false, "list_ratio", feeds};
  }
  return {true, "", ended};
}

}  // namespace athanor
