#include "athanor/data/html/extract.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "athanor/base/file.h"

namespace athanor {
namespace {

std::string fixture(const std::string& name) {
  return read_file(fs::path(ATHANOR_SOURCE_DIR) / "fuzz/corpus/html" / name);
}

bool has(const HtmlPage& page, const std::string& text) { return page.text.find(text) != std::string::npos; }

constexpr char kProse[] =
    "<p>The ferry left at six in the morning, with nine cars, a horse and the whole of the brass band on "
    "board.</p>";

TEST(HtmlExtract, KeepsTheArticleAndNothingElse) {
  const HtmlPage page =
      extract_html(fixture("article.html"), {.url = "https://post.example/news/2024/index.html"});
  EXPECT_EQ(page.fault, "");
  EXPECT_EQ(page.text,
            "When the cliff had come within four metres of its door, the town of Skarn decided to move its "
            "lighthouse, all "
            "seven hundred and twenty tonnes of it.\n\n"
            "Engineers cut it from its ground, set it on rails and pulled it inland at eight metres an hour, "
            "while a crowd of "
            "two thousand looked on and sang.\n\n"
            "What it cost\n\n"
            "The bill, five million crowns, was shared:\n\n"
            "- the state paid four fifths,\n- the town paid the rest.\n\n"
            "Year\tDistance\n1900\t200 m\n2019\t4 m\n\n"
            "speed = 8\nwhile moving:\n    sing()\n\n"
            "“It was like moving a sleeping giant,” said the mayor. Nobody spilled a drop of the coffee that "
            "stood on its "
            "stairs.");
}

TEST(HtmlExtract, ReadsWhatThePageSaysOfItself) {
  const HtmlPage page =
      extract_html(fixture("article.html"), {.url = "https://post.example/news/2024/index.html"});
  EXPECT_EQ(page.title, "The lighthouse that moved");
  EXPECT_EQ(page.date, "2024-03-09");
  EXPECT_EQ(page.author, "Ada Reed, Tom Okoro");
  EXPECT_EQ(page.language, "en-GB");
  EXPECT_EQ(page.canonical_url, "https://post.example/news/lighthouse");
  EXPECT_EQ(page.description, "How a town carried its lighthouse sixty metres inland.");
  EXPECT_EQ(page.charset, "utf-8");
  EXPECT_EQ(page.links,
            (std::vector<std::string>{
                "https://post.example/", "https://post.example/news", "https://post.example/sport",
                "https://post.example/people/ada", "https://social.example/share",
                "https://post.example/news/people/crowd?x=1", "https://post.example/news/pier"}));
}

TEST(HtmlExtract, JudgesChineseByItsOwnMeasure) {
  const HtmlPage page = extract_html(fixture("chinese.html"));
  EXPECT_TRUE(page.text.starts_with("五月的清晨")) << page.text;
  EXPECT_TRUE(page.text.ends_with("糯米灰浆填好。")) << page.text;
  EXPECT_FALSE(has(page, "相关阅读"));
  EXPECT_FALSE(has(page, "版权所有"));
  EXPECT_EQ(page.title, "古镇修桥记");
  EXPECT_EQ(page.author, "林小舟");
  EXPECT_EQ(page.language, "zh-CN");
  EXPECT_EQ(page.date, "2023-05-18");
}

TEST(HtmlExtract, LeavesOutWhatIsHidden) {
  const std::string body = std::string(kProse) + kProse;
  for (const char* tag : {"<div hidden>", "<div style='color:red; display: none'>", "<div aria-hidden=true>",
                          "<dialog>", "<noscript>", "<template>", "<div role=dialog>"}) {
    const HtmlPage page =
        extract_html(body + tag + "<p>This is what nobody was meant to see, at least not now.</p></div>");
    EXPECT_FALSE(has(page, "nobody was meant")) << tag;
    EXPECT_TRUE(has(page, "brass band")) << tag;
  }
}

TEST(HtmlExtract, WhatIsHiddenInALineLeavesTheLine) {
  const HtmlPage page = extract_html(
      "<p><span class='sr-only visuallyhidden'>Skip it. </span>The band played on, <i style='display:none'>out of "
      "tune, </i>until the last car had left the harbour.</p>");
  EXPECT_EQ(page.text, "The band played on, until the last car had left the harbour.");
  EXPECT_EQ(extract_html("<p><span class=credit>Paris</span> is where the band had come from, long before the war.</p>").text,
            "Paris is where the band had come from, long before the war.");
}

TEST(HtmlExtract, AHiddenArticleIsStillTheArticle) {
  const HtmlPage page =
      extract_html("<div>Loading</div><div style='visibility:hidden'>" + std::string(kProse) + "</div>");
  EXPECT_TRUE(has(page, "brass band"));
}

TEST(HtmlExtract, NamesOfTheWholePageDoNotEmptyIt) {
  EXPECT_TRUE(
      has(extract_html("<body class='comments sidebar'><div class=widget>" + std::string(kProse) + "</div>"),
          "brass"));
}

TEST(HtmlExtract, KeepsThePageThatHasNoProse) {
  const HtmlPage page =
      extract_html("<h1>Opening hours</h1><ul><li>Monday 9 to 5</li><li>Tuesday 9 to 5</li></ul>");
  EXPECT_TRUE(has(page, "- Monday 9 to 5\n- Tuesday 9 to 5")) << page.text;
}

TEST(HtmlExtract, LineBreaksAndBlanks) {
  const HtmlPage page = extract_html(
      "<p>One line of   this poem\n is here,<br>another one&nbsp;is there, it goes on and on.<br><br>"
      "A second stanza follows, also long enough to be taken for text.</p>");
  EXPECT_EQ(page.text,
            "One line of this poem is here,\nanother one is there, it goes on and on.\n\n"
            "A second stanza follows, also long enough to be taken for text.");
}

TEST(HtmlExtract, SaysWhyThereIsNoText) {
  EXPECT_EQ(extract_html("").fault, "empty");
  EXPECT_EQ(extract_html(" \n\t").fault, "empty");
  EXPECT_EQ(extract_html("<p>abc", {.max_bytes = 3}).fault, "too large");
  EXPECT_EQ(extract_html("%PDF-1.7 ...").fault, "not HTML");
  EXPECT_EQ(extract_html(std::string(1000, '\0')).fault, "not HTML");
  EXPECT_EQ(extract_html("<title>A title alone</title><script>var a = 1;</script>").fault, "no text");
  EXPECT_EQ(extract_html("<title>A title alone</title>").title, "A title alone");
  EXPECT_EQ(extract_html("<frameset><frame src=a></frameset>").fault, "no text");
  std::string many;
  for (int i = 0; i < 2000; ++i) {
    many += "<b>x</b> ";
  }
  EXPECT_EQ(extract_html(many, {.max_nodes = 1000}).fault, "too complex");
}

TEST(HtmlExtract, OnePageDoesNotChangeTheNext) {
  const std::string article = fixture("article.html");
  const std::string text = extract_html(article).text;
  const std::string deep(5000000, '<');
  extract_html(deep);
  extract_html("<frameset>");
  extract_html(fixture("chinese.html"));
  EXPECT_EQ(extract_html(article).text, text);
}

TEST(HtmlExtract, ThreadsAgree) {
  const std::string article = fixture("article.html");
  const std::string text = extract_html(article).text;
  std::vector<std::string> found(4);
  std::vector<std::thread> threads;
  for (std::string& one : found) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        one = extract_html(article).text;
      }
    });
  }
  for (std::thread& thread : threads) {
    thread.join();
  }
  EXPECT_EQ(std::count(found.begin(), found.end(), text), 4);
}

}  // namespace
}  // namespace athanor
