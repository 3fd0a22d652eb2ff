// Web archives: good records, wrong lengths, damaged members, encodings of pages, and real files.
#include "athanor/data/web/warc.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/data/testing/test_rows.h"
#include "athanor/data/testing/test_tar.h"
#include "athanor/data/web/http_message.h"

namespace athanor {
namespace {

using Texts = std::vector<std::string>;

std::string record(const std::string& type, const std::string& content, const std::string& body,
                   const std::string& length = "") {
  return "WARC/1.0\r\nWARC-Type: " + type + "\r\nWARC-Target-URI: http://example.org/a\r\n" +
         "WARC-Date: 2026-01-02T03:04:05Z\r\nWARC-Record-ID: <urn:uuid:1>\r\nContent-Type: " + content +
         "\r\nContent-Length: " + (length.empty() ? std::to_string(body.size()) : length) + "\r\n\r\n" + body + "\r\n\r\n";
}

std::string wet(const std::string& text) { return record("conversion", "text/plain", text); }

std::string answer(const std::string& headers, const std::string& body, const std::string& status = "200 OK") {
  return record("response", "application/http; msgtype=response", "HTTP/1.1 " + status + "\r\n" + headers + "\r\n" + body);
}

std::string page(const std::string& text) {
  std::string paragraphs;
  for (int i = 0; i < 6; ++i) {
    paragraphs += "<p>" + text + " and a sentence that is long enough to be the main text of a page, number " +
                  std::to_string(i) + ".</p>";
  }
  return "<html lang=en><head><title>The long title of page " + text + "</title></head><body><article>" + paragraphs + "</article></body></html>";
}

TEST(Warc, TextsPagesAndWhatIsSkipped) {
  const std::string bytes = record("warcinfo", "application/warc-fields", "software: x") + wet("first text") +
                            record("request", "application/http", "GET / HTTP/1.1\r\n\r\n") +
                            answer("Content-Type: text/html; charset=utf-8\r\n", page("alpha")) +
                            answer("Content-Type: text/plain\r\n", "plain answer") +
                            answer("Content-Type: image/png\r\n", "\x89PNG") +
                            answer("Content-Type: text/html\r\n", page("x"), "404 Not Found") + wet("last");
  for (const std::string& whole : {bytes, gzip(bytes)}) {
    const TestRows rows = rows_of(whole == bytes ? "a.warc" : "a.warc.gz", whole);
    ASSERT_EQ(rows.documents.size(), 4u) << rows.reasons();
    EXPECT_EQ(rows.documents[0].text, "first text");
    EXPECT_NE(rows.documents[1].text.find("alpha and a sentence"), std::string::npos);
    EXPECT_EQ(rows.documents[2].text, "plain answer");
    EXPECT_EQ(rows.documents[3].text, "last");
    const auto meta = nlohmann::json::parse(rows.documents[1].meta);
    EXPECT_EQ(meta["url"], "http://example.org/a");
    EXPECT_EQ(meta["media_type"], "text/html");
    EXPECT_NE(rows.documents[1].meta.find("The long title of page alpha"), std::string::npos) << rows.documents[1].meta;
    EXPECT_EQ(meta["status"], 200);
    EXPECT_EQ(bytes.substr(rows.documents[1].span_begin, 8), "WARC/1.0");
    EXPECT_EQ(rows.skipped, (std::map<std::string, int>{{"WARC warcinfo", 1},
                                                        {"WARC request", 1},
                                                        {"not a text", 1},
                                                        {"HTTP error or redirect", 1}}));
    EXPECT_EQ(rows.reasons(), "");
  }
}

TEST(Warc, WrongLengthsCostOneRecord) {
  const std::string good = wet("good one");
  for (const char* length : {"3", "60", "100000", "-1", "1x", "99999999999999999999", "0"}) {
    const std::string bad = record("conversion", "text/plain", "a body of some length", length);
    const TestRows plain = rows_of("a.warc", good + bad + good + good);
    EXPECT_EQ(plain.texts(), (Texts{"good one", "good one", "good one"})) << length << " " << plain.reasons();
    EXPECT_EQ(plain.rejected.size(), 1u) << length << " " << plain.reasons();
    EXPECT_EQ(plain.rejected[0].offset, good.size()) << length;
    const TestRows packed = rows_of("a.warc.gz", gzip(good) + gzip(bad) + gzip(good) + gzip(good));
    EXPECT_EQ(packed.texts(), (Texts{"good one", "good one", "good one"})) << length << " " << packed.reasons();
    EXPECT_EQ(packed.rejected.size(), 1u) << length << " " << packed.reasons();
  }
  const TestRows no_magic = rows_of("a.warc", "junk at the start\r\n" + good + "more junk\r\n\r\n" + good);
  EXPECT_EQ(no_magic.texts(), Texts{"good one"}) << "one with junk behind it may be longer than it says";
  EXPECT_EQ(no_magic.rejected.size(), 2u) << no_magic.reasons();
  const TestRows no_end = rows_of("a.warc", "WARC/1.0\r\nX: " + std::string(200'000, 'x') + "\r\n" + good);
  EXPECT_EQ(no_end.texts(), Texts{"good one"});
  EXPECT_EQ(no_end.reasons(), "broken WARC header@0");
  EXPECT_EQ(rows_of("a.warc", "").documents.size(), 0u);
}

TEST(Warc, CutAtEveryByte) {
  const std::string first = wet("first"), whole = first + wet("second");
  for (size_t cut = 1; cut < whole.size() - 4; ++cut) {
    const TestRows rows = rows_of("a.warc", whole.substr(0, cut));
    const size_t wanted = cut < first.size() - 4 ? 0 : 1;
    EXPECT_EQ(rows.documents.size(), wanted) << cut;
    EXPECT_EQ(rows.rejected.size(), wanted == 0 || cut > first.size() ? 1u : 0u) << cut << rows.reasons();
  }
}

TEST(Warc, ADamagedMemberCostsItself) {
  std::string bytes;
  std::vector<size_t> starts;
  for (int i = 0; i < 30; ++i) {
    starts.push_back(bytes.size());
    bytes += gzip(wet("text number " + std::to_string(i) + std::string(200, 'a' + i % 20)));
  }
  Rng rng(11);
  for (int round = 0; round < 60; ++round) {
    std::string damaged = bytes;
    const size_t member = rng.below(28) + 1;
    const size_t at = starts[member] + rng.below(starts[member + 1] - starts[member]);
    damaged[at] = static_cast<char>(damaged[at] ^ (1 << rng.below(8)));
    const TestRows rows = rows_of("a.warc.gz", damaged);
    EXPECT_GE(rows.documents.size(), 28u) << "member " << member << " byte " << at - starts[member] << rows.reasons();
  }
}

TEST(Warc, EncodingsOfAnswers) {
  const std::string text(5000, 'z');
  const std::string type = "Content-Type: text/plain\r\n";
  const std::string chunked = "5;x=y\r\nhello\r\n6 \r\n world\r\n0\r\n\r\n";
  EXPECT_EQ(rows_of("a.warc", answer(type + "Transfer-Encoding: chunked\r\n", chunked)).texts(), Texts{"hello world"});
  EXPECT_EQ(rows_of("a.warc", answer(type + "Transfer-Encoding: chunked\r\n", "not chunked")).texts(), Texts{"not chunked"});
  EXPECT_EQ(rows_of("a.warc", answer(type + "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\nzz")).reasons(), "broken chunks@0");
  for (const auto& [name, bytes] : {std::pair<std::string, std::string>("gzip", gzip(text)), {"x-gzip", gzip(text)},
                                    {"deflate", deflated(text, 15)}, {"deflate", deflated(text, -15)},
                                    {"identity", text}, {"gzip", text}}) {
    EXPECT_EQ(rows_of("a.warc", answer(type + "Content-Encoding: " + name + "\r\n", bytes)).texts(), Texts{text}) << name;
  }
  EXPECT_EQ(rows_of("a.warc", answer(type + "Content-Encoding: gzip\r\n", gzip(text).substr(0, 30))).reasons(),
            "corrupt content encoding@0");
  EXPECT_EQ(rows_of("a.warc", answer(type + "Content-Encoding: br\r\n", "xx")).reasons(), "unknown content encoding@0");
  EXPECT_EQ(rows_of("a.warc", answer("Content-Type: text/plain; charset=gbk\r\n", "\xc4\xe3\xba\xc3")).texts(), Texts{"你好"});
  HttpMessage message;
  parse_http("HTTP/1.0 200 OK\r\nContent-Encoding: deflate\r\n\r\n" + deflated(std::string(1 << 20, 'a'), 15), 1000, message);
  EXPECT_STREQ(message.problem, "page too large");
}

TEST(Warc, RandomBytesNeverCrash) {
  Rng rng(29);
  const std::string whole = wet("first") + answer("Content-Type: text/html\r\nTransfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n") + wet("x");
  for (int i = 0; i < 1500; ++i) {
    std::string bytes = i % 2 == 0 ? whole : gzip(wet("first")) + gzip(whole);
    for (uint64_t n = rng.below(6) + 1; n > 0; --n) {
      const size_t at = rng.below(bytes.size());
      const uint64_t kind = rng.below(3);
      if (kind == 0) {
        bytes[at] = static_cast<char>(rng.below(256));
      } else if (kind == 1) {
        bytes.erase(at, rng.below(20));
      } else {
        bytes.insert(at, bytes.substr(rng.below(bytes.size()), rng.below(40)));
      }
    }
    const TestRows rows = rows_of(i % 2 == 0 ? "a.warc" : "a.warc.gz", bytes);
    EXPECT_LE(rows.documents.size() + rows.rejected.size(), 20u);
  }
}

TEST(Warc, ARealCrawl) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const auto stream = open_stream(fs::path(data) / "web/warc/example.warc.gz");
  WarcReader warc(*stream);
  WarcRecord one;
  int records = 0, problems = 0;
  while (warc.next(one)) {
    ++records;
    problems += one.problem != nullptr ? 1 : 0;
  }
  EXPECT_EQ(records, 822);
  EXPECT_EQ(problems, 0);
  const TestRows rows = rows_of_path(fs::path(data) / "web/warc/example.warc.gz");
  EXPECT_GT(rows.documents.size(), 50u);
  EXPECT_LT(rows.rejected.size(), 10u) << rows.reasons();
}

}  // namespace
}  // namespace athanor
