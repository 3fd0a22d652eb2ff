// The filters against cases computed by hand, and against datatrove's own on the same words.
#include <gtest/gtest.h>

#include <cmath>
#include <fstream>

#include "athanor/clean/rules/published_punctuation.h"
#include "athanor/clean/rules/rule_testing.h"
#include "athanor/clean/words.h"

namespace athanor {
namespace {

using nlohmann::json;

std::string repeat(const std::string& piece, size_t times) {
  std::string out;
  for (size_t i = 0; i < times; ++i) {
    out += piece;
  }
  return out;
}

void expect_drop(const Verdict& verdict, const std::string& reason, double score) {
  EXPECT_FALSE(verdict.keep);
  EXPECT_EQ(verdict.reason, reason);
  EXPECT_DOUBLE_EQ(verdict.score, score);
}

// first: the first of the numbers measured
void expect_keep(const Judged& judged, double first) {
  EXPECT_TRUE(judged.keep) << judged.reason;
  EXPECT_EQ(judged.reason, "");
  EXPECT_DOUBLE_EQ(judged.measures.numbers.at(0), first);
}

// 6 characters, 4 of them Han, twenty times.
const std::string kHan = repeat("\xE4\xBD\xA0\xE5\xA5\xBD\xEF\xBC\x8C\xE4\xB8\x96\xE7\x95\x8C\xE3\x80\x82", 20);

TEST(LengthStep, CountsCodePoints) {
  expect_keep(judge("length", "\xE4\xBD\xA0\xE5\xA5\xBD"), 2);
  expect_drop(judge("length", "\xE4\xBD\xA0\xE5\xA5\xBD", {{"min_chars", 3}}), "too_short", 2);
  expect_drop(judge("length", "abcd", {{"max_chars", 3}}), "too_long", 4);
  expect_drop(judge("length", ""), "too_short", 0);
}

TEST(LettersStep, JudgesEveryScriptAlike) {
  expect_keep(judge("letters", "ab cd 12", {{"min_fraction", 0.6}}), 4.0 / 6);
  expect_drop(judge("letters", "ab 1234 ..", {{"min_fraction", 0.6}}), "too_few_letters", 2.0 / 8);
  expect_keep(judge("letters", kHan), 80.0 / 120);  // no spaces, and still letters
  expect_drop(judge("letters", ""), "too_few_letters", 0);
  expect_drop(judge("letters", repeat("2024-01-02 | 3.5 | ", 30)), "too_few_letters", 0);
}

TEST(GopherQuality, ByHand) {
  const std::string good = repeat("the words of plain ", 13);  // 52 words, 4 letters a word on average but "of": 3.75
  expect_keep(judge("gopher_quality", good), 52);
  expect_drop(judge("gopher_quality", repeat("the words of plain ", 12)), "gopher_short_doc", 48);
  expect_drop(judge("gopher_quality", ""), "gopher_short_doc", 0);
  expect_drop(judge("gopher_quality", "", {{"min_doc_words", 0}}), "gopher_short_doc", 0);
  expect_drop(judge("gopher_quality", good, {{"max_doc_words", 51}}), "gopher_long_doc", 52);
  expect_drop(judge("gopher_quality", repeat("to be of an ", 13)), "gopher_below_avg_threshold", 2);
  expect_drop(judge("gopher_quality", repeat("the electromagnetically ", 26)), "gopher_above_avg_threshold", 11);
}

TEST(GopherQuality, SymbolsAndLines) {
  const std::string good = repeat("the words of plain ", 13);
  // 52 words and 6 '#', each a symbol word: 6 / 58.
  expect_drop(judge("gopher_quality", good + repeat("# ", 6)), "gopher_too_many_hashes", 6.0 / 58);
  expect_keep(judge("gopher_quality", good + repeat("# ", 5)), 52);
  expect_drop(judge("gopher_quality", good + repeat("... ", 3) + repeat("\xE2\x80\xA6 ", 3)),
              "gopher_too_many_ellipsis", 6.0 / 58);
  // 10 lines of 6 words with "-" or a bullet before 10 of 11 lines (the last is "end.").
  const std::string item = "the words of plain text here\n";
  expect_drop(judge("gopher_quality", repeat("- " + item, 5) + repeat(" \xE2\x80\xA2 " + item, 5) + "end."),
              "gopher_too_many_bullets", 10.0 / 11);
  expect_keep(judge("gopher_quality", repeat("- " + item, 9) + item), 60);  // 9 of 10 is not more than 0.9
  const std::string trailing = "the words of plain text here... \n";
  expect_drop(judge("gopher_quality", repeat(trailing, 4) + repeat(item, 6)), "gopher_too_many_end_ellipsis", 0.4);
  // 52 words with a letter, 14 numbers: 52 / 66.
  expect_drop(judge("gopher_quality", good + repeat("1234 ", 14)), "gopher_below_alpha_threshold", 52.0 / 66);
  expect_drop(judge("gopher_quality", repeat("the words plain ", 20)), "gopher_enough_stop_words", 1);
  expect_drop(judge("gopher_quality", repeat("The words Of plain ", 20)), "gopher_enough_stop_words", 0);
  expect_keep(judge("gopher_quality", repeat("des mots simples les ", 13), {{"stop_words", {"des", "les"}}}), 52);
}

TEST(GopherRepetition, ParagraphsAndLinesByHand) {
  expect_drop(judge("gopher_repetition", "aa\n\nbb\n\naa\n\naa"), "dup_para_frac", 2.0 / 4);
  // One of four paragraphs is repeated (0.25), but it is the long one: 12 of 36 characters.
  expect_drop(judge("gopher_repetition", "abcdefghijkl\n\nbb\n\ncc\n\nabcdefghijkl\n\n"), "dup_para_char_frac", 12.0 / 36);
  expect_drop(judge("gopher_repetition", "aa\nbb\naa\naa"), "dup_line_frac", 2.0 / 4);
  expect_drop(judge("gopher_repetition", "abcdefghij\nbb\ncc\nabcdefghij"), "dup_line_char_frac", 10.0 / 27);
  EXPECT_TRUE(judge("gopher_repetition", "").keep);
  // As published the empty ends of the text count as lines: "", " ", "".
  expect_drop(judge("gopher_repetition", "\n \n"), "dup_line_frac", 1.0 / 3);
}

TEST(GopherRepetition, NGramsByHand) {
  // "a b" occurs 3 times: 3 x 3 of 11 characters.
  expect_drop(judge("gopher_repetition", "a b a b a b"), "top_2_gram", 9.0 / 11);
  const json only_5 = {{"top_2_gram", 9}, {"top_3_gram", 9}, {"top_4_gram", 9}};
  // Ten words, then the first five again: one repeated 5-gram of 5 characters ("abcde") of 29.
  expect_drop(judge("gopher_repetition", "a b c d e f g h i j a b c d e", only_5), "duplicated_5_n_grams", 5.0 / 29);
  // Words are joined without spaces: "ab c" and "a bc" are the same run of characters.
  expect_drop(judge("gopher_repetition", "ab c d e f 1 2 3 4 5 a bc d e f", only_5), "duplicated_5_n_grams", 6.0 / 31);
  const std::string plain =
      "Call me Ishmael. Some years ago, never mind how long precisely, having little or no money in my purse, and nothing "
      "particular to interest me on shore, I thought I would sail about a little and see the watery part of the world.";
  EXPECT_TRUE(judge("gopher_repetition", plain).keep);
}

TEST(FinewebQuality, ByHand) {
  const std::string line = "This is a sentence that is long enough to count.\n";  // 48 characters, 11 words
  expect_drop(judge("fineweb_quality", ""), "empty", 0);
  expect_drop(judge("fineweb_quality", " \n\n "), "empty", 0);
  expect_drop(judge("fineweb_quality", "no end here\nnor here"), "line_punct_ratio", 0);
  EXPECT_NE(judge("fineweb_quality", "no end here\nnor here", {{"line_punct_exclude_zero", true}}).reason,
            "line_punct_ratio");
  expect_drop(judge("fineweb_quality", "Short.\nAlso short.\nAnd this one.\n"), "short_line_ratio", 1);
  expect_drop(judge("fineweb_quality", line + line), "char_dup_ratio", 48.0 / 96);
  // 3 line feeds a 9-word line: 9 feeds over 27 words and 3 full stops.
  std::string list;
  for (const std::string word : {"alpha", "gamma", "delta"}) {
    list += "the " + word + " particularly lengthy denomination notwithstanding considerations.\n\n\n";
  }
  expect_drop(judge("fineweb_quality", list), "list_ratio", 9.0 / 24);
  expect_keep(judge("fineweb_quality", line + "And here stands another one that is quite different."), 1);
}

TEST(FinewebQuality, TerminalPunctuationIsThePublishedSet) {
  EXPECT_TRUE(ends_in_terminal_punctuation("a."));
  EXPECT_TRUE(ends_in_terminal_punctuation("\xE5\xA5\xBD\xE3\x80\x82"));
  EXPECT_TRUE(ends_in_terminal_punctuation("\xF0\x91\x85\x81"));  // U+11141
  EXPECT_FALSE(ends_in_terminal_punctuation("a.\""));             // a quotation mark is none
  EXPECT_FALSE(ends_in_terminal_punctuation("a. "));
  EXPECT_FALSE(ends_in_terminal_punctuation(""));
  EXPECT_FALSE(ends_in_terminal_punctuation("\x82"));
}

TEST(ChineseAndJapanese, SkipTheRulesThatCountSpacedWords) {
  const Judged quality = judge("gopher_quality", kHan);
  EXPECT_TRUE(quality.keep);
  EXPECT_EQ(quality.reason, kSkippedForCjk);
  EXPECT_TRUE(std::isnan(quality.measures.numbers.at(0)));
  EXPECT_EQ(judge("gopher_repetition", kHan).reason, kSkippedForCjk);  // its n-grams repeat all along
  EXPECT_EQ(judge("fineweb_quality", kHan).reason, kSkippedForCjk);
  const std::string kana = repeat("\xE3\x81\x82\xE3\x82\xAB", 10);
  EXPECT_EQ(judge("gopher_quality", kana).reason, kSkippedForCjk);
  // The rules on lines still hold.
  const std::string line = "\xE4\xBD\xA0\xE5\xA5\xBD\xE3\x80\x82\n";
  EXPECT_EQ(judge("gopher_repetition", repeat(line, 9)).reason, "dup_line_frac");
  EXPECT_EQ(judge("fineweb_quality", repeat(line, 9)).reason, "char_dup_ratio");
  // At the border: 3 of 10 visible characters is not more than 0.3.
  EXPECT_EQ(judge("gopher_quality", "abcdefg\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0").reason, "gopher_short_doc");
  EXPECT_EQ(judge("gopher_quality", "abcdef\xE4\xBD\xA0\xE5\xA5\xBD\xE4\xBD\xA0").reason, kSkippedForCjk);
}

// tests/parity/make_clean_fixture.py wrote the fixture with datatrove's filters.
TEST(Parity, SameReasonsAndMeasuresAsDatatrove) {
  std::ifstream in(ATHANOR_SOURCE_DIR "/tests/fixtures/clean/parity.jsonl");
  std::string line;
  ASSERT_TRUE(std::getline(in, line));
  const std::vector<StepMetric> metrics = find_clean_step("gopher_repetition", "").metrics;
  size_t rows = 0;
  size_t measured = 0;
  for (; std::getline(in, line); ++rows) {
    const json row = json::parse(line);
    const std::string text = row.at("text");
    ASSERT_EQ(split_words(text).size(), row.at("words").get<size_t>()) << text;
    for (const auto& [step, reason] : row.at("reasons").items()) {
      const Verdict verdict = judge(step, text);
      EXPECT_EQ(verdict.reason, reason.get<std::string>()) << step << "\n" << text;
      EXPECT_EQ(verdict.keep, reason.get<std::string>().empty());
    }
    const Judged judged = judge("gopher_repetition", text);
    for (size_t i = 0; i < metrics.size(); ++i) {
      if (!std::isnan(judged.measures.numbers.at(i))) {
        EXPECT_DOUBLE_EQ(judged.measures.numbers.at(i), row.at("measures").at(metrics[i].name).get<double>())
            << metrics[i].name << "\n" << text;
        ++measured;
      }
    }
  }
  EXPECT_EQ(rows, 120u);
  EXPECT_GT(measured, 1400u);
}

}  // namespace
}  // namespace athanor
