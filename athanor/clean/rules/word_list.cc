#include "athanor/clean/rules/word_list.h"

#include "athanor/base/error.h"
#include "athanor/base/hash.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/list_file.h"

namespace athanor {

namespace {

std::vector<std::string> lowered(std::vector<std::string> words) {
  for (std::string& word : words) {
    word = lower_text(word);
  }
  return words;
}

// A letter, mark, digit or "_" of a script that parts words by spaces.
bool is_bordered(char32_t code) {
  return (is_letter(code) || is_mark(code) || is_number(code) || code == '_') && !is_unspaced_script(code);
}

char32_t code_before(std::string_view text, size_t at) {
  if (at == 0) {
    return ' ';
  }
  size_t start = at - 1;
  while (start > 0 && at - start < 4 && (static_cast<uint8_t>(text[start]) & 0xC0) == 0x80) {
    --start;
  }
  const char* p = text.data() + start;
  return decode_utf8(p, text.data() + at);
}

char32_t code_at(std::string_view text, size_t at) {
  if (at == text.size()) {
    return ' ';
  }
  const char* p = text.data() + at;
  return decode_utf8(p, text.data() + text.size());
}

bool stands_alone(std::string_view text, size_t begin, size_t end) {
  return !(is_bordered(code_at(text, begin)) && is_bordered(code_before(text, begin))) &&
         !(is_bordered(code_before(text, end)) && is_bordered(code_at(text, end)));
}

}  // namespace

WordList::WordList(const nlohmann::json& options)
    : listed_([options] { return Listed(lowered(read_lists(options, "words", "files"))); }),
      max_matches_(options.at("max_matches")),
      min_matches_(options.at("min_matches")),
      max_share_(options.at("max_share")),
      keep_fraction_(options.at("keep_fraction")) {}

std::vector<StepOption> WordList::options() {
  return {{"words", nlohmann::json::array(), "words and phrases to look for"},
          file_option("files", nlohmann::json::array(), "files of more of them, one a line, # begins a remark"),
          threshold("max_matches", 0, "more occurrences: dropped; -1: never", -1),
          threshold("min_matches", 0, "fewer occurrences: dropped", 0),
          threshold("max_share", 1.0, "larger share of the visible characters in them: dropped", 0, 1),
          threshold("keep_fraction", 0.0, "of the documents with too many, this share is kept all the same", 0, 1)};
}

std::vector<StepMetric> WordList::metrics() {
  return {{"matches", "occurrences of listed words"},
          {"share", "characters in them / visible characters"},
          {"draw", "a number in [0, 1) from the text's hash"},
          {"first", "the first one found", MetricType::kText}};
}

void WordList::measure(DocumentView& document, Measures& out) const {
  const std::string text = lower_text(document.text());
  size_t matches = 0;
  size_t chars = 0;
  size_t done = 0;
  std::string first;
  const Listed& listed = listed_.get();
  listed.automaton.find(text, [&](size_t begin, size_t end, uint32_t pattern) {
    if (begin >= done && stands_alone(text, begin, end)) {
      done = end;
      if (matches++ == 0) {
        first = listed.words[pattern];
      }
      chars += count_code_points(listed.words[pattern]);
    }
    return true;
  });
  out.add(matches);
  out.add(ratio(chars, document.analysis().chars().visible));
  out.add(static_cast<double>(xxh3_64(document.text()) >> 11) * 0x1p-53);
  out.add(std::move(first));
}

Verdict WordList::decide(const Measures& measures) const {
  const bool spared = measures.numbers.at(2) < keep_fraction_;
  const Bound bounds[] = {{0, min_matches_, max_matches_ < 0 || spared ? kNoLimit : max_matches_, "too_few_listed", "listed_words"},
                          {1, -kNoLimit, max_share_, "", "listed_share"}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
