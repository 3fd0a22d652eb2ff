#include "athanor/clean/rules/gopher_repetition.h"

#include <cmath>

#include "athanor/base/hash.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/rules/duplicates.h"
#include "athanor/clean/hash_counter.h"
#include "athanor/clean/bounds.h"

namespace athanor {

namespace {

constexpr size_t kLastTop = 4;    // n-grams up to here: the commonest one
constexpr size_t kLongest = 10;   // from there up to here: all repeated ones

// The text cut at every run of at least min_feeds line feeds; shorter runs stay inside.
std::vector<Piece> split_at_feeds(std::string_view text, size_t min_feeds) {
  std::vector<Piece> pieces;
  size_t start = 0;
  size_t at = 0;
  while (true) {
    const size_t cut = text.find('\n', at);
    const size_t end = cut == std::string_view::npos ? cut : std::min(text.find_first_not_of('\n', cut), text.size());
    if (cut != std::string_view::npos && end - cut < min_feeds) {
      at = end;
      continue;
    }
    const std::string_view piece = text.substr(start, cut == std::string_view::npos ? cut : cut - start);
    pieces.push_back({piece, count_code_points(piece)});
    if (cut == std::string_view::npos) {
      return pieces;
    }
    start = at = end;
  }
}

// All words in one string, with or without spaces between them: an n-gram is then a piece of it, and equal pieces
// are equal n-grams as the published rules join them.
struct Joined {
  std::string text;
  std::vector<uint32_t> start;  // byte where word i begins; one more for the end (a space after the last included)
  std::vector<uint32_t> chars;  // code points before word i

  Joined(const std::vector<Word>& words, bool spaced) {
    start.reserve(words.size() + 1);
    chars.reserve(words.size() + 1);
    uint32_t num_chars = 0;
    for (const Word& word : words) {
      start.push_back(static_cast<uint32_t>(text.size()));
      chars.push_back(num_chars);
      text += word.text;
      num_chars += word.num_chars;
      if (spaced) {
        text += ' ';
        ++num_chars;
      }
    }
    start.push_back(static_cast<uint32_t>(text.size()));
    chars.push_back(num_chars);
  }

  uint64_t hash(size_t i, size_t n) const {
    return xxh3_64(std::string_view(text).substr(start[i], start[i + n] - start[i]));
  }
};

size_t top_ngram_chars(const Joined& joined, size_t num_words, size_t n, HashCounter& counts) {
  const size_t num_ngrams = num_words + 1 - n;
  std::vector<uint64_t> hashes(num_ngrams);
  counts.reset(num_ngrams);
  uint32_t most = 0;
  for (size_t i = 0; i < num_ngrams; ++i) {
    hashes[i] = joined.hash(i, n);
    most = std::max(most, ++counts[hashes[i]]);
  }
  for (size_t i = 0; i < num_ngrams; ++i) {
    if (counts[hashes[i]] == most) {
      return (joined.chars[i + n] - joined.chars[i] - 1) * size_t{most};  // less the space after its last word
    }
  }
  return 0;
}

size_t repeated_ngram_chars(const Joined& joined, size_t num_words, size_t n, HashCounter& seen) {
  seen.reset(num_words);
  size_t chars = 0;
  for (size_t i = 0; i + n <= num_words;) {
    if (seen[joined.hash(i, n)]++ > 0) {
      chars += joined.chars[i + n] - joined.chars[i];
      i += n;
    } else {
      ++i;
    }
  }
  return chars;
}

}  // namespace

GopherRepetition::GopherRepetition(const nlohmann::json& options) {
  for (size_t i = 0; i < limits_.size(); ++i) {
    limits_[i] = options.at(metrics()[i].name);
  }
}

std::vector<StepOption> GopherRepetition::options() {
  return {threshold("dup_para_frac", 0.3, "larger share of repeated paragraphs: dropped", 0, 1),
          threshold("dup_para_char_frac", 0.2, "larger share of characters in them: dropped", 0, 1),
          threshold("dup_line_frac", 0.3, "larger share of repeated lines: dropped", 0, 1),
          threshold("dup_line_char_frac", 0.2, "larger share of characters in them: dropped", 0, 1),
          threshold("top_2_gram", 0.2, "larger share of characters in the commonest pair of words: dropped", 0),
          threshold("top_3_gram", 0.18, "the same for three words", 0),
          threshold("top_4_gram", 0.16, "the same for four words", 0),
          threshold("duplicated_5_n_grams", 0.15, "larger share of characters in repeated runs of 5 words: dropped", 0),
          threshold("duplicated_6_n_grams", 0.14, "the same for 6 words", 0),
          threshold("duplicated_7_n_grams", 0.13, "the same for 7 words", 0),
          threshold("duplicated_8_n_grams", 0.12, "the same for 8 words", 0),
          threshold("duplicated_9_n_grams", 0.11, "the same for 9 words", 0),
          threshold("duplicated_10_n_grams", 0.1, "the same for 10 words", 0)};
}

std::vector<StepMetric> GopherRepetition::metrics() {
  return {{"dup_para_frac", "repeated paragraphs / paragraphs"},
          {"dup_para_char_frac", "characters in them / characters"},
          {"dup_line_frac", "repeated lines / lines"},
          {"dup_line_char_frac", "characters in them / characters"},
          {"top_2_gram", "characters in the commonest 2-gram / characters"},
          {"top_3_gram", "the same for 3"},
          {"top_4_gram", "the same for 4"},
          {"duplicated_5_n_grams", "characters in repeated 5-grams / characters"},
          {"duplicated_6_n_grams", "the same for 6"},
          {"duplicated_7_n_grams", "the same for 7"},
          {"duplicated_8_n_grams", "the same for 8"},
          {"duplicated_9_n_grams", "the same for 9"},
          {"duplicated_10_n_grams", "the same for 10"}};
}

void GopherRepetition::measure(DocumentView& document, Measures& out) const {
  TextAnalysis& text = document.analysis();
  const size_t num_chars = text.chars().all;
  if (num_chars == 0) {
    out.numbers.assign(limits_.size(), 0);  // nothing is repeated
    return;
  }
  for (const std::vector<Piece>& pieces :
       {split_at_feeds(trim(document.text()), 2), split_at_feeds(document.text(), 1)}) {
    const Duplicates found = find_duplicates(pieces);
    out.add(ratio(found.pieces, pieces.size()));
    out.add(ratio(found.chars, num_chars));
  }
  if (!text.spaced()) {
    out.numbers.resize(limits_.size(), kDoesNotApply);
    return;
  }
  const std::vector<Word>& words = text.words();
  HashCounter counts;
  const Joined spaced(words, true);
  const Joined tight(words, false);
  for (size_t n = 2; n <= kLongest; ++n) {
    const size_t chars = n > words.size() ? 0
                         : n <= kLastTop  ? top_ngram_chars(spaced, words.size(), n, counts)
                                          : repeated_ngram_chars(tight, words.size(), n, counts);
    out.add(ratio(chars, num_chars));
  }
}

Verdict GopherRepetition::decide(const Measures& measures) const {
  static const std::vector<StepMetric> kMetrics = metrics();
  for (size_t i = 0; i < limits_.size(); ++i) {
    if (const double value = measures.numbers.at(i); value > limits_[i]) {
      return {false, kMetrics[i].name, value};
    }
  }
  return {true, std::isnan(measures.numbers.back()) ? kSkippedForCjk : "", 0};
}

}  // namespace athanor
