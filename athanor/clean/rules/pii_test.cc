#include "athanor/clean/rules/pii.h"

#include <gtest/gtest.h>

#include <chrono>

#include "athanor/base/rng.h"

namespace athanor {
namespace {

nlohmann::json with(const nlohmann::json& options) { return resolve_options(find_clean_step("pii", ""), options, ""); }

Measures measure_with(const Pii& pii, std::string& text) {
  DocumentView document(text);
  Measures measures;
  pii.measure(document, measures);
  return measures;
}

std::string scrub(std::string text) {
  measure_with(Pii(with({{"email", "<E>"}, {"ipv4", "<I>"}, {"ipv6", "<6>"}, {"phone", "<P>"}, {"id_number", "<N>"}, {"card", "<C>"}})), text);
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
  const Pii pii(with(nlohmann::json::object()));
  std::string text = "a@b.com 8.8.8.8 +1 212 555 1234 2a00:1450:4001::8a 11010519491231002X 4111 1111 1111 1111";
  measure_with(pii, text);
  EXPECT_EQ(text, "email@example.com 192.0.2.1 555-0100 2001:db8::1 000000000000000000 0000 0000 0000 0000");
  std::string again = text;
  measure_with(pii, again);
  EXPECT_EQ(again, text);
  const Pii none(with({{"email", ""}, {"ipv4", ""}, {"phone", ""}}));
  text = "a@b.com 8.8.8.8 +1 212 555 1234";
  measure_with(none, text);
  EXPECT_EQ(text, "a@b.com 8.8.8.8 +1 212 555 1234");
}

TEST(Pii, NumbersWithTheirOwnCheck) {
  EXPECT_EQ(scrub("11010519491231002X, 11010519491231002x\xE3\x80\x82"), "<N>, <N>\xE3\x80\x82");
  const std::string wrong =  // check, date, province, length
      "110105194912310021 110105194913310026 990105194912310023 1101051949123100 a11010519491231002X";
  EXPECT_EQ(scrub(wrong), wrong);
  EXPECT_EQ(scrub("4111111111111111 4111-1111-1111-1111 3782 822463 10005 6212345678900000003."), "<C> <C> <C> <C>.");
  const std::string none = "4111111111111112 1234567890123452 41111111111111111111 4111 11111111 1111";  // Luhn, range, length
  EXPECT_EQ(scrub(none), none);
  EXPECT_EQ(scrub("[2a00:1450:4001:82b::200e] 2606:4700::1111, 2001:4860:4860:0:0:0:0:8888"), "[<6>] <6>, <6>");
  const std::string local = "fe80::1 ::1 2001:db8::5 fd00::1 12:34:56 2023:10:11 std::a 2002:1::1 2:3";
  EXPECT_EQ(scrub(local), local);
}

TEST(Pii, CountsAndDrops) {
  const Pii count_only(with({{"replace", false}, {"max_found", 1}}));
  std::string text = "a@b.com c@d.org 13812345678";
  const Measures measures = measure_with(count_only, text);
  EXPECT_EQ(text, "a@b.com c@d.org 13812345678");
  EXPECT_EQ(measures.numbers, (std::vector<double>{2, 0, 0, 1, 0, 0}));
  EXPECT_EQ(count_only.decide(measures).reason, "pii");
  EXPECT_EQ(count_only.decide(measures).score, 3);
  EXPECT_TRUE(Pii(with({{"max_found", 3}})).decide(measures).keep);
}

TEST(PiiProperty, RandomStringsAreFineAndOtherTextStays) {
  const std::string alphabet = "a1@.+-() 82f:\n_,X:\xFF";
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
  for (const std::string piece : {"a", "@", "a@", "1.", "+1", "(", "1-", "a.", "1@1.", "2:", "4111 "}) {
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
