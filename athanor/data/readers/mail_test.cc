// E-mail: encodings, parts, folders of mail, and bytes that are none.
#include "athanor/data/readers/mail.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

using Texts = std::vector<std::string>;

TEST(Mail, WordsOfHeaders) {
  EXPECT_EQ(decode_words("=?utf-8?B?5L2g5aW9?= =?UTF-8?Q?_caf=C3=A9?= x"), "你好 café x");
  EXPECT_EQ(decode_words("=?iso-8859-1*en?q?caf=e9?="), "café");
  EXPECT_EQ(decode_words("a =?unknown-x?Q?b?= =?"), "a =?unknown-x?Q?b?= =?");
  EXPECT_EQ(decode_words("plain"), "plain");
  EXPECT_EQ(decode_base64("aGVs\r\nbG8="), "hello");
  EXPECT_EQ(decode_quoted_printable("a=3Db=\r\nc=zz=C3=A9"), "a=bc=zz\xc3\xa9");
}

const std::string kHead = "From: =?utf-8?Q?J=C3=BCrgen?= <a@b>\r\nSubject: folded\r\n subject\r\nMessage-ID: <1@b>\r\n";

TEST(Mail, PlainAndParts) {
  const TestRows plain = rows_of("a.eml", kHead + "Content-Type: text/plain; charset=iso-8859-1\r\n"
                                              "Content-Transfer-Encoding: quoted-printable\r\n\r\ncaf=E9 =\r\nau lait\r\n");
  EXPECT_EQ(plain.texts(), Texts{"café au lait"}) << plain.reasons();
  const auto meta = nlohmann::json::parse(plain.documents[0].meta);
  EXPECT_EQ(meta["from"], "Jürgen <a@b>");
  EXPECT_EQ(meta["subject"], "folded subject");
  EXPECT_EQ(meta["message_id"], "<1@b>");
  const std::string mixed =
      kHead + "Content-Type: multipart/mixed; boundary=\"x y\"\r\n\r\npreamble\r\n--x y\r\n"
              "Content-Type: multipart/alternative; boundary=in\r\n\r\n--in\r\nContent-Type: text/plain\r\n\r\nthe text\r\n"
              "--in\r\nContent-Type: text/html\r\n\r\n<p>the html</p>\r\n--in--\r\n"
              "--x y\r\nContent-Type: text/plain\r\nContent-Disposition: attachment; filename=a.txt\r\n\r\nattached\r\n"
              "--x y\r\nContent-Transfer-Encoding: base64\r\n\r\naGVsbG8=\r\n--x y--\r\nepilogue\r\n";
  EXPECT_EQ(rows_of("a.eml", mixed).texts(), Texts{"the text\n\nhello"});
  EXPECT_EQ(rows_of("a.eml", kHead + "Content-Type: text/plain; charset=no-such\r\n\r\nx\r\n").reasons(), "unknown charset@0");
  EXPECT_EQ(rows_of("a.eml", "no header").reasons(), "broken mail header@0");
  EXPECT_EQ(rows_of("a.eml", kHead + "Content-Type: multipart/mixed\r\n\r\nx").reasons(), "broken MIME part@0");
  std::string deep = kHead;
  for (int i = 0; i < 100; ++i) {
    deep += "Content-Type: multipart/mixed; boundary=b" + std::to_string(i) + "\r\n\r\n--b" + std::to_string(i) + "\r\n";
  }
  EXPECT_EQ(rows_of("a.eml", deep).documents.size(), 0u);
}

TEST(Mail, Mbox) {
  const std::string one = "From a@b Thu Jan  1 00:00:00 1970\nSubject: 1\n\nfirst\n>From here on\nFrom the middle\n\n";
  const std::string two = "From a@b Thu Jan  1 00:00:00 1970\nSubject: 2\n\nsecond\n\n";
  const TestRows rows = rows_of("a.mbox", one + two);
  EXPECT_EQ(rows.texts(), (Texts{"first\nFrom here on\nFrom the middle", "second"})) << rows.reasons();
  EXPECT_EQ(rows.documents[1].span_begin, one.size());
  EXPECT_EQ(rows.boundaries.back().first, one.size());
  EXPECT_EQ(rows_of("a.mbox", "not a box\n\n" + two).reasons(), "not an mbox@0");
  EXPECT_EQ(rows_of("a.mbox", "").documents.size(), 0u);
}

TEST(Mail, RandomBytesNeverCrash) {
  Rng rng(31);
  const std::string soup = "From: x\r\n\r\n--b\r\nContent-Type: multipart/mixed; boundary=b\r\n=?utf-8?B?=\r\n=3D\n\n";
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = kHead;
    for (uint64_t n = rng.below(30); n > 0; --n) {
      bytes += soup.substr(rng.below(soup.size()), rng.below(40));
      bytes += static_cast<char>(rng.below(256));
    }
    parse_mail(bytes);
    decode_words(bytes);
  }
}

}  // namespace
}  // namespace athanor
