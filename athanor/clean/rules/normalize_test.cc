#include "athanor/clean/rules/normalize.h"

#include <gtest/gtest.h>

#include <cstdlib>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

std::string normalize(std::string text, const nlohmann::json& options = nlohmann::json::object()) {
  const std::string where;
  const StepEntry& entry = find_clean_step("normalize", where);
  DocumentView document(text);
  Measures measures;
  Normalize(resolve_options(entry, options, where)).measure(document, measures);
  return text;
}

TEST(Normalize, LineEndsAndControls) {
  EXPECT_EQ(normalize("a\r\nb\rc\nd"), "a\nb\nc\nd");
  EXPECT_EQ(normalize("a\xC2\x85" "b\xE2\x80\xA8" "c\xE2\x80\xA9" "d"), "a\nb\nc\nd");  // NEL, LS, PS
  EXPECT_EQ(normalize(std::string("a\0b\x01\x1B[0m\x7F" "c", 11)), "ab[0mc");
  EXPECT_EQ(normalize("a\tb"), "a\tb");
}

TEST(Normalize, InvisibleCharacters) {
  EXPECT_EQ(normalize("\xEF\xBB\xBF" "a\xE2\x80\x8B" "b\xC2\xAD" "c\xE2\x81\xA0" "d"), "abcd");  // BOM ZWSP SHY WJ
  EXPECT_EQ(normalize("a\xE2\x80\x8D" "b"), "ab");                                // a joiner after ASCII means nothing
  const std::string persian = "\xD9\x85\xDB\x8C\xE2\x80\x8C\xD8\xAE";              // it parts a prefix: kept
  EXPECT_EQ(normalize(persian), persian);
  const std::string family = "\xF0\x9F\x91\xA9\xE2\x80\x8D\xF0\x9F\x91\xA7";       // woman ZWJ girl
  EXPECT_EQ(normalize(family), family);
}

TEST(Normalize, BlanksAndBlankLines) {
  EXPECT_EQ(normalize("  a   b \t \n\n\n\n\nc  \n\n"), "a b\n\n\nc");
  EXPECT_EQ(normalize("a \t b"), "a\tb");
  EXPECT_EQ(normalize("a\n   b"), "a\n b");
  EXPECT_EQ(normalize("a\xC2\xA0\xE3\x80\x80" "b"), "a b");  // no-break and ideographic space
  EXPECT_EQ(normalize("a\n\n\n\nb", {{"max_blank_lines", 0}}), "a\nb");
  EXPECT_EQ(normalize("if x:\n    y\n", {{"collapse_spaces", false}}), "if x:\n    y");
  EXPECT_EQ(normalize(" \n \t "), "");
}

TEST(Normalize, NfcAndIllFormedBytes) {
  EXPECT_EQ(normalize("e\xCC\x81"), "\xC3\xA9");
  EXPECT_EQ(normalize("e\xE2\x80\x8B\xCC\x81"), "\xC3\xA9");  // composed after the zero-width space went
  EXPECT_EQ(normalize("a\xFFz\xE4\xB8"), "a\xEF\xBF\xBDz\xEF\xBF\xBD");
  EXPECT_EQ(normalize("\xE4\xBD\xA0\xE5\xA5\xBD"), "\xE4\xBD\xA0\xE5\xA5\xBD");
}

// Strings over an alphabet of everything that the step treats specially.
TEST(NormalizeProperty, IdempotentAndValid) {
  const std::vector<std::string> alphabet = {
      "a", "b", " ", "  ", "\t", "\n", "\r", "\r\n", "\x01", "\xC2\x85", "\xE2\x80\xA8", "\xC2\xA0", "\xE3\x80\x80",
      "\xE2\x80\x8B", "\xE2\x80\x8C", "\xE2\x80\x8D", "\xEF\xBB\xBF", "e\xCC\x81", "\xCC\x81", "\xE4\xBD\xA0", "\xFF",
      "\xE4\xB8", "\xEA\xB0\x80", "\xE1\x86\xA8", "\xF0\x9F\x91\xA9", "\xE2\x84\xAB", "\xE2\x80\x81"};
  for (uint64_t round = 0; round < 20000; ++round) {
    std::string text;
    for (uint64_t i = 0; i < random_at(1, round) % 24; ++i) {
      text += alphabet[random_at(2, round, i) % alphabet.size()];
    }
    for (const bool collapse : {true, false}) {
      const nlohmann::json options = {{"collapse_spaces", collapse}, {"max_blank_lines", random_at(3, round) % 3}};
      const std::string once = normalize(text, options);
      ASSERT_EQ(normalize(once, options), once) << round;
      ASSERT_TRUE(is_valid_utf8(once));
      ASSERT_TRUE(is_nfc(once));
      ASSERT_FALSE(once.ends_with(' ') || once.ends_with('\n') || once.starts_with('\n'));
    }
  }
}

TEST(NormalizeProperty, EveryAssignedCharacter) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string all = read_file(fs::path(data) / "conformance" / "utf8-all-assigned.txt");
  const std::string once = normalize(all);
  EXPECT_EQ(normalize(once), once);
  EXPECT_TRUE(is_nfc(once));
  EXPECT_GT(once.size(), all.size() * 9 / 10);
}

}  // namespace
}  // namespace athanor
