// is_valid_utf8 against find_invalid_utf8: every pair and triple of telling bytes at every place of a block,
// and random texts with one byte changed.
#include <gtest/gtest.h>

#include <string>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

TEST(Utf8Valid, AgreesOnShortSequencesAtBlockEdges) {
  const unsigned char kBytes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0,
                                  0xe1, 0xec, 0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5, 0xf8, 0xff};
  for (const size_t place : {size_t{0}, size_t{29}, size_t{30}, size_t{31}, size_t{61}}) {
    for (const unsigned char a : kBytes) {
      for (const unsigned char b : kBytes) {
        for (const unsigned char c : kBytes) {
          for (const unsigned char d : {0x41, 0x80, 0xbf, 0xc2}) {
            std::string text(place, 'x');
            text += {static_cast<char>(a), static_cast<char>(b), static_cast<char>(c), static_cast<char>(d)};
            ASSERT_EQ(is_valid_utf8(text), find_invalid_utf8(text) == std::string::npos) << place << " " << int{a} << " " << int{b};
            text += "and more that is ASCII";
            ASSERT_EQ(is_valid_utf8(text), find_invalid_utf8(text) == std::string::npos);
          }
        }
      }
    }
  }
}

TEST(Utf8Valid, AgreesOnTextsWithOneByteChangedAndCut) {
  Rng rng(5);
  for (int i = 0; i < 20'000; ++i) {
    std::string text;
    for (uint64_t n = rng.below(60); n > 0; --n) {
      const uint64_t kind = rng.below(4);
      append_utf8(text, static_cast<char32_t>(kind == 0   ? rng.below(0x80)
                                              : kind == 1 ? rng.below(0x800)
                                              : kind == 2 ? rng.below(0x10000)
                                                          : rng.below(0x110000)));
    }
    ASSERT_TRUE(is_valid_utf8(text));
    const std::string cut = text.substr(0, rng.below(text.size() + 1));
    ASSERT_EQ(is_valid_utf8(cut), find_invalid_utf8(cut) == std::string::npos);
    if (!text.empty()) {
      text[rng.below(text.size())] = static_cast<char>(rng.below(256));
      ASSERT_EQ(is_valid_utf8(text), find_invalid_utf8(text) == std::string::npos);
    }
  }
}

}  // namespace
}  // namespace athanor
