// diff shows where two values differ, in whole characters.
#include "athanor/stage/text_difference.h"

#include <gtest/gtest.h>

#include "athanor/base/format_width.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

using Pair = std::pair<std::string, std::string>;

TEST(TextDifference, ShortValuesAreWhole) {
  EXPECT_EQ(around_difference("0.1", "炼丹", 10), Pair("0.1", "炼丹"));
  EXPECT_EQ(around_difference("", "", 10), Pair("", ""));
}

TEST(TextDifference, LongValuesBeginNearTheirDifference) {
  const std::string same(300, 'x');
  EXPECT_EQ(around_difference(same + "1" + same, same + "2", 12), Pair("…xxxx1xxxxx…", "…xxxx2"));
  EXPECT_EQ(around_difference("1" + same, "2" + same, 6), Pair("1xxxx…", "2xxxx…"));
  EXPECT_EQ(around_difference(same, same + "2", 12), Pair("…xxxx", "…xxxx2"));
}

TEST(TextDifference, CharactersStayWhole) {
  std::string text;
  for (int i = 0; i < 100; ++i) {
    text += "炉";
  }
  for (int columns = 1; columns < 40; ++columns) {
    const auto [a, b] = around_difference(text + "火" + text, text + "水" + text, columns);
    EXPECT_TRUE(is_valid_utf8(a) && is_valid_utf8(b)) << columns;
    EXPECT_LE(display_width(a), columns);
    if (columns >= 8) {
      EXPECT_NE(a.find("火"), std::string::npos) << columns;
      EXPECT_NE(b.find("水"), std::string::npos) << columns;
    }
  }
}

}  // namespace
}  // namespace athanor
