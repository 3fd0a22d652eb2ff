#include "athanor/token/split/grapheme.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace athanor::token {
namespace {

std::vector<std::string> clusters(std::string_view text) {
  std::vector<std::string> out;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = grapheme_end(text, begin);
    out.emplace_back(text.substr(begin, end - begin));
    begin = end;
  }
  return out;
}

using Clusters = std::vector<std::string>;

// What HF tokenizers 0.23.3 shows through a Precompiled normalizer (scripts/make_grapheme_table.py).
TEST(Grapheme, MarksOfUnicode16And17StayWithWhatIsBefore) {
  EXPECT_EQ(clusters("a\u0897b"), (Clusters{"a\u0897", "b"}));
  EXPECT_EQ(clusters("a\u1ADDb"), (Clusters{"a\u1ADD", "b"}));
}

TEST(Grapheme, ConsonantsJoinedByAViramaAreOneCluster) {
  EXPECT_EQ(clusters("\u0915\u094D\u0958\u0301"), (Clusters{"\u0915\u094D\u0958\u0301"}));
  EXPECT_EQ(clusters("\u0915\u093C\u094D\u0301\u200D\u0958"), (Clusters{"\u0915\u093C\u094D\u0301\u200D\u0958"}));
  EXPECT_EQ(clusters("\u0995\u09CD\u0995\u09CD\u0995"), (Clusters{"\u0995\u09CD\u0995\u09CD\u0995"}));
}

TEST(Grapheme, WhatBreaksAConjunct) {
  EXPECT_EQ(clusters("\u0915\u0958"), (Clusters{"\u0915", "\u0958"}));                          // no virama
  EXPECT_EQ(clusters("\u0915\u094D\u200C\u0958"), (Clusters{"\u0915\u094D\u200C", "\u0958"}));  // a non-joiner
  EXPECT_EQ(clusters("\u0915\u094D\u0903\u0958"), (Clusters{"\u0915\u094D\u0903", "\u0958"}));  // a spacing mark
  EXPECT_EQ(clusters("a\u094D\u0958"), (Clusters{"a\u094D", "\u0958"}));                        // no consonant
}

TEST(Grapheme, EmojiAndFlags) {
  EXPECT_EQ(clusters("\u00A9\u0301\u200D\u00A9"), (Clusters{"\u00A9\u0301\u200D\u00A9"}));
  EXPECT_EQ(clusters("\u00A9\u200D\u200D\u00A9"), (Clusters{"\u00A9\u200D\u200D", "\u00A9"}));
  EXPECT_EQ(clusters("\u00A9\u0903\u200D\u00A9"), (Clusters{"\u00A9\u0903\u200D", "\u00A9"}));
  EXPECT_EQ(clusters("\U0001F1E6\U0001F1FA\U0001F1E6"), (Clusters{"\U0001F1E6\U0001F1FA", "\U0001F1E6"}));
  EXPECT_EQ(clusters("\r\n\n\u0301"), (Clusters{"\r\n", "\n", "\u0301"}));
}

TEST(Grapheme, HangulAndPrepend) {
  EXPECT_EQ(clusters("\u1100\u1161\u11A8\uAC00\u11A8x"), (Clusters{"\u1100\u1161\u11A8", "\uAC00\u11A8", "x"}));
  EXPECT_EQ(clusters("\u0600a"), (Clusters{"\u0600a"}));
}

}  // namespace
}  // namespace athanor::token
