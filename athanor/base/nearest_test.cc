#include "athanor/base/nearest.h"

#include <gtest/gtest.h>

namespace athanor {
namespace {

TEST(Nearest, Distance) {
  EXPECT_EQ(edit_distance("", ""), 0u);
  EXPECT_EQ(edit_distance("", "abc"), 3u);
  EXPECT_EQ(edit_distance("kitten", "sitting"), 3u);
  EXPECT_EQ(edit_distance("ab", "ba"), 1u);
  EXPECT_EQ(edit_distance("lenght", "length"), 1u);
  EXPECT_EQ(edit_distance("训链", "训练"), 1u);
  EXPECT_EQ(edit_distance("练训", "训练"), 1u);
}

TEST(Nearest, Suggests) {
  const std::vector<std::string> known = {"min_chars", "max_chars", "length"};
  EXPECT_EQ(did_you_mean("lenght", known), "did you mean 'length'?");
  EXPECT_EQ(did_you_mean("min_char", known), "did you mean 'min_chars'?");
  EXPECT_EQ(did_you_mean("zzzzzzzz", known), "known: length, max_chars, min_chars");
  EXPECT_EQ(did_you_mean("训链", {"训练", "分词"}), "did you mean '训练'?");
  EXPECT_EQ(nearest_name("炼丹", {"训练"}), "") << "two of two characters differ";
  EXPECT_EQ(did_you_mean("zzzzzzzz", {"seed", "length", "seed"}), "known: length, seed");
  EXPECT_EQ(did_you_mean("a", {}), "there is none to choose from");
  EXPECT_EQ(nearest_name(std::string(100000, 'x'), known), "");
}

}  // namespace
}  // namespace athanor
