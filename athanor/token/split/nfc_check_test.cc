// NFC of parts is NFC of the whole, and what is called plain is so.
#include "athanor/token/split/nfc_check.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/pipeline/normalizer.h"

namespace athanor::token {
namespace {

TEST(NfcCheck, PartsGiveTheNfcOfTheWhole) {
  const std::vector<std::string> parts = {
      "a", "e", " ", "\n", "\u00e9", "\u0301", "\u0323", "\u0345", "\u1100", "\u1161", "\u11a8", "\uac00", "\uac01", "\u304b",
      "\u3099", "\u4f60", "\u9fa5", "\U0001d15e", "\U0001d165", "\u0958", "\u0915", "\u093c", "\u08d3", "\u0897", "\u212b",
      "\u0387", "<", "=\u0338", "\u0338", "\u0339", "\u05b0", "\u0e38", "o\u0307", "\u00b7", "\ufb1d", "\xFF", "\xCC", "\xE4\xBD", "\x80", "\xF0\x9D\x85", "\uf900", "\u0b47", "\u0b56", "plain text of some length "};
  Rng rng(3);
  size_t num_changed = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (size_t i = rng.below(rng.below(8) == 0 ? 200 : 24); i > 0; --i) {
      text += rng.below(12) == 0 ? std::string(1, static_cast<char>(rng.below(256))) : parts[rng.below(parts.size())];
    }
    const std::string whole = hf_nfc(text);
    ASSERT_EQ(to_nfc_in_parts(text, &hf_nfc), whole) << "round " << round << ": " << text;
    ASSERT_TRUE(!is_plainly_nfc(text) || whole == text) << text;
    num_changed += whole != text ? 1 : 0;
  }
  EXPECT_GT(num_changed, 5000u);
}

TEST(NfcCheck, EveryCharacterAtEveryPlace) {
  std::string filler(130, '0');  // with which nothing composes
  for (char32_t code = 0x80; code < 0x110000; ++code) {
    std::string character;
    append_utf8(character, code);
    const bool plain = is_plainly_nfc(character);
    ASSERT_TRUE(!plain || to_nfc(character) == character) << static_cast<uint32_t>(code);
    std::string text = filler;
    const size_t at = code % 120;
    text.insert(at, character);
    ASSERT_EQ(is_plainly_nfc(text), plain) << static_cast<uint32_t>(code);
  }
}

TEST(NfcCheck, MarksAfterAscii) {
  size_t num_plain = 0;
  for (char32_t mark = 0x300; mark < 0x370; ++mark) {
    for (char letter = 1; letter > 0; ++letter) {
      for (const std::string end : {"", "x", "\xFF", "\xCC\xA3"}) {
        std::string text(1, letter);
        append_utf8(text, mark);
        text += end;
        const bool plain = is_plainly_nfc(text);
        num_plain += plain ? 1 : 0;
        ASSERT_TRUE(!plain || to_nfc(text) == text) << text;
        ASSERT_EQ(to_nfc_in_parts(text, &hf_nfc), hf_nfc(text)) << text;
      }
    }
  }
  EXPECT_GT(num_plain, 30000u);
}

TEST(NfcCheck, AsksForLittle) {
  const std::string plain(10000, 'x');
  size_t asked = 0;
  const auto nfc = [&asked](std::string_view part) {
    asked += part.size();
    return hf_nfc(part);
  };
  EXPECT_EQ(to_nfc_in_parts(plain + "e\u0301" + plain, nfc), plain + "\u00e9" + plain);
  EXPECT_EQ(asked, 3u);
}

}  // namespace
}  // namespace athanor::token
