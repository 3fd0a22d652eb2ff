#include "athanor/clean/rules/pii.h"

#include <gtest/gtest.h>

#include <chrono>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

Measures measure_with(const Pii& pii, std::string& text) {
  DocumentView document(text);
  Measures measures;
  pii.measure(document, measures);
  return measures;
}

std::string scrub(std::string text) {
  measure_with(Pii(nlohmann::json{{"email", "<E>"}, {"ipv4", "<I>"}, {"phone", "<P>"}}), text);
  return text;
}

TEST(Pii, Emails) {
  EXPECT_EQ(scrub("Write to john.doe+x@mail.example.co.uk."), "Write to <E>.");
  EXPECT_EQ(scrub("<a_b@c-d.org>,(x@y.io)"), "<<E>>,(<E>)");
  EXPECT_EQ(scrub("a@b.com b@c.de"), "<E> <E>");
  EXPECT_EQ(scrub("a@b.com@c.de"), "<E>@c.de");
  EXPECT_EQ(scrub("\xE9\x82\xAE\xE7\xAE\xB1li@qq.com\xE3\x80\x82"), "\xE9\x82\xAE\xE7\xAE\xB1<E>\xE3\x80\x82");
  EXPECT_EQ(scrub("@handle a @ b me@localhost x@1.2 @b.com a@.com a@-b.com"),
            "@handle a @ b me@localhost x@1.2 @b.com a@.com a@-b.com");
  EXPECT_EQ(scrub("end@host.com..."), "<E>...");
  EXPECT_EQ(scrub("see ..me@host.com"), "see ..<E>");
  EXPECT_EQ(scrub("@"), "@");
}

TEST(Pii, PublicIpv4Only) {
  EXPECT_EQ(scrub("host 8.8.8.8, 93.184.216.34."), "host <I>, <I>.");
  const std::string local = "127.0.0.1 10.1.2.3 192.168.0.1 172.16.9.9 169.254.1.1 224.0.0.1 255.255.255.255 0.0.0.0";
  EXPECT_EQ(scrub(local), local);
  const std::string none = "1.2.3 1.2.3.4.5 256.1.1.1 v8.8.8.8 8.8.8.8a 1..2.3.4 8.8.8.0008";
  EXPECT_EQ(scrub(none), none);
  EXPECT_EQ(scrub("172.15.0.1 172.32.0.1"), "<I> <I>");  // just outside 172.16/12
}

TEST(Pii, Telephones) {
  EXPECT_EQ(scrub("call +1 (212) 555-1234 now"), "call <P> now");
  EXPECT_EQ(scrub("+86 138 1234 5678, +442071234567; +49.30.1234567"), "<P>, <P>; <P>");
  EXPECT_EQ(scrub("(212) 555-1234 212-555-1234 212.555.1234 212 555 1234"), "<P> <P> <P> <P>");
  EXPECT_EQ(scrub("13812345678 138-1234-5678 010-12345678 0755-1234567"), "<P> <P> <P> <P>");
  EXPECT_EQ(scrub("\xE7\x94\xB5\xE8\xAF\x9D" "13812345678\xE3\x80\x82"), "\xE7\x94\xB5\xE8\xAF\x9D<P>\xE3\x80\x82");
  const std::string none =
      "2125551234 1999-2000 2024-01-02 12812345678 138123456789 +1234567 +12345678901234567 +1+2 12-345-6789 a13812345678 "
      "3.14159265 100,000,000 + 5 (2) +1 234";
  EXPECT_EQ(scrub(none), none);
}

TEST(Pii, DefaultsAreIdempotentAndEmptyMeansOff) {
  const StepEntry& entry = find_clean_step("pii", "");
  const Pii pii(resolve_options(entry, nlohmann::json::object(), ""));
  std::string text = "a@b.com 8.8.8.8 +1 212 555 1234";
  measure_with(pii, text);
  EXPECT_EQ(text, "email@example.com 192.0.2.1 555-0100");
  std::string again = text;
  measure_with(pii, again);
  EXPECT_EQ(again, text);
  const Pii none(nlohmann::json{{"email", ""}, {"ipv4", ""}, {"phone", ""}});
  text = "a@b.com 8.8.8.8 +1 212 555 1234";
  measure_with(none, text);
  EXPECT_EQ(text, "a@b.com 8.8.8.8 +1 212 555 1234");
}

TEST(PiiProperty, RandomStringsAreFineAndOtherTextStays) {
  const std::string alphabet = "a1@.+-() 8\n_,:\xFF";
  for (uint64_t round = 0; round < 50000; ++round) {
    std::string text;
    for (uint64_t i = 0; i < random_at(1, round) % 40; ++i) {
      text += alphabet[random_at(2, round, i) % alphabet.size()];
    }
    scrub(text);
  }
  const std::string prose = "It was the best of times, it was the worst of times - 1775, (chapter 1). 100 + 200 = 300.";
  EXPECT_EQ(scrub(prose), prose);
}

TEST(PiiProperty, LinearOnHostileText) {
  const auto start = std::chrono::steady_clock::now();
  for (const std::string piece : {"a", "@", "a@", "1.", "+1", "(", "1-", "a.", "1@1."}) {
    std::string text;
    while (text.size() < 1000000) {
      text += piece;
    }
    scrub(text);
  }
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  EXPECT_LT(seconds, 8);  // a quadratic scan would take minutes
}

}  // namespace
}  // namespace athanor
