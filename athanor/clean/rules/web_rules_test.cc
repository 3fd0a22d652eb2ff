// C4, Curator's heuristics, boilerplate lines, sentences.
#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/clean/find_folded.h"
#include "athanor/clean/rules/rule_testing.h"
#include "athanor/clean/sentences.h"

namespace athanor {
namespace {

using nlohmann::json;

const std::string kFive =
    "This is the first sentence. Here comes the second one!\nIs there a third one? There is a fourth one.\n"
    "And this is the fifth one.";

TEST(Sentences, TheStatedRule) {
  EXPECT_EQ(count_sentences("One. Two! Three? Four"), 4u);
  EXPECT_EQ(count_sentences("Mr. Smith of the U.S. Navy paid 3.14 dollars to J. R. Doe at 5 p.m. sharp."), 1u);
  EXPECT_EQ(count_sentences("It ends.Next begins. \"Really?\" he said... Yes."), 5u);
  EXPECT_EQ(count_sentences("a.b c.d"), 1u);
  EXPECT_EQ(count_sentences("你好。世界！是吗？好"), 4u);
  EXPECT_EQ(count_sentences(""), 0u);
  EXPECT_EQ(count_sentences("  "), 0u);
  EXPECT_EQ(count_sentences("..."), 1u);
  EXPECT_EQ(count_sentences("\xFF"), 1u);
}

TEST(FindFolded, AgreesWithTheSlowWay) {
  const std::string text = "xJAVAscript jaVaScRiPt JavascripT javascrip" + std::string(40, 'j') + "javascript";
  std::vector<size_t> found;
  for (size_t at = find_folded(text, "javascript"); at != std::string::npos; at = find_folded(text, "javascript", at + 1)) {
    found.push_back(at);
  }
  EXPECT_EQ(found, (std::vector<size_t>{1, 12, 23, text.size() - 10}));
  EXPECT_EQ(find_folded("abc", "abcd"), std::string::npos);
  EXPECT_EQ(find_folded("", "ab"), std::string::npos);
  EXPECT_FALSE(contains_folded("[ookie \x43OOKI", "cookie"));  // '[' | 0x20 == '{': only letters fold
}

TEST(C4, TakesLinesOut) {
  const std::string text = kFive + "\nno end mark here\nToo short.\nPlease enable JavaScript to see this.\n" +
                           "We have a Privacy Policy for you.\nIt trails off...\nCited[12] and more[edit] it is[citation needed].\n" +
                           std::string(1001, 'x') + " is long.";
  const Judged judged = judge("c4", text);
  EXPECT_TRUE(judged.keep) << judged.reason;
  EXPECT_EQ(judged.text, kFive + "\nCited and more it is.");
  EXPECT_EQ(metric_of("c4", judged, "sentences"), 6);
  EXPECT_EQ(metric_of("c4", judged, "lines_kept"), 4);
  EXPECT_EQ(metric_of("c4", judged, "no_terminal_punct"), 2);
  EXPECT_EQ(metric_of("c4", judged, "too_few_words"), 1);
  EXPECT_EQ(metric_of("c4", judged, "javascript"), 1);
  EXPECT_EQ(metric_of("c4", judged, "policy"), 1);
  EXPECT_EQ(metric_of("c4", judged, "too_long_word"), 1);
  const Judged only_numbers = judge("c4", text, {{"remove_lines", false}});
  EXPECT_EQ(only_numbers.text, text);
  EXPECT_EQ(only_numbers.measures.numbers, judged.measures.numbers);
}

TEST(C4, DropsDocuments) {
  EXPECT_EQ(judge("c4", "One is here. Two are here. Three of them. Four of them.").reason, "too_few_sentences");
  EXPECT_EQ(judge("c4", kFive + "\nif (x) { return y; } is code.").reason, "curly_bracket");
  EXPECT_EQ(judge("c4", kFive + "\nLorem Ipsum dolor sit amet.\nand { a bracket.").reason, "lorem_ipsum");
  EXPECT_EQ(judge("c4", kFive + "\nand { a bracket.\nLorem Ipsum dolor sit amet.").reason, "curly_bracket");
  EXPECT_TRUE(judge("c4", kFive + "\n{ no end mark").keep);  // the line was out before
  EXPECT_TRUE(judge("c4", kFive + "\nand { a bracket.", {{"filter_curly_bracket", false}}).keep);
  EXPECT_EQ(judge("c4", "", {{"min_num_sentences", -1}}).keep, true);
  const Judged fineweb = judge("c4", kFive + "\nno end mark here", {{"filter_no_terminal_punct", false}});
  EXPECT_EQ(fineweb.text, kFive + "\nno end mark here");
}

TEST(C4, ChineseLinesNeedNoSpaces) {
  const std::string text = "今天天气很好。我们去公园散步。\n他说：“明天见！”\n孩子们都很高兴。大家一起唱歌。\n菜单 首页";
  const Judged judged = judge("c4", text);
  EXPECT_TRUE(judged.keep) << judged.reason;
  EXPECT_EQ(judged.text, "今天天气很好。我们去公园散步。\n他说：“明天见！”\n孩子们都很高兴。大家一起唱歌。");
}

TEST(C4Paragraph, ThreeLongLines) {
  const std::string line(200, 'a');
  EXPECT_TRUE(judge("c4_paragraph", line + "\n" + line + "\nshort\n" + line).keep);
  EXPECT_EQ(judge("c4_paragraph", line + "\n" + line + "\n" + std::string(199, 'a')).reason, "few_paragraphs");
  EXPECT_FALSE(judge("c4_paragraph", line + "\n" + line).keep);
}

std::string prose(size_t times) {
  std::string text;
  for (size_t i = 0; i < times; ++i) {
    text += "Sentence number " + std::string(1, static_cast<char>('a' + i % 26)) + " of this text tells that story " +
            std::string(1 + i % 7, static_cast<char>('b' + i % 23)) + ".\n";
  }
  return text;
}

TEST(CuratorEnglish, Reasons) {
  const json loose = {{"max_top_2_gram", 9}, {"max_top_3_gram", 9}, {"max_top_4_gram", 9}, {"max_dup_5_gram", 9}, {"max_dup_6_gram", 9},
                      {"max_dup_7_gram", 9}, {"max_dup_8_gram", 9}, {"max_dup_9_gram", 9}, {"max_dup_10_gram", 9}};
  EXPECT_TRUE(judge("curator_english", prose(12), loose).keep) << judge("curator_english", prose(12), loose).reason;
  EXPECT_EQ(judge("curator_english", std::string(100, '*')).reason, "NonAlphaNumeric");
  EXPECT_EQ(judge("curator_english", prose(4) + "# ## ### ... # # #").reason, "SymbolsToWords");
  EXPECT_EQ(judge("curator_english", "1234567890 1234567 abcdefgh").reason, "Numbers");
  EXPECT_EQ(judge("curator_english", "see https://example.org/abcdefghijklmnopq?x=1 and more text there").reason, "Urls");
  EXPECT_EQ(judge("curator_english", "aa\n\n\n\nbb\n\n\n\ncc").reason, "WhiteSpace");
  EXPECT_EQ(judge("curator_english", "aa(bb)cc[dd]ee{ff}gg(hh)").reason, "NonAlphaNumeric");
  EXPECT_EQ(judge("curator_english", "Our privacy policy is here").reason, "BoilerPlateString");
  EXPECT_EQ(judge("curator_english", "one line\none line\none line\ntwo lines").reason, "RepeatedLines");
  EXPECT_EQ(judge("curator_english", "too few words").reason, "WordCount");
  EXPECT_EQ(metric_of("curator_english", judge("curator_english", "a b a b a b"), "top_2_gram"), 9.0 / 11);
  // "a b c d e" comes again: five characters and four spaces.
  EXPECT_EQ(metric_of("curator_english", judge("curator_english", "a b c d e x a b c d e"), "dup_5_gram"), 9.0 / 21);
  // Overlapping repeats count once: six words, "a b c d e f", with the five spaces of ... 4 + 1.
  EXPECT_EQ(metric_of("curator_english", judge("curator_english", "a b c d e f x a b c d e f"), "dup_5_gram"), 11.0 / 25);
  EXPECT_EQ(judge("curator_english", "你好世界，今天天气很好。").reason, kSkippedForCjk);
}

TEST(Boilerplate, TakesFurnitureOut) {
  const std::string page =
      "Home\n» Menu «\nSkip to content\nThe story begins at home, where the menu was short.\n"
      "This website uses cookies to improve your experience.\nShare on Facebook\n© 2024 Example Ltd.\n"
      "Read more\nAll Rights Reserved.\nHe asked us to share this post with no one, and to follow us on the long way home through "
      "the woods.\n首页\n上一篇\n京ICP备12345678号\n这是正文，讲的是首页的故事。";
  const Judged judged = judge("boilerplate", page);
  EXPECT_EQ(judged.text,
            "The story begins at home, where the menu was short.\nHe asked us to share this post with no one, and to follow us "
            "on the long way home through the woods.\n这是正文，讲的是首页的故事。");
  EXPECT_EQ(metric_of("boilerplate", judged, "navigation"), 6);
  EXPECT_EQ(metric_of("boilerplate", judged, "copyright"), 3);
  EXPECT_EQ(metric_of("boilerplate", judged, "cookie"), 1);
  EXPECT_EQ(judge("boilerplate", page, {{"max_share", 0.2}}).reason, "boilerplate");
  EXPECT_EQ(judge("boilerplate", "Home\nx", {{"kinds", json::array()}}).text, "Home\nx");
  EXPECT_EQ(judge("boilerplate", "Buy NOW from us\nx", {{"phrases", {"buy now"}}}).text, "x");
  EXPECT_THROW(judge("boilerplate", "", {{"kinds", {"cokie"}}}), Error);
}

}  // namespace
}  // namespace athanor
