// Character sets, addresses, dates, names.
#include <gtest/gtest.h>

#include "athanor/data/html/charset.h"
#include "athanor/data/html/date.h"
#include "athanor/data/html/extract.h"
#include "athanor/data/html/links.h"
#include "athanor/data/html/names.h"

namespace athanor::html {
namespace {

std::string decoded(std::string_view bytes, std::string& charset) {
  std::string storage;
  return std::string(decode_page(bytes, charset, storage));
}

void expect_decoded(std::string_view bytes, std::string charset, const std::string& text,
                    const std::string& name) {
  EXPECT_EQ(decoded(bytes, charset), text);
  EXPECT_EQ(charset, name);
}

TEST(HtmlCharset, AsDeclared) {
  expect_decoded("<meta charset=gbk>\xD6\xD0\xCE\xC4", "", "<meta charset=gbk>中文", "gbk");
  expect_decoded("\xA4\xA4\xA4\xE5", "big5", "中文", "big5");
  expect_decoded("\x82\xA0\x83\x41", "Shift_JIS", "あア", "shift_jis");
  expect_decoded("\xB0\xA1", "euc-kr", "가", "euc-kr");
  expect_decoded("caf\xE9", "iso-8859-1", "café", "windows-1252");
  expect_decoded("\xCF\xF0\xE8", "windows-1251", "При", "windows-1251");
  expect_decoded("<meta http-equiv=content-type content='text/html; charset=windows-1251'>\xCF", "",
                 "<meta http-equiv=content-type content='text/html; charset=windows-1251'>П", "windows-1251");
  expect_decoded("\x81\x30\x84\x36", "gb18030", "\xC2\xA5", "gb18030");
}

TEST(HtmlCharset, MarksAndWideEncodings) {
  expect_decoded(
      "\xEF\xBB\xBF"
      "a\xC3\xA9",
      "gbk", "aé", "utf-8");
  expect_decoded(std::string_view("\xFF\xFE"
                                  "a\0\xE9\0",
                                  6),
                 "", "aé", "utf-16le");
  expect_decoded(std::string_view("\xFE\xFF\0a\xD8\x3D\xDE\x00", 8), "", "a\xF0\x9F\x98\x80", "utf-16be");
}

TEST(HtmlCharset, Utf8ThroughoutIsUtf8WhateverItSays) {
  expect_decoded("naïve façade, déjà vu", "iso-8859-1", "naïve façade, déjà vu", "utf-8");
  expect_decoded("<meta charset=gbk>这是一个网页", "", "<meta charset=gbk>这是一个网页", "utf-8");
}

TEST(HtmlCharset, BadBytesBecomeReplacements) {
  expect_decoded("a\xFF\xC3z", "utf-8", "a\xEF\xBF\xBD\xEF\xBF\xBDz", "utf-8");
  expect_decoded("a\x81", "gbk", "a\xEF\xBF\xBD", "gbk");
  expect_decoded("abc", "no-such-charset", "abc", "utf-8");
}

TEST(HtmlCharset, Guesses) {
  std::string chinese;
  std::string russian;
  for (int i = 0; i < 20; ++i) {
    chinese += "\xD6\xD0\xB9\xFA\xB5\xC4\xC8\xCB\xC3\xF1\xA3\xAC";
    russian += "\xCF\xF0\xE8\xE2\xE5\xF2, \xEC\xE8\xF0 ";
  }
  std::string charset;
  EXPECT_TRUE(decoded(chinese, charset).starts_with("中国的人民，"));
  EXPECT_EQ(charset, "gb18030");
  charset.clear();
  EXPECT_TRUE(decoded(russian, charset).starts_with("Привет, мир"));
  charset.clear();
  EXPECT_EQ(decoded("un caf\xE9 \xE0 la carte", charset), "un café à la carte");
  EXPECT_EQ(charset, "windows-1252");
}

TEST(HtmlUrl, References) {
  const std::string base = "http://a/b/c/d;p?q";  // RFC 3986, 5.4
  const std::pair<const char*, const char*> cases[] = {{"g", "http://a/b/c/g"},
                                                       {"./g", "http://a/b/c/g"},
                                                       {"g/", "http://a/b/c/g/"},
                                                       {"/g", "http://a/g"},
                                                       {"//g", "http://g/"},
                                                       {"?y", "http://a/b/c/d;p?y"},
                                                       {"g?y", "http://a/b/c/g?y"},
                                                       {"g?y#s", "http://a/b/c/g?y"},
                                                       {";x", "http://a/b/c/;x"},
                                                       {".", "http://a/b/c/"},
                                                       {"./", "http://a/b/c/"},
                                                       {"..", "http://a/b/"},
                                                       {"../g", "http://a/b/g"},
                                                       {"../..", "http://a/"},
                                                       {"../../g", "http://a/g"},
                                                       {"../../../g", "http://a/g"},
                                                       {"/./g", "http://a/g"},
                                                       {"/../g", "http://a/g"},
                                                       {"g.", "http://a/b/c/g."},
                                                       {"..g", "http://a/b/c/..g"},
                                                       {"./../g", "http://a/b/g"},
                                                       {"g/./h", "http://a/b/c/g/h"},
                                                       {"g/../h", "http://a/b/c/h"},
                                                       {"g;x=1/../y", "http://a/b/c/y"},
                                                       {"HTTPS://Host/X y", "https://host/X%20y"},
                                                       {" \n g\t ", "http://a/b/c/g"},
                                                       {"#s", ""},
                                                       {"mailto:a@b", ""},
                                                       {"javascript:void(0)", ""},
                                                       {"http:", ""},
                                                       {"", ""}};
  for (const auto& [reference, wanted] : cases) {
    EXPECT_EQ(resolve_url(base, reference), wanted) << reference;
  }
  EXPECT_EQ(resolve_url("", "g"), "");
  EXPECT_EQ(resolve_url("", "https://h"), "https://h/");
}

TEST(HtmlDate, Forms) {
  for (const char* text : {"2019-11-18", "2019-11-18T07:00:00Z", "20191118T0700", "2019/11/18",
                           "Published: November 18, 2019 8:03 am", "Nov. 18 2019", "Mon, 18 Nov 2019 10:00",
                           "18th November 2019", "18-Nov-2019", "2019年11月18日", "18.11.2019", "18/11/2019",
                           "11/18/2019", "https://x.example/2019/11/18/story"}) {
    EXPECT_EQ(parse_date(text), "2019-11-18") << text;
  }
  for (const char* text : {"", "soon", "11/12/2019", "2019-13-01", "1066-10-14", "May I",
                           "99999999999999999999", "2019-02-30"}) {
    EXPECT_EQ(parse_date(text), "") << text;
  }
}

TEST(HtmlNames, WordsOfNames) {
  EXPECT_NE(names_in("post-comments") & kNameComment, 0u);
  EXPECT_NE(names_in("relatedPosts") & kNameRelated, 0u);
  EXPECT_NE(names_in("entry-content clearfix") & kNameArticleBody, 0u);
  EXPECT_NE(names_in("x articleBody") & kNameArticleBody, 0u);
  EXPECT_EQ(names_in("entry content") & kNameArticleBody, 0u);  // two names
  EXPECT_EQ(names_in("has-sidebar with-comments"), 0u);
  EXPECT_EQ(names_in("commentary headway navvy"), 0u);
  EXPECT_EQ(names_in(std::string(100000, 'a')), 0u);
}

}  // namespace
}  // namespace athanor::html
