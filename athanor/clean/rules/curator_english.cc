#include "athanor/clean/rules/curator_english.h"

#include <algorithm>
#include <cmath>

#include "athanor/base/unicode.h"
#include "athanor/clean/bounds.h"
#include "athanor/clean/find_folded.h"
#include "athanor/clean/ngrams.h"
#include "athanor/clean/rules/repeated_pieces.h"
#include "athanor/clean/spaced_words.h"
#include "athanor/clean/word_hash.h"

namespace athanor {

namespace {

struct Rule {
  const char* metric;
  const char* reason;
  const char* min_option;  // nullptr: no limit below
  double min;
  const char* max_option;
  double max;
  const char* meaning;
};

constexpr Rule kRules[] = {
    {"non_alphanumeric", "NonAlphaNumeric", nullptr, 0, "max_non_alphanumeric", 0.25, "other characters / characters"},
    {"symbols", "SymbolsToWords", nullptr, 0, "max_symbols", 0.1, "symbol words / words"},
    {"digits", "Numbers", nullptr, 0, "max_digits", 0.15, "digits / characters"},
    {"urls", "Urls", nullptr, 0, "max_urls", 0.2, "characters of URLs / characters"},
    {"white_space", "WhiteSpace", nullptr, 0, "max_white_space", 0.25, "white space / characters"},
    {"parentheses", "Parentheses", nullptr, 0, "max_parentheses", 0.1, "brackets / characters"},
    {"boilerplate", "BoilerPlateString", nullptr, 0, "max_boilerplate", 0.4, "paragraphs with policy phrases / all"},
    {"lines_left", "RepeatedLines", "min_lines_left", 0.7, nullptr, 0, "different lines / lines"},
    {"paragraphs_left", "RepeatedParagraphs", "min_paragraphs_left", 0.7, nullptr, 0, "different paragraphs / all"},
    {"line_chars_left", "RepeatedLinesByChar", "min_line_chars_left", 0.8, nullptr, 0, "characters in them / all"},
    {"paragraph_chars_left", "RepeatedParagraphsByChar", "min_paragraph_chars_left", 0.8, nullptr, 0,
     "characters in them / all"},
    {"words", "WordCount", "min_words", 50, "max_words", 100000, "words"},
    {"no_endmark", "Punctuation", nullptr, 0, "max_no_endmark", 0.85, "lines without an end mark / lines"},
    {"alphabetic", "WordsWithoutAlphabets", "min_alphabetic", 0.8, nullptr, 0, "words with a letter / words"},
    {"common_words", "CommonEnglishWords", "min_common_words", 2, nullptr, 0, "occurrences of eight common words"},
    {"mean_word_length", "MeanWordLength", "min_mean_word_length", 3, "max_mean_word_length", 10, "characters a word"},
    {"longest_word", "LongWord", nullptr, 0, "max_word_length", 1000, "characters of the longest word"},
    {"ellipsis_lines", "Ellipsis", nullptr, 0, "max_ellipsis_lines", 0.3, "lines that end in an ellipsis / lines"},
    {"top_2_gram", "RepeatingTop2grams", nullptr, 0, "max_top_2_gram", 0.2, "characters in the commonest 2-gram / all"},
    {"top_3_gram", "RepeatingTop3grams", nullptr, 0, "max_top_3_gram", 0.18, "the same for 3"},
    {"top_4_gram", "RepeatingTop4grams", nullptr, 0, "max_top_4_gram", 0.16, "the same for 4"},
    {"dup_5_gram", "RepeatingDup5gram", nullptr, 0, "max_dup_5_gram", 0.15, "characters in repeated 5-grams / all"},
    {"dup_6_gram", "RepeatingDup6gram", nullptr, 0, "max_dup_6_gram", 0.14, "the same for 6"},
    {"dup_7_gram", "RepeatingDup7gram", nullptr, 0, "max_dup_7_gram", 0.13, "the same for 7"},
    {"dup_8_gram", "RepeatingDup8gram", nullptr, 0, "max_dup_8_gram", 0.12, "the same for 8"},
    {"dup_9_gram", "RepeatingDup9gram", nullptr, 0, "max_dup_9_gram", 0.11, "the same for 9"},
    {"dup_10_gram", "RepeatingDup10gram", nullptr, 0, "max_dup_10_gram", 0.1, "the same for 10"},
    {"bullet_lines", "Bullets", nullptr, 0, "max_bullet_lines", 0.9, "lines that begin with a bullet / lines"},
};
constexpr size_t kNumRules = std::size(kRules);

constexpr std::string_view kEllipses[] = {"...", "[...]", "\xE2\x80\xA6", "(...)", "[\xE2\x80\xA6]", "-\xC2\xBB",
                                          "read more..", "read more"};
// Of Curator's list, those that hold none of the others.
constexpr std::string_view kPolicies[] = {
    "terms of use", "privacy policy", "cookie policy", "uses cookies", "privacy overview", "use of cookies", "use cookies",
    "privacy & cookies policy", "privacy and cookies policy",
    "necessary cookies are absolutely essential for the website to function properly. this category only includes cookies "
    "that ensures basic functionalities and security features of the website. these cookies do not store any personal "
    "information.",
    "any cookies that may not be particularly necessary for the website to function and is used specifically to collect "
    "user personal data via analytics, ads, other embedded contents are termed as non-necessary cookies. it is mandatory "
    "to procure user consent prior to running these cookies on your website.",
    "if you continue to browse this site without changing your cookie settings, you agree to this use. acceptread more"};
constexpr std::string_view kCommon[] = {"the", "be", "to", "of", "and", "that", "have", "with"};
constexpr std::string_view kBullets[] = {"\xE2\x80\xA2", "\xE2\x80\xA3", "\xE2\x81\x83", "\xE2\x81\x8C",
                                         "\xE2\x81\x8D", "\xE2\x88\x99", "\xE2\x97\x8B", "\xE2\x97\x8F",
                                         "\xE2\x97\x98", "\xE2\x97\xA6", "\xE2\xA6\xBE", "\xE2\xA6\xBF"};

struct Characters {
  size_t plain = 0, digits = 0, white = 0, brackets = 0;
};

Characters count_characters(std::string_view text) {
  Characters found;
  const char* p = text.data();
  const char* const end = p + text.size();
  while (p != end) {
    const char c = *p;
    if (static_cast<uint8_t>(c) < 0x80) {
      ++p;
      const bool digit = c >= '0' && c <= '9';
      const char folded = static_cast<char>(c | 0x20);
      found.digits += digit;
      found.plain += digit || (folded >= 'a' && folded <= 'z') || c == '\n' || c == '?' || c == '!' || c == ',' || c == '.';
      found.white += c == ' ' || c == '\n' || c == '\t' || c == '\r' || c == '\b';
      found.brackets += c == '(' || c == ')' || c == '[' || c == ']' || c == '{' || c == '}';
      continue;
    }
    const char32_t code = decode_utf8(p, end);
    found.brackets += code == 0x27E8 || code == 0x27E9;
  }
  return found;
}

// Characters of https?://[a-zA-Z0-9$-_!]+; the URLs are ASCII.
size_t count_url_chars(std::string_view text) {
  size_t chars = 0;
  for (size_t at = text.find("http"); at != std::string_view::npos; at = text.find("http", at)) {
    size_t p = at + 4 + (text.substr(at + 4).starts_with('s') ? 1 : 0);
    if (!text.substr(p).starts_with("://")) {
      at += 4;
      continue;
    }
    const size_t host = p += 3;
    while (p < text.size() && ((text[p] >= '$' && text[p] <= '_') || (text[p] >= 'a' && text[p] <= 'z') || text[p] == '!')) {
      ++p;
    }
    chars += p == host ? 0 : p - at;
    at = p;
  }
  return chars;
}

bool ends_in_any(std::string_view line, std::span<const std::string_view> ends) {
  return std::any_of(ends.begin(), ends.end(), [&](std::string_view end) {
    return line.size() >= end.size() && find_folded(line.substr(line.size() - end.size()), end) == 0;
  });
}

std::vector<std::string_view> split_paragraphs(std::string_view text) {
  std::vector<std::string_view> paragraphs;
  while (true) {
    const size_t cut = text.find("\n\n");
    paragraphs.push_back(text.substr(0, cut));
    if (cut == std::string_view::npos) {
      return paragraphs;
    }
    text.remove_prefix(cut + 2);
  }
}

size_t count_in(std::string_view text, std::string_view piece) {
  size_t count = 0;
  for (size_t at = text.find(piece); at != std::string_view::npos; at = text.find(piece, at + piece.size())) {
    ++count;
  }
  return count;
}

double share(size_t part, size_t whole) { return whole == 0 ? 1 : ratio(part, whole); }  // 1 when empty, as published

// The n-gram measures, n = 2..10, in order.
void measure_ngrams(std::string_view text, size_t num_chars, const std::vector<SpacedWord>& words, Measures& out) {
  std::vector<uint64_t> hashes;
  hashes.reserve(words.size());
  for (const SpacedWord& word : words) {
    hashes.push_back(hash_word(word.text));
  }
  NgramLevels levels;
  levels.start(hashes);
  for (size_t n = 2; n <= 10; ++n) {
    levels.next();
    if (words.size() < n) {
      out.add(1.0);
      continue;
    }
    if (n <= 4) {
      std::string joined(words[levels.most_at()].text);
      size_t chars = words[levels.most_at()].num_chars;
      for (size_t k = 1; k < n; ++k) {
        joined.append(" ").append(words[levels.most_at() + k].text);
        chars += 1 + words[levels.most_at() + k].num_chars;
      }
      out.add(share(chars * count_in(text, joined), num_chars));
      continue;
    }
    size_t chars = 0;
    size_t covered = 0;  // words up to here are counted
    for (size_t i = 0; i < levels.places().size(); ++i) {
      if (!levels.seen_before(i)) {
        continue;
      }
      const size_t place = levels.places()[i];
      const size_t from = std::max(place, covered);
      for (size_t k = from; k < place + n; ++k) {
        chars += words[k].num_chars;
      }
      chars += std::min(place + n - from, n - 1);  // the spaces
      covered = place + n;
    }
    out.add(share(chars, num_chars));
  }
}

}  // namespace

CuratorEnglish::CuratorEnglish(const nlohmann::json& options) {
  for (const Rule& rule : kRules) {
    limits_.push_back({rule.min_option ? options.at(rule.min_option).get<double>() : -kNoLimit,
                       rule.max_option ? options.at(rule.max_option).get<double>() : kNoLimit});
  }
}

std::vector<StepOption> CuratorEnglish::options() {
  const auto number = [](double value) {
    const bool whole = value >= 2 && value == static_cast<double>(static_cast<int64_t>(value));
    return whole ? nlohmann::json(static_cast<int64_t>(value)) : nlohmann::json(value);
  };
  std::vector<StepOption> options;
  for (const Rule& rule : kRules) {
    if (rule.min_option) {
      options.push_back(threshold(rule.min_option, number(rule.min), rule.meaning, 0));
    }
    if (rule.max_option) {
      options.push_back(threshold(rule.max_option, number(rule.max), rule.meaning, 0));
    }
  }
  return options;
}

std::vector<StepMetric> CuratorEnglish::metrics() {
  std::vector<StepMetric> metrics;
  for (const Rule& rule : kRules) {
    metrics.push_back({rule.metric, rule.meaning});
  }
  return metrics;
}

void CuratorEnglish::measure(DocumentView& document, Measures& out) const {
  TextAnalysis& analysis = document.analysis();
  if (!analysis.spaced()) {
    out.numbers.assign(kNumRules, kDoesNotApply);
    return;
  }
  const std::string_view text = document.text();
  const size_t num_chars = analysis.chars().all;
  const Characters characters = count_characters(text);
  const std::vector<SpacedWord> words = split_spaced_words(text);
  size_t symbols = 0, alphabetic = 0, common = 0, chars = 0, longest = 0;
  for (const SpacedWord& word : words) {
    const bool hashes = 2 * count_hash_runs(word.text) > word.num_chars;
    symbols += hashes || std::find(std::begin(kEllipses), std::end(kEllipses), word.text) != std::end(kEllipses);
    alphabetic += word.has_letter;
    common += std::find(std::begin(kCommon), std::end(kCommon), word.text) != std::end(kCommon);
    chars += word.num_chars;
    longest = std::max<size_t>(longest, word.num_chars);
  }
  std::vector<CountedPiece> lines;
  size_t line_chars = 0, no_endmark = 0, ellipses = 0, bullets = 0;
  for (const TextLine& line : analysis.lines()) {
    if (line.blank) {
      continue;
    }
    lines.push_back({line.text, line.num_chars});
    line_chars += line.num_chars;
    const std::string_view trimmed = trim(line.text);
    no_endmark += std::string_view(".?!\"'").find(trimmed.back()) == std::string_view::npos;
    ellipses += ends_in_any(trimmed, kEllipses);
    bullets += std::any_of(std::begin(kBullets), std::end(kBullets), [&](auto bullet) { return trimmed.starts_with(bullet); });
  }
  std::vector<CountedPiece> paragraphs;
  size_t paragraph_chars = 0, policies = 0;
  const bool any_policy = contains_folded(text, "cookie") || contains_folded(text, "privacy ") ||
                          contains_folded(text, "terms of use");
  const bool lorem = contains_folded(text, "lorem ipsum");
  for (const std::string_view paragraph : split_paragraphs(text)) {
    paragraphs.push_back({paragraph, count_code_points(paragraph)});
    paragraph_chars += paragraphs.back().num_chars;
    policies += any_policy && std::any_of(std::begin(kPolicies), std::end(kPolicies),
                                          [&](auto phrase) { return contains_folded(paragraph, phrase); });
  }
  const RepeatedPieces line_repeats = find_repeated_pieces(lines);
  const RepeatedPieces paragraph_repeats = find_repeated_pieces(paragraphs);
  out.add(share(num_chars - characters.plain, num_chars));
  out.add(ratio(symbols, words.size()));
  out.add(share(characters.digits, num_chars));
  out.add(share(count_url_chars(text), num_chars));
  out.add(share(characters.white, num_chars));
  out.add(share(characters.brackets, num_chars));
  out.add(lorem ? 1.0 : ratio(policies, paragraphs.size()));
  out.add(share(lines.size() - line_repeats.pieces, lines.size()));
  out.add(share(paragraphs.size() - paragraph_repeats.pieces, paragraphs.size()));
  out.add(share(line_chars - line_repeats.chars, line_chars));
  out.add(share(paragraph_chars - paragraph_repeats.chars, paragraph_chars));
  out.add(words.size());
  out.add(ratio(no_endmark, lines.size()));
  out.add(ratio(alphabetic, words.size()));
  out.add(common);
  out.add(ratio(chars, words.size()));
  out.add(longest);
  out.add(ratio(ellipses, lines.size()));
  measure_ngrams(text, num_chars, words, out);
  out.add(ratio(bullets, lines.size()));
}

Verdict CuratorEnglish::decide(const Measures& measures) const {
  for (size_t i = 0; i < kNumRules; ++i) {
    const double value = measures.numbers.at(i);
    if (value < limits_[i].min || value > limits_[i].max) {
      return {false, kRules[i].reason, value};
    }
  }
  return {true, std::isnan(measures.numbers[0]) ? kSkippedForCjk : "", 0};
}

}  // namespace athanor
