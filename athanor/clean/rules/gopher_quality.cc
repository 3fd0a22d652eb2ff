#include "athanor/clean/rules/gopher_quality.h"

#include <algorithm>

#include "athanor/clean/words.h"

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

double ratio(size_t part, size_t whole) {
  return whole == 0 ? 0 : static_cast<double>(part) / static_cast<double>(whole);
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
      stop_words_(options.at("stop_words").get<std::set<std::string, std::less<>>>()) {}

std::vector<StepOption> GopherQuality::options() {
  return {{"min_doc_words", 50, "fewer non-symbol words: dropped", 0},
          {"max_doc_words", 100000, "more non-symbol words: dropped", 1},
          {"min_avg_word_length", 3.0, "shorter mean word, in characters: dropped", 0},
          {"max_avg_word_length", 10.0, "longer mean word, in characters: dropped", 0},
          {"max_symbol_word_ratio", 0.1, "more '#', or more ellipses, a word: dropped", 0},
          {"max_bullet_lines_ratio", 0.9, "larger share of lines that begin with a bullet: dropped", 0, 1},
          {"max_ellipsis_lines_ratio", 0.3, "larger share of lines that end in an ellipsis: dropped", 0, 1},
          {"min_alpha_words_ratio", 0.8, "smaller share of words with a letter: dropped", 0, 1},
          {"min_stop_words", 2, "fewer different stop words: dropped", 0},
          {"stop_words",
           {"the", "be", "to", "of", "and", "that", "have", "with"},
           "the words that min_stop_words counts"}};
}

Verdict GopherQuality::judge_lines(std::string_view text) const {
  const std::vector<std::string_view> lines = split_any_lines(text);
  size_t bullets = 0;
  size_t ellipses = 0;
  for (const std::string_view line : lines) {
    const std::string_view left = trim_left(line);
    const std::string_view right = trim_right(line);
    bullets += left.starts_with('-') || left.starts_with(kBullet);
    ellipses += right.ends_with("...") || right.ends_with(kEllipsis);
  }
  if (const double share = ratio(bullets, lines.size()); share > max_bullet_lines_ratio_) {
    return {false, "gopher_too_many_bullets", share};
  }
  if (const double share = ratio(ellipses, lines.size()); share > max_ellipsis_lines_ratio_) {
    return {false, "gopher_too_many_end_ellipsis", share};
  }
  return {};
}

Verdict GopherQuality::judge(std::string_view text) const {
  if (const double share = cjk_share(text); share > kCjkShare) {
    return {true, kSkippedForCjk, share};
  }
  const std::vector<Word> words = split_words(text);
  size_t plain = 0;  // non-symbol words
  size_t plain_chars = 0;
  size_t with_letter = 0;
  std::vector<std::string_view> stops_seen;
  for (const Word& word : words) {
    plain += !word.is_symbol;
    plain_chars += word.is_symbol ? 0 : word.num_chars;
    with_letter += word.has_letter;
    if (static_cast<int64_t>(stops_seen.size()) < min_stop_words_ && stop_words_.contains(word.text) &&
        std::find(stops_seen.begin(), stops_seen.end(), word.text) == stops_seen.end()) {
      stops_seen.push_back(word.text);
    }
  }
  const double num_plain = static_cast<double>(plain);
  if (plain == 0 || static_cast<int64_t>(plain) < min_doc_words_) {
    return {false, "gopher_short_doc", num_plain};
  }
  if (static_cast<int64_t>(plain) > max_doc_words_) {
    return {false, "gopher_long_doc", num_plain};
  }
  const double mean_length = ratio(plain_chars, plain);
  if (mean_length < min_avg_word_length_) {
    return {false, "gopher_below_avg_threshold", mean_length};
  }
  if (mean_length > max_avg_word_length_) {
    return {false, "gopher_above_avg_threshold", mean_length};
  }
  if (const double hashes = ratio(count_of(text, "#"), words.size()); hashes > max_symbol_word_ratio_) {
    return {false, "gopher_too_many_hashes", hashes};
  }
  const size_t num_ellipses = count_of(text, "...") + count_of(text, kEllipsis);
  if (const double ellipses = ratio(num_ellipses, words.size()); ellipses > max_symbol_word_ratio_) {
    return {false, "gopher_too_many_ellipsis", ellipses};
  }
  if (Verdict verdict = judge_lines(text); !verdict.keep) {
    return verdict;
  }
  if (const double alpha = ratio(with_letter, words.size()); alpha < min_alpha_words_ratio_) {
    return {false, "gopher_below_alpha_threshold", alpha};
  }
  if (static_cast<int64_t>(stops_seen.size()) < min_stop_words_) {
    return {false, "gopher_enough_stop_words", static_cast<double>(stops_seen.size())};
  }
  return {true, "", num_plain};
}

}  // namespace athanor
