#include "athanor/clean/rules/gopher_repetition.h"

#include <cmath>
#include <cstring>

#include "athanor/base/hash.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/rules/repeated_pieces.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/hash_counter.h"
#include "athanor/clean/ngrams.h"
#include "athanor/clean/word_hash.h"

namespace athanor {

namespace {

constexpr size_t kLastTop = 4;    // n-grams up to here: the commonest one
constexpr size_t kLongest = 10;   // from there up to here: all repeated ones

// The text cut at every run of at least min_feeds line feeds; shorter runs stay inside.
std::vector<CountedPiece> split_at_feeds(std::string_view text, size_t min_feeds) {
  std::vector<CountedPiece> pieces;
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

// All words in one string without spaces, as the published rule joins them: an n-gram is a piece of it.
struct Tight {
  std::string text;
  std::vector<uint32_t> start;  // byte where word i begins; one more for the end
  std::vector<uint32_t> chars;  // code points before word i; one more for all
  std::vector<uint32_t> candidates;  // the words, ascending, at which an n-gram of five or more can be a repeated one

  explicit Tight(const std::vector<Word>& words);
};

constexpr size_t kPrefix = 16;  // bytes

Tight::Tight(const std::vector<Word>& words) {
  start.reserve(words.size() + 1);
  chars.reserve(words.size() + 1);
  size_t bytes = 0;
  uint32_t num_chars = 0;
  for (const Word& word : words) {
    bytes += word.text.size();
  }
  text.resize(bytes + kPrefix);  // zeros behind, to read prefixes from
  char* to = text.data();
  for (const Word& word : words) {
    start.push_back(static_cast<uint32_t>(to - text.data()));
    chars.push_back(num_chars);
    std::memcpy(to, word.text.data(), word.text.size());
    to += word.text.size();
    num_chars += word.num_chars;
  }
  start.push_back(static_cast<uint32_t>(to - text.data()));
  chars.push_back(num_chars);

  // Equal n-grams of at least 16 bytes begin with the same 16 bytes; few places share theirs with another.
  if (words.size() < kLastTop + 2) {
    return;
  }
  const size_t places = words.size() - kLastTop;  // 5-grams
  std::vector<uint64_t> keys(places);
  HashCounter counts;
  counts.reset(places);
  for (size_t i = 0; i < places; ++i) {
    uint64_t head[2];
    std::memcpy(head, text.data() + start[i], sizeof(head));
    keys[i] = mix(head[0], head[1]);
    ++counts[keys[i]];
  }
  for (size_t i = 0; i < places; ++i) {
    if (start[i + kLastTop + 1] - start[i] < kPrefix || counts[keys[i]] > 1) {
      candidates.push_back(static_cast<uint32_t>(i));
    }
  }
}

size_t top_ngram_chars(const NgramLevels& levels, const Tight& tight) {
  if (levels.most() == 0) {
    return 0;
  }
  const size_t at = levels.most_at();
  const size_t n = levels.n();
  return (tight.chars[at + n] - tight.chars[at] + n - 1) * size_t{levels.most()};  // with the spaces between
}

size_t repeated_ngram_chars(const Tight& tight, size_t n, HashCounter& seen) {
  const size_t num_words = tight.start.size() - 1;
  seen.reset(tight.candidates.size());
  size_t chars = 0;
  size_t from = 0;
  for (const size_t i : tight.candidates) {
    if (i < from || i + n > num_words) {
      continue;
    }
    const std::string_view ngram(tight.text.data() + tight.start[i], tight.start[i + n] - tight.start[i]);
    if (seen[xxh3_64(ngram)]++ > 0) {
      chars += tight.chars[i + n] - tight.chars[i];
      from = i + n;
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
  for (const std::vector<CountedPiece>& pieces :
       {split_at_feeds(trim(document.text()), 2), split_at_feeds(document.text(), 1)}) {
    const RepeatedPieces found = find_repeated_pieces(pieces);
    out.add(ratio(found.pieces, pieces.size()));
    out.add(ratio(found.chars, num_chars));
  }
  if (!text.spaced()) {
    out.numbers.resize(limits_.size(), kDoesNotApply);
    return;
  }
  const std::vector<Word>& words = text.words();
  const Tight tight(words);
  NgramLevels levels;
  levels.start(text.word_hashes());
  for (size_t n = 2; n <= kLastTop; ++n) {
    levels.next();
    out.add(ratio(top_ngram_chars(levels, tight), num_chars));
  }
  HashCounter seen;
  for (size_t n = kLastTop + 1; n <= kLongest; ++n) {
    out.add(ratio(repeated_ngram_chars(tight, n, seen), num_chars));
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
