// Unicode repair, spelling, and the quality of Chinese text.
#include <gtest/gtest.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/unicode.h"
#include "athanor/clean/rules/rule_testing.h"
#include "athanor/clean/rules/spelling.h"
#include "athanor/clean/rules/unicode_repair.h"

namespace athanor {
namespace {

using nlohmann::json;

// Every byte read as the Windows-1252 character, or Latin-1's where that has none.
std::string misread(std::string_view text) {
  constexpr char16_t kHigh[] = {0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
                                0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
                                0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};
  std::string out;
  for (const char c : text) {
    const uint8_t byte = static_cast<uint8_t>(c);
    append_utf8(out, byte >= 0x80 && byte < 0xA0 ? char32_t{kHigh[byte - 0x80]} : char32_t{byte});
  }
  return out;
}

std::string repaired(const std::string& text, const json& options = json::object()) {
  return judge("unicode_repair", text, options).text;
}

TEST(UnicodeRepair, MojibakeOnceAndTwice) {
  for (const std::string good : {"caf\u00E9", "it\u2019s \u201Cfine\u201D \u2013 \u20AC5", "\u4F60\u597D\uFF0C\u4E16\u754C",
                                 "\u041F\u0440\u0438\u0432\u0435\u0442", "\U0001F600 ok", "na\u00EFve \u00C0 la carte"}) {
    EXPECT_EQ(repaired(misread(good)), good);
    EXPECT_EQ(repaired(misread(misread(good))), good);
    EXPECT_EQ(repaired(good), good);
  }
  const Judged judged = judge("unicode_repair", misread("\u4F60\u597D"));
  EXPECT_EQ(metric_of("unicode_repair", judged, "mojibake"), 2);
}

TEST(UnicodeRepair, GoodTextStays) {
  for (const std::string good : {"IRM\u00C3\u201D", "\u00C3\u2013 yes", "S\u00C3O", "\u00E9t\u00E9", "\u00D7\u00F7 \u00E2 la",
                                 "\u00FCber \u00DCber", "fa\u00E7ade \u00E0\u00A0 b", "\u00C2"}) {
    EXPECT_EQ(repaired(good), good);
  }
}

TEST(UnicodeRepair, FormsAndWidths) {
  EXPECT_EQ(repaired("e\u0301"), "\u00E9");
  EXPECT_EQ(repaired("\uFB01\u2460", {{"form", "NFKC"}}), "fi1");
  EXPECT_EQ(repaired("e\u0301", {{"form", "none"}}), "e\u0301");
  EXPECT_EQ(repaired("\uFF21\uFF22\uFF11\uFF0B\u3000\uFF0C\uFF1F\uFF08\u597D\uFF09", {{"width", "half"}}), "AB1+ \uFF0C\uFF1F\uFF08\u597D\uFF09");
  EXPECT_EQ(repaired("\uFF21"), "\uFF21");
  EXPECT_EQ(repaired(std::string("a\0b\x1B\tc\n", 7)), "ab\tc\n");
  EXPECT_EQ(judge("unicode_repair", "\uFFFD\u951F\u65A4\u62F7", {{"max_lost", 1}}).reason, "text_lost");
  EXPECT_THROW(repaired("", {{"form", "NFX"}}), Error);
  EXPECT_THROW(repaired("", {{"width", "full"}}), Error);
}

TEST(EditDistance, ByHand) {
  EXPECT_EQ(edit_distance("teh", "the", 2), 1u);
  EXPECT_EQ(edit_distance("recieve", "receive", 2), 1u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 3), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting", 2), 3u);  // above the limit
  EXPECT_EQ(edit_distance("", "ab", 2), 2u);
  EXPECT_EQ(edit_distance("abc", "abc", 2), 0u);
}

TEST(Spelling, CorrectsOnlyWhatIsClear) {
  const json options = {{"dictionary", ATHANOR_SOURCE_DIR "/tests/fixtures/clean/words.txt"}};
  const Judged judged = judge("spelling", "they recieve it from the goverment, definitly seperate.", options);
  EXPECT_EQ(judged.text, "they receive it from the government, definitely separate.");
  EXPECT_EQ(metric_of("spelling", judged, "corrected"), 4);
  EXPECT_EQ(judged.measures.texts.at(0), "recieve>receive, goverment>government, definitly>definitely, seperate>separate");
  // Names, parts of contractions, identifiers, words with digits, other scripts beside: never.
  const std::string others = "Recieve RECIEVE recieve's recieve_it recieve9 x@recieve.com \u00E9recieve recieve-it";
  EXPECT_EQ(judge("spelling", others, options).text, others);
  // "hourse": house, horse and hours are each one edit away and none ten times commoner.
  const Judged unclear = judge("spelling", "hourse zzzzzz", options);
  EXPECT_EQ(unclear.text, "hourse zzzzzz");
  EXPECT_EQ(metric_of("spelling", unclear, "unknown"), 2);
  EXPECT_EQ(judge("spelling", "recieve", {{"dictionary", options["dictionary"]}, {"correct", false}}).text, "recieve");
  EXPECT_EQ(judge("spelling", "recomended", options).text, "recommended");  // two candidates, one of them nearer
  EXPECT_THROW(judge("spelling", "x"), Error);
}

TEST(Spelling, IndexFindsWhatAComparisonWithAllFinds) {
  const std::vector<std::string> words = {"banana 5", "bandana 900", "cabana 4", "savannah 100", "manana 1", "ban 9"};
  const SpellingIndex index(words, 2);
  EXPECT_EQ(index.correct("bananna", 10), "banana");
  EXPECT_EQ(index.correct("savanah", 10), "savannah");
  EXPECT_EQ(index.correct("svaannah", 10), "savannah");   // a swap
  EXPECT_EQ(index.correct("savnnaah", 10), "savannah");   // two edits, eight letters
  EXPECT_EQ(index.correct("xavanah", 10), "");            // two edits, seven letters
  EXPECT_TRUE(index.knows("cabana"));
}

std::string story(size_t sentences) {
  std::string text;
  char32_t code = 0x4E00;
  for (size_t i = 0; i < sentences; ++i) {
    for (int k = 0; k < 18; ++k) {
      append_utf8(text, code);
      code += 7;
      text += k == 8 ? "，" : "";
    }
    text += i % 3 == 2 ? "。\n" : "。";
  }
  return text;
}

TEST(ZhQuality, KeepsProseAndNamesWhatIsWrong) {
  EXPECT_TRUE(judge("zh_quality", story(12)).keep) << judge("zh_quality", story(12)).reason;
  const Judged judged = judge("zh_quality", story(12));
  EXPECT_EQ(metric_of("zh_quality", judged, "han"), 216);
  EXPECT_EQ(metric_of("zh_quality", judged, "clause"), 9);
  EXPECT_NEAR(metric_of("zh_quality", judged, "end_marks"), 1000.0 * 12 / 216, 1e-9);
  EXPECT_EQ(judge("zh_quality", story(2)).reason, "zh_too_short");
  EXPECT_EQ(judge("zh_quality", story(6) + std::string(300, 'a')).reason, "not_chinese");
  EXPECT_TRUE(judge("zh_quality", story(6) + std::string(300, 'a')).keep);
  EXPECT_FALSE(judge("zh_quality", "plain English", {{"only_chinese", true}}).keep);
  EXPECT_EQ(judge("zh_quality", story(6) + std::string(150, 'a')).reason, "zh_few_han");
  std::string repeated;
  for (int i = 0; i < 30; ++i) {
    repeated += "今天天气很好我们去公园吧。";
  }
  EXPECT_EQ(judge("zh_quality", repeated).reason, "zh_top_4_gram");
  EXPECT_EQ(judge("zh_quality", repeated, {{"max_top_4_gram", 1.0}}).reason, "zh_dup_13_gram");
  std::string menu = story(3);
  for (const char* entry : {"首页", "新闻", "体育", "财经", "娱乐", "科技", "汽车", "房产", "教育", "旅游"}) {
    menu += std::string(entry) + "\n";
  }
  EXPECT_EQ(judge("zh_quality", menu).reason, "zh_fragments");
  EXPECT_EQ(judge("zh_quality", story(6) + "扫码关注，点击下载，客服热线。").reason, "zh_advertising");
  EXPECT_TRUE(std::isnan(judge("zh_quality", "").measures.numbers.at(0)));
}

}  // namespace
}  // namespace athanor
