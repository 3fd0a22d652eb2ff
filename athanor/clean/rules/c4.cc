#include "athanor/clean/rules/c4.h"

#include <algorithm>
#include <array>

#include "athanor/base/unicode.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/find_folded.h"
#include "athanor/clean/rules/published_punctuation.h"
#include "athanor/clean/sentences.h"

namespace athanor {

namespace {

constexpr std::array<std::string_view, 6> kPolicies = {"terms of use", "privacy policy", "cookie policy",
                                                       "uses cookies", "use of cookies", "use cookies"};

// White-space words, and the most characters that one has; only as far as it takes to tell that they are enough
// words and that no word can be too long.
struct SpacedWords {
  size_t count = 0;
  size_t longest = 0;
};

SpacedWords count_spaced_words(std::string_view line, size_t enough_words, size_t long_word) {
  SpacedWords found;
  const bool may_be_long = line.size() > long_word;
  size_t chars = 0;
  const char* p = line.data();
  const char* const end = p + line.size();
  while (p != end) {
    const uint8_t byte = static_cast<uint8_t>(*p);
    const bool space = byte < 0x80 ? (++p, byte == ' ' || (byte >= 9 && byte <= 13)) : is_space(decode_utf8(p, end));
    found.count += !space && chars == 0;
    if (found.count >= enough_words && !may_be_long) {
      return found;
    }
    chars = space ? 0 : chars + 1;
    found.longest = std::max(found.longest, chars);
  }
  return found;
}

// The length of [12], [edit] or [citation needed] at text[at] == '['; 0 when it is none.
size_t citation_length(std::string_view text, size_t at) {
  for (const std::string_view fixed : {"[edit]", "[citation needed]"}) {
    if (text.substr(at).starts_with(fixed)) {
      return fixed.size();
    }
  }
  const char* p = text.data() + at + 1;
  const char* const end = text.data() + text.size();
  while (p != end) {
    if (*p == ']') {
      return static_cast<size_t>(p + 1 - (text.data() + at));
    }
    if (category_of(decode_utf8(p, end)) != Category::kNd) {
      break;
    }
  }
  return 0;
}

// line without its citations; in scratch when there are any.
std::string_view without_citations(std::string_view line, std::string& scratch) {
  size_t at = line.find('[');
  if (at == std::string_view::npos) {
    return line;
  }
  scratch.clear();
  size_t done = 0;
  for (; at != std::string_view::npos; at = line.find('[', at)) {
    const size_t length = citation_length(line, at);
    if (length > 0) {
      scratch.append(line.substr(done, at - done));
      done = at + length;
    }
    at += std::max<size_t>(length, 1);
  }
  if (done == 0) {
    return line;
  }
  scratch.append(line.substr(done));
  return scratch;
}

bool ends_line(std::string_view line, bool spaced) {
  if (line.empty() || line.ends_with("...")) {
    return false;
  }
  if (std::string_view(".?!\"'").find(line.back()) != std::string_view::npos) {
    return true;
  }
  return !spaced && (ends_in_terminal_punctuation(line) || line.ends_with("\xE2\x80\x9D") ||
                     line.ends_with("\xE3\x80\x8D") || line.ends_with("\xE3\x80\x8F"));
}

}  // namespace

// What the whole document tells beforehand, so that most lines are not searched, and what the lines add up to.
struct C4::Found {
  bool spaced = true;
  bool javascript = false;
  bool policy = false;
  bool lorem = false;
  bool bracket = false;
  size_t first_lorem = 0;  // the line's number, from 1; 0: none
  size_t first_bracket = 0;
};

C4::C4(const nlohmann::json& options)
    : remove_lines_(options.at("remove_lines")),
      remove_citations_(options.at("remove_citations")),
      filter_no_terminal_punct_(options.at("filter_no_terminal_punct")),
      filter_javascript_(options.at("filter_javascript")),
      filter_policy_(options.at("filter_policy")),
      filter_lorem_ipsum_(options.at("filter_lorem_ipsum")),
      filter_curly_bracket_(options.at("filter_curly_bracket")),
      min_words_per_line_(options.at("min_words_per_line")),
      max_word_length_(options.at("max_word_length")),
      min_num_sentences_(options.at("min_num_sentences")) {}

std::vector<StepOption> C4::options() {
  return {{"filter_no_terminal_punct", true, "take out lines that end in no sentence mark; FineWeb has it off"},
          {"min_words_per_line", 3, "take out lines with fewer words", -1},
          {"max_word_length", 1000, "take out lines with a longer word; -1: none", -1},
          {"remove_citations", true, "take [12], [edit] and [citation needed] out"},
          {"filter_javascript", true, "take out lines that mention javascript"},
          {"filter_policy", true, "take out lines of cookie and privacy notices"},
          {"remove_lines", true, "false: leave the text, take the numbers only"},
          threshold("min_num_sentences", 5, "fewer sentences left: dropped; -1: never", -1),
          threshold("filter_lorem_ipsum", true, "a document with lorem ipsum is dropped"),
          threshold("filter_curly_bracket", true, "a document with { is dropped")};
}

std::vector<StepMetric> C4::metrics() {
  return {{"sentences", "sentences in the lines that stay"},
          {"lorem_ipsum", "number of the first line with lorem ipsum, from 1; 0: none"},
          {"curly_bracket", "number of the first line with {, from 1; 0: none"},
          {"lines_kept", "lines that stay"},
          {"too_long_word", "lines taken out for a word too long"},
          {"no_terminal_punct", "lines taken out for their end"},
          {"too_few_words", "lines taken out for too few words"},
          {"javascript", "lines taken out for javascript"},
          {"policy", "lines taken out for a policy phrase"}};
}

C4::Fate C4::fate_of(std::string_view& line, std::string& scratch, size_t number, Found& found) const {
  const int64_t min_words = found.spaced ? min_words_per_line_ : 1;
  const SpacedWords words = count_spaced_words(line, static_cast<size_t>(std::max<int64_t>(min_words, 0)),
                                               max_word_length_ < 0 ? SIZE_MAX : static_cast<size_t>(max_word_length_));
  if (max_word_length_ != -1 && static_cast<int64_t>(words.longest) > max_word_length_) {
    return Fate::kLongWord;
  }
  if (remove_citations_) {
    line = without_citations(line, scratch);
  }
  if (filter_no_terminal_punct_ && !ends_line(line, found.spaced)) {
    return Fate::kNoEnd;
  }
  if (static_cast<int64_t>(words.count) < min_words) {
    return Fate::kFewWords;
  }
  if (found.lorem && found.first_lorem == 0 && contains_folded(line, "lorem ipsum")) {
    found.first_lorem = number;
  }
  if (found.javascript && contains_folded(line, "javascript")) {
    return Fate::kJavascript;
  }
  if (found.bracket && found.first_bracket == 0 && line.find('{') != std::string_view::npos) {
    found.first_bracket = number;
  }
  if (found.policy && std::any_of(kPolicies.begin(), kPolicies.end(),
                                  [&](std::string_view phrase) { return contains_folded(line, phrase); })) {
    return Fate::kPolicy;
  }
  return Fate::kKept;
}

void C4::measure(DocumentView& document, Measures& out) const {
  const std::string_view text = document.text();
  Found found;
  found.spaced = document.analysis().spaced();
  found.javascript = filter_javascript_ && contains_folded(text, "javascript");
  found.policy = filter_policy_ && (contains_folded(text, "cookie") || contains_folded(text, "privacy policy") ||
                                    contains_folded(text, "terms of use"));
  found.lorem = contains_folded(text, "lorem ipsum");
  found.bracket = text.find('{') != std::string_view::npos;
  std::array<size_t, 6> fates{};
  size_t sentences = 0;
  size_t number = 0;
  std::string kept;
  std::string scratch;
  for (std::string_view line : document.analysis().any_lines()) {
    line = trim(line);
    const Fate fate = fate_of(line, scratch, ++number, found);
    if (fate == Fate::kKept) {
      sentences += count_sentences(line);
      if (remove_lines_) {
        kept.append(fates[0] == 0 ? "" : "\n").append(line);
      }
    }
    ++fates[static_cast<size_t>(fate)];
  }
  out.add(sentences);
  out.add(found.first_lorem);
  out.add(found.first_bracket);
  for (const size_t count : fates) {
    out.add(count);
  }
  if (remove_lines_) {
    const std::string_view trimmed = trim(kept);
    document.set_text(trimmed.size() == kept.size() ? std::move(kept) : std::string(trimmed));
  }
}

Verdict C4::decide(const Measures& measures) const {
  const double lorem = filter_lorem_ipsum_ ? measures.numbers.at(1) : 0;
  const double bracket = filter_curly_bracket_ ? measures.numbers.at(2) : 0;
  if (lorem > 0 && (bracket == 0 || lorem <= bracket)) {
    return {false, "lorem_ipsum", lorem};
  }
  if (bracket > 0) {
    return {false, "curly_bracket", bracket};
  }
  const Bound bounds[] = {{0, min_num_sentences_, kNoLimit, "too_few_sentences", ""}};
  return check_bounds(measures, bounds);
}

C4Paragraph::C4Paragraph(const nlohmann::json& options) : min_length_(options.at("min_length")) {}

std::vector<StepOption> C4Paragraph::options() {
  return {threshold("min_length", 200, "a shorter line is no paragraph; fewer than three: dropped", 0)};
}

std::vector<StepMetric> C4Paragraph::metrics() { return {{"third_longest", "characters in the third longest line"}}; }

void C4Paragraph::measure(DocumentView& document, Measures& out) const {
  std::array<uint32_t, 3> longest{};  // descending
  size_t lines = 0;
  for (const TextLine& line : document.analysis().lines()) {
    ++lines;
    if (line.num_chars > longest[2]) {
      longest[2] = line.num_chars;
      std::sort(longest.begin(), longest.end(), std::greater<>());
    }
  }
  out.add(lines < 3 ? -1.0 : longest[2]);
}

Verdict C4Paragraph::decide(const Measures& measures) const {
  const Bound bounds[] = {{0, min_length_, kNoLimit, "few_paragraphs", ""}};
  return check_bounds(measures, bounds);
}

}  // namespace athanor
