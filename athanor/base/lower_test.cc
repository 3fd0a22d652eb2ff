// The lower-case table against values read off the Unicode Character Database by hand.
#include <gtest/gtest.h>

#include "athanor/base/lower.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

TEST(Lower, KnownValues) {
  EXPECT_EQ(to_lower(U'A'), U'a');
  EXPECT_EQ(to_lower(U'z'), U'z');
  EXPECT_EQ(to_lower(U'['), U'[');
  EXPECT_EQ(to_lower(0xC9), 0xE9u);       // E acute
  EXPECT_EQ(to_lower(0xD7), 0xD7u);       // the multiplication sign stands inside the range
  EXPECT_EQ(to_lower(0x100), 0x101u);     // a stride-2 run
  EXPECT_EQ(to_lower(0x101), 0x101u);
  EXPECT_EQ(to_lower(0x130), 0x69u);      // I with dot above
  EXPECT_EQ(to_lower(0x3A3), 0x3C3u);     // sigma
  EXPECT_EQ(to_lower(0x410), 0x430u);     // Cyrillic A
  EXPECT_EQ(to_lower(0x13A0), 0xAB70u);   // Cherokee
  EXPECT_EQ(to_lower(0x1E9E), 0xDFu);     // capital sharp s
  EXPECT_EQ(to_lower(0x212A), 0x6Bu);     // Kelvin sign
  EXPECT_EQ(to_lower(0x10400), 0x10428u); // Deseret
  EXPECT_EQ(to_lower(0x4E00), 0x4E00u);   // Han
  EXPECT_EQ(to_lower(0x110000), 0x110000u);
}

TEST(Lower, IsIdempotentAndMovesOnlyCasedLetters) {
  size_t moved = 0;
  for (char32_t code = 0; code < 0x110000; ++code) {
    const char32_t lower = to_lower(code);
    ASSERT_EQ(to_lower(lower), lower) << std::hex << static_cast<uint32_t>(code);
    moved += lower != code;
  }
  EXPECT_EQ(moved, 1433u);  // lines of UnicodeData.txt 15.0.0 with a lower-case mapping
}

}  // namespace
}  // namespace athanor
