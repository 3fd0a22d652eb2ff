// The encoder against the plain reference (tests/reference/token_reference.h) on random texts that hurt.
#include <gtest/gtest.h>

#include "athanor/base/rng.h"
#include "tests/reference/token_differential.h"

namespace athanor {
namespace {

TEST(Differential, RandomTexts) {
  const reference::Differential differential;
  const std::vector<std::string> alphabets = {"ab ", "ab", "aA1 '\n\r\tsS", "éñ中国あ한 1!\n😀\u0301'tT", "'sStTmMdDrReEvVlL \u017f\u212a",
                                              "\n\r \t\u2028.,;!a1", "0123 \u00bd٣ab", "the ab ", "\u2581 ab", "中国人 é!!"};
  Rng rng(12);
  for (int round = 0; round < 6000; ++round) {
    const std::vector<std::string> letters = reference::characters(alphabets[rng.below(alphabets.size())]);
    std::string text;
    for (uint64_t i = rng.below(rng.below(10) == 0 ? 200 : 40); i > 0; --i) {
      if (rng.below(100) == 0) {
        append_utf8(text, static_cast<char32_t>(rng.below(0xD800)));
      } else {
        text += letters[rng.below(letters.size())];
      }
    }
    ASSERT_EQ(differential.difference(rng.below(differential.size()), text), "");
  }
}

}  // namespace
}  // namespace athanor
