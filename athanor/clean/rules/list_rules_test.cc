// Word lists, URL lists, patterns, columns: the rules that the user fills.
#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <fstream>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/clean/aho_corasick.h"
#include "athanor/clean/rules/rule_testing.h"
#include "athanor/clean/rules/url_list.h"

namespace athanor {
namespace {

using nlohmann::json;

TEST(AhoCorasick, FindsWhatASlowSearchFinds) {
  for (uint64_t round = 0; round < 300; ++round) {
    std::vector<std::string> patterns;
    for (uint64_t i = 0; i < 1 + random_at(1, round) % 12; ++i) {
      std::string pattern;
      for (uint64_t k = 0; k < random_at(2, round, i) % 5; ++k) {
        pattern += "abc"[random_at(3, round, i * 8 + k) % 3];
      }
      patterns.push_back(pattern);
    }
    std::string text;
    for (uint64_t i = 0; i < 40; ++i) {
      text += "abcd"[random_at(4, round, i) % 4];
    }
    std::vector<std::pair<size_t, size_t>> expected;
    for (size_t end = 1; end <= text.size(); ++end) {
      for (size_t begin = 0; begin < end; ++begin) {
        if (std::find(patterns.begin(), patterns.end(), text.substr(begin, end - begin)) != patterns.end()) {
          expected.emplace_back(begin, end);
        }
      }
    }
    std::vector<std::pair<size_t, size_t>> found;
    AhoCorasick(patterns).find(text, [&](size_t begin, size_t end, uint32_t pattern) {
      EXPECT_EQ(text.substr(begin, end - begin), patterns[pattern]);
      found.emplace_back(begin, end);
      return true;
    });
    ASSERT_EQ(found, expected) << round;
  }
  EXPECT_TRUE(AhoCorasick({"", ""}).empty());
}

TEST(WordList, BordersOfScripts) {
  const json words = {{"words", {"ass", "Bad Word", "赌博", "naïve"}}};
  EXPECT_EQ(judge("word_list", "The bass class passed.", words).keep, true);
  const Judged found = judge("word_list", "An ASS! A bad word, naïve; 他在赌博中输了。", words);
  EXPECT_EQ(found.reason, "listed_words");
  EXPECT_EQ(found.score, 4);
  EXPECT_EQ(found.measures.texts.at(0), "ass");
  EXPECT_TRUE(judge("word_list", "ass_ets assé éass 9ass", words).keep);
  EXPECT_EQ(judge("word_list", "他ass她", words).score, 1);  // Han needs no space beside Latin either
  EXPECT_TRUE(judge("word_list", "ass", {{"words", {"ass"}}, {"keep_fraction", 1.0}}).keep);
  EXPECT_EQ(judge("word_list", "x", {{"words", {"ass"}}, {"min_matches", 1}}).reason, "too_few_listed");
  EXPECT_TRUE(judge("word_list", "", {}).keep);
}

TEST(WordList, FilesAreReadAndNamedForPinning) {
  const auto path = fs::temp_directory_path() / ("athanor_words_" + std::to_string(::getpid()) + ".txt");
  std::ofstream(path) << "\xEF\xBB\xBF# bad ones\r\n\n  gizmo \r\nwidget";
  const CleanChain chain(json::array({{{"word_list", {{"files", {path.string()}}}}}}));
  EXPECT_EQ(chain.files(), std::vector<std::string>{path.string()});
  std::string text = "a Gizmo and a widget";
  EXPECT_EQ(chain.run(text).score, 2);
  std::ofstream(path) << "\xFF\xFE";
  EXPECT_THROW(CleanChain(json::array({{{"word_list", {{"files", {path.string()}}}}}})).open(), Error);
  fs::remove(path);
  EXPECT_THROW(CleanChain(json::array({{{"word_list", {{"files", {path.string()}}}}}})).open(), Error);
}

std::string url_reason(const std::string& url, const json& options) {
  return judge_with("url_list", "text", options, [&](DocumentView& document) { document.url = url; }).reason;
}

TEST(UrlList, ReasonsInTheirOrder) {
  const json lists = {{"domains", {"bad.com", "sub.fine.org"}}, {"urls", {"https://ok.net/x"}},
                      {"hard_words", {"casino"}}, {"soft_words", {"free", "win"}}, {"subwords", {"xx-yy"}}};
  EXPECT_EQ(url_reason("https://bad.com/a", lists), "domain");
  EXPECT_EQ(url_reason("http://user@A.B.bad.com.:8080/", lists), "domain");
  EXPECT_EQ(url_reason("https://notbad.com/a", lists), "");
  EXPECT_EQ(url_reason("https://sub.fine.org/", lists), "subdomain");
  EXPECT_EQ(url_reason("https://www.fine.org/", lists), "");
  EXPECT_EQ(url_reason("https://ok.net/x", lists), "url");
  EXPECT_EQ(url_reason("https://ok.net/casino-games", lists), "hard_blacklisted");
  EXPECT_EQ(url_reason("https://ok.net/casinos", lists), "");
  EXPECT_EQ(url_reason("https://ok.net/free", lists), "");
  EXPECT_EQ(url_reason("https://ok.net/free?win=1&win", lists), "soft_blacklisted");
  EXPECT_EQ(url_reason("https://ok.net/aXX/yyb", lists), "blacklisted_subword");
  EXPECT_EQ(url_reason("", lists), "no_url");
  EXPECT_TRUE(judge("url_list", "x", lists).keep);
  EXPECT_FALSE(judge("url_list", "x", {{"drop_without_url", true}}).keep);
  EXPECT_EQ(host_of("https://[2001:db8::1]:80/x"), "[2001:db8::1]");
  EXPECT_EQ(host_of(""), "");
}

TEST(Pattern, Actions) {
  const json digits = {{"patterns", {"\\d+"}}};
  EXPECT_EQ(metric_of("pattern", judge("pattern", "a1 b22", digits), "matches"), 2);
  EXPECT_EQ(judge("pattern", "a1 b22", {{"patterns", {"\\d+"}}, {"action", "remove"}}).text, "a b");
  EXPECT_EQ(judge("pattern", "ann@x bob@y", {{"patterns", {"(\\w+)@(\\w)"}}, {"action", "replace"}, {"replacement", "$2<$1>$$$9"}}).text,
            "x<ann>$ y<bob>$");
  EXPECT_EQ(judge("pattern", "one\ntwo ads\nthree ads\nfour", {{"patterns", {"ads"}}, {"action", "remove_lines"}}).text, "one\nfour");
  EXPECT_EQ(judge("pattern", "ads\nx\nads", {{"patterns", {"^ads$"}}, {"action", "remove_lines"}}).text, "x\n");
  EXPECT_EQ(judge("pattern", "abc", {{"patterns", {"x*"}}, {"action", "replace"}, {"replacement", "-"}}).text, "-a-b-c-");
  EXPECT_EQ(judge("pattern", "你好a", {{"patterns", {"\\p{Han}+", "a"}}, {"action", "remove"}}).text, "");
  EXPECT_EQ(judge("pattern", "a1", {{"patterns", {"\\d"}}, {"max_matches", 0}}).reason, "pattern_found");
  EXPECT_EQ(judge("pattern", "a", {{"patterns", {"\\d"}}, {"min_matches", 1}}).reason, "pattern_missing");
  EXPECT_EQ(judge("pattern", "a\xFF" "1", {{"patterns", {"\\d"}}, {"action", "remove"}}).text, "a\xFF");
  EXPECT_FALSE(CleanChain(json::array({{{"pattern", digits}}})).transforms_text());
}

TEST(Pattern, WrongOnesAreNamedAndHostileOnesEnd) {
  try {
    CleanChain chain(json::parse(R"([{"pattern": {"patterns": ["ok", "a(b"]}}])"), "recipe.yaml:4:2");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(error.message().find("'a(b' is wrong at character 3"), std::string::npos) << error.message();
    EXPECT_EQ(error.where(), "recipe.yaml:4:2[0]");
  }
  EXPECT_THROW(judge("pattern", "", {{"action", "removes"}}), Error);
  const auto start = std::chrono::steady_clock::now();
  const Judged judged = judge("pattern", std::string(5000, 'a') + "b", {{"patterns", {"(a+)+$", "(.*)*x"}}, {"action", "remove"}});
  EXPECT_GE(metric_of("pattern", judged, "gave_up"), 1);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(8));
}

TEST(Missing, FieldsOfMeta) {
  const json options = {{"fields", {"title", "author.name", "tags"}}};
  const auto with_meta = [&](const std::string& meta) {
    return judge_with("missing", "x", options, [&](DocumentView& document) { document.meta = meta; });
  };
  EXPECT_TRUE(with_meta(R"({"title": "a", "author": {"name": "b"}, "tags": [1]})").keep);
  EXPECT_TRUE(with_meta(R"({"title": 0, "author.name": "b", "tags": {"a": 1}})").keep);
  const Judged judged = with_meta(R"({"title": "", "author": "b", "tags": []})");
  EXPECT_EQ(judged.reason, "missing_field");
  EXPECT_EQ(judged.measures.texts.at(0), "title,author.name,tags");
  EXPECT_EQ(with_meta("").score, 3);
  EXPECT_EQ(with_meta("not json").score, 3);
}

TEST(Column, FromTheDocumentsOrMeta) {
  const auto run = [](const json& options, const std::string& meta) {
    return judge_with("column", "x", options, [&](DocumentView& document) {
      document.meta = meta;
      document.number = [](std::string_view name) { return name == "score" ? 0.5 : kDoesNotApply; };
    });
  };
  EXPECT_TRUE(run({{"name", "score"}, {"min", 0.5}}, "").keep);
  EXPECT_EQ(run({{"name", "score"}, {"min", 0.6}}, "").reason, "below_min");
  EXPECT_EQ(run({{"name", "score"}, {"max", 0.4}}, "").reason, "above_max");
  EXPECT_EQ(run({{"name", "a.b"}, {"max", 0.4}}, R"({"a": {"b": 7}})").score, 7);
  EXPECT_EQ(run({{"name", "other"}}, R"({"a": 1})").reason, "no_value");
  EXPECT_TRUE(run({{"name", "other"}, {"drop_without_value", false}}, "{}").keep);
  EXPECT_THROW(run(json::object(), ""), Error);
  const CleanChain chain(json::parse(R"([{"column": {"name": "score"}}, {"outlier": {"name": "ppl"}}, {"column": {"name": "score"}}])"));
  EXPECT_EQ(chain.columns_needed(), (std::vector<std::string>{"score", "ppl"}));
}

TEST(Outlier, ByDeviations) {
  const auto keep = [](double value) {
    return judge_with("outlier", "x", {{"name", "n"}, {"mean", 10.0}, {"std", 2.0}, {"max_z", 3.0}},
                      [&](DocumentView& document) { document.number = [=](std::string_view) { return value; }; })
        .keep;
  };
  EXPECT_TRUE(keep(16));
  EXPECT_FALSE(keep(16.1));
  EXPECT_FALSE(keep(3.9));
  EXPECT_TRUE(keep(kDoesNotApply));
}

}  // namespace
}  // namespace athanor
