#include "athanor/clean/rules/gopher_quality.h"

#include <algorithm>
#include <cmath>
#include <set>

#include "athanor/clean/bounds.h"
#include "athanor/clean/word_hash.h"

namespace athanor {

namespace {

constexpr std::string_view kEllipsis = "\xE2\x80\xA6";  // U+2026
constexpr std::string_view kBullet = "\xE2\x80\xA2";    // U+2022

size_t count_of(std::string_view text, std::string_view piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + piece.size())) {
    ++count;
  }
  return count;
}

std::vector<uint64_t> hashes_of(const std::set<std::string>& words) {
  std::vector<uint64_t> hashes;
  for (const std::string& word : words) {
    hashes.push_back(hash_word(word));
  }
  return hashes;
}

}  // namespace

GopherQuality::GopherQuality(const nlohmann::json& options)
    : min_doc_words_(options.at("min_doc_words")),
      max_doc_words_(options.at("max_doc_words")),
      min_avg_word_length_(options.at("min_avg_word_length")),
      max_avg_word_length_(options.at("max_avg_word_length")),
      max_symbol_word_ratio_(options.at("max_symbol_word_ratio")),
      max_bullet_lines_ratio_(options.at("max_bullet_lines_ratio")),
      max_ellipsis_lines_ratio_(options.at("max_ellipsis_lines_ratio")),
      min_alpha_words_ratio_(options.at("min_alpha_words_ratio")),
      min_stop_words_(options.at("min_stop_words")),
      stop_words_(hashes_of(options.at("stop_words").get<std::set<std::string>>())) {}

std::vector<StepOption> GopherQuality::options() {
  return {threshold("min_doc_words", 50, "fewer non-symbol words: dropped", 0),
          threshold("max_doc_words", 100000, "more non-symbol words: dropped", 1),
          threshold("min_avg_word_length", 3.0, "shorter mean word, in characters: dropped", 0),
          threshold("max_avg_word_length", 10.0, "longer mean word, in characters: dropped", 0),
          threshold("max_symbol_word_ratio", 0.1, "more '#', or more ellipses, a word: dropped", 0),
          threshold("max_bullet_lines_ratio", 0.9, "larger share of lines that begin with a bullet: dropped", 0, 1),
          threshold("max_ellipsis_lines_ratio", 0.3, "larger share of lines that end in an ellipsis: dropped", 0, 1),
          threshold("min_alpha_words_ratio", 0.8, "smaller share of words with a letter: dropped", 0, 1),
          threshold("min_stop_words", 2, "fewer different stop words: dropped", 0),
          {"stop_words",
           {"the", "be", "to", "of", "and", "that", "have", "with"},
           "the words that min_stop_words counts"}};
}

std::vector<StepMetric> GopherQuality::metrics() {
  return {{"words", "non-symbol words"},
          {"mean_word_length", "their mean length in characters"},
          {"hash_ratio", "'#' / words"},
          {"ellipsis_ratio", "'...' and U+2026 / words"},
          {"bullet_lines", "lines that begin with a bullet / lines"},
          {"ellipsis_lines", "lines that end in an ellipsis / lines"},
          {"alpha_words", "words with a letter / words"},
          {"stop_words", "different stop words"}};
}

void GopherQuality::measure(DocumentView& document, Measures& out) const {
  TextAnalysis& text = document.analysis();
  if (!text.spaced()) {
    out.numbers.assign(8, kDoesNotApply);
    return;
  }
  const std::vector<Word>& words = text.words();
  size_t plain = 0;  // non-symbol words
  size_t plain_chars = 0;
  size_t with_letter = 0;
  for (const Word& word : words) {
    plain += !word.is_symbol;
    plain_chars += word.is_symbol ? 0 : word.num_chars;
    with_letter += word.has_letter;
  }
  std::vector<uint64_t> stops_left = stop_words_;
  for (const uint64_t hash : text.word_hashes()) {
    if (const auto stop = std::find(stops_left.begin(), stops_left.end(), hash); stop != stops_left.end()) {
      stops_left.erase(stop);
    }
  }
  const std::vector<std::string_view>& lines = text.any_lines();
  size_t bullets = 0;
  size_t ellipses = 0;
  for (const std::string_view line : lines) {
    const std::string_view left = trim_left(line);
    const std::string_view right = trim_right(line);
    bullets += left.starts_with('-') || left.starts_with(kBullet);
    ellipses += right.ends_with("...") || right.ends_with(kEllipsis);
  }
  out.add(plain);
  out.add(ratio(plain_chars, plain));
  out.add(ratio(count_of(document.text(), "#"), words.size()));
  out.add(ratio(count_of(document.text(), "...") + count_of(document.text(), kEllipsis), words.size()));
  out.add(ratio(bullets, lines.size()));
  out.add(ratio(ellipses, lines.size()));
  out.add(ratio(with_letter, words.size()));
  out.add(stop_words_.size() - stops_left.size());
}

Verdict GopherQuality::decide(const Measures& measures) const {
  // A document without words is short whatever the limit: it has no mean.
  const Bound bounds[] = {
      {0, std::max(min_doc_words_, 1.0), max_doc_words_, "gopher_short_doc", "gopher_long_doc"},
      {1, min_avg_word_length_, max_avg_word_length_, "gopher_below_avg_threshold", "gopher_above_avg_threshold"},
      {2, -kNoLimit, max_symbol_word_ratio_, "", "gopher_too_many_hashes"},
      {3, -kNoLimit, max_symbol_word_ratio_, "", "gopher_too_many_ellipsis"},
      {4, -kNoLimit, max_bullet_lines_ratio_, "", "gopher_too_many_bullets"},
      {5, -kNoLimit, max_ellipsis_lines_ratio_, "", "gopher_too_many_end_ellipsis"},
      {6, min_alpha_words_ratio_, kNoLimit, "gopher_below_alpha_threshold", ""},
      {7, min_stop_words_, kNoLimit, "gopher_enough_stop_words", ""}};
  Verdict verdict = check_bounds(measures, bounds);
  if (std::isnan(measures.numbers.at(0))) {
    verdict.reason = kSkippedForCjk;
  }
  return verdict;
}

}  // namespace athanor
