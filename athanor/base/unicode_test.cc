// UTF-8 against Unicode table 3-7 and the WHATWG replacement practice; the normal forms against NormalizationTest.txt.
#include <gtest/gtest.h>
#include <zstd.h>

#include <cstdlib>

#include "athanor/base/file.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"

namespace athanor {
namespace {

// One member of a .tar.zst (ustar) by the end of its name.
std::string tar_member(const fs::path& path, std::string_view name) {
  const std::string packed = read_file(path);
  std::string tar(64 << 20, '\0');
  const size_t size = ZSTD_decompress(tar.data(), tar.size(), packed.data(), packed.size());
  EXPECT_FALSE(ZSTD_isError(size));
  for (size_t at = 0; at + 512 <= size && tar[at] != '\0';) {
    const std::string member = tar.substr(at, 100).c_str();
    const size_t bytes = std::stoull(tar.substr(at + 124, 12), nullptr, 8);
    if (member.ends_with(name)) {
      return tar.substr(at + 512, bytes);
    }
    at += 512 + (bytes + 511) / 512 * 512;
  }
  return "";
}

std::string from_hex(const std::string& codes) {
  std::string out;
  const char* p = codes.c_str();
  char* next;
  for (unsigned long code = std::strtoul(p, &next, 16); next != p; code = std::strtoul(p, &next, 16)) {
    append_utf8(out, static_cast<char32_t>(code));
    p = next;
  }
  return out;
}

std::string utf8(char32_t code) {
  std::string out;
  append_utf8(out, code);
  return out;
}

TEST(Utf8, EveryScalarValueGoesThere_AndBack) {
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (code >= 0xD800 && code < 0xE000) {
      continue;
    }
    const std::string text = utf8(code);
    const char* p = text.data();
    bool valid;
    ASSERT_EQ(decode_utf8(p, text.data() + text.size(), valid), code);
    ASSERT_TRUE(valid);
    ASSERT_EQ(p, text.data() + text.size());
  }
}

TEST(Utf8, IllFormedSequences) {
  struct Case {
    std::string bytes;
    size_t bad;
    int replacements;  // how many maximal subparts
  };
  const Case cases[] = {
      {"\x80", 0, 1},
      {"a\xC0\xAF", 1, 2},              // overlong
      {"ab\xE0\x80\xAF", 2, 3},         // overlong: E0 needs A0..BF
      {"\xED\xA0\x80", 0, 3},           // surrogate
      {"\xF4\x90\x80\x80", 0, 4},       // above U+10FFFF
      {"\xF0\x9F\x98", 0, 1},           // truncated emoji: one subpart
      {"\xE4\xBD", 0, 1},
      {"\xF0\x9F\x98z", 0, 1},
      {"ok\xE4\xBD\xA0\xFF", 5, 1},
      {"\xF8\x88\x80\x80\x80", 0, 5},
      {"12345678\xC3", 8, 1},
  };
  for (const Case& c : cases) {
    EXPECT_EQ(find_invalid_utf8(c.bytes), c.bad) << testing::PrintToString(c.bytes);
    EXPECT_FALSE(is_valid_utf8(c.bytes));
    const std::string repaired = repair_utf8(c.bytes);
    EXPECT_TRUE(is_valid_utf8(repaired));
    int found = 0;
    for (size_t at = repaired.find("\uFFFD"); at != std::string::npos; at = repaired.find("\uFFFD", at + 3)) {
      ++found;
    }
    EXPECT_EQ(found, c.replacements) << testing::PrintToString(c.bytes);
  }
}

TEST(Utf8, RandomBytesRepairToValid_AndValidTextIsUntouched) {
  Rng rng(7);
  for (int round = 0; round < 2000; ++round) {
    std::string bytes(rng.below(40), '\0');
    for (char& byte : bytes) {
      byte = static_cast<char>(rng.below(3) == 0 ? rng.below(128) : 128 + rng.below(128));
    }
    const std::string once = repair_utf8(bytes);
    ASSERT_TRUE(is_valid_utf8(once));
    ASSERT_EQ(repair_utf8(once), once);
    ASSERT_EQ(count_code_points(bytes), count_code_points(once));
    ASSERT_EQ(is_valid_utf8(bytes), once == bytes);
  }
}

TEST(Unicode, Classes) {
  EXPECT_TRUE(is_letter(U'a') && is_letter(U'é') && is_letter(U'中') && is_letter(0x31350));
  EXPECT_FALSE(is_letter(U'1') || is_letter(U' ') || is_letter(0x0301) || is_letter(0x110000));
  EXPECT_TRUE(is_number(U'7') && is_number(U'½') && is_number(U'Ⅷ') && is_number(0x0667));
  EXPECT_TRUE(is_space(U' ') && is_space(0x0B) && is_space(0x85) && is_space(0xA0) && is_space(0x3000));
  EXPECT_FALSE(is_space(0x200B) || is_space(0x1F) || is_space(0xFEFF));
  EXPECT_TRUE(is_punctuation(U'!') && is_punctuation(U'。') && is_punctuation(U'_'));
  EXPECT_FALSE(is_punctuation(U'+') || is_punctuation(U'$'));
  EXPECT_TRUE(is_symbol(U'+') && is_symbol(U'$') && is_symbol(0x1F600));
  EXPECT_TRUE(is_mark(0x0301));
  EXPECT_TRUE(is_han(U'中') && is_han(U'々') && is_han(0x20000));
  EXPECT_FALSE(is_han(U'あ') || is_han(U'。'));
  EXPECT_EQ(category_of(0x0378), Category::kCn);
  EXPECT_EQ(category_of(0xE000), Category::kCo);
}

TEST(Unicode, NormalFormsKeepIllFormedBytes) {
  EXPECT_EQ(to_nfc("e\xCC\x81\xFF" "e\xCC\x81"), "\xC3\xA9\xFF\xC3\xA9");
  EXPECT_EQ(to_nfc("\xCC"), "\xCC");
  EXPECT_EQ(to_nfc("e\xFF\xCC\x81"), "e\xFF\xCC\x81");  // the bad byte stands between
  EXPECT_TRUE(is_nfc("plain \xFF"));
  EXPECT_FALSE(is_nfc("e\xCC\x81"));
}

TEST(Unicode, ManyMarksStayNearLinear) {
  std::string text = "a";
  for (int i = 0; i < 200000; ++i) {
    append_utf8(text, i % 2 == 0 ? 0x0301 : 0x0323);
  }
  EXPECT_EQ(to_nfd(to_nfc(text)), to_nfd(text));
}

// UAX #15: c2 == NFC(c1) == NFC(c2) == NFC(c3), and so on; a code point absent from part 1 maps to itself.
TEST(Unicode, NormalizationTestFile) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string file =
      tar_member(fs::path(data) / "conformance/unicode-15.0-tests.tar.zst", "NormalizationTest.txt");
  ASSERT_GT(file.size(), 1000000u);
  int rows = 0;
  bool part1 = false;
  std::vector<bool> listed(0x110000);
  std::istringstream lines(file);
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("@Part")) {
      part1 = line.starts_with("@Part1");
    }
    if (line.empty() || line[0] == '#' || line[0] == '@') {
      continue;
    }
    std::istringstream fields(line);
    std::string c[6];
    for (int i = 1; i <= 5; ++i) {
      std::string codes;
      std::getline(fields, codes, ';');
      c[i] = from_hex(codes);
      if (i == 1 && part1) {
        listed[std::stoul(codes, nullptr, 16)] = true;
      }
    }
    ++rows;
    for (int i = 1; i <= 5; ++i) {
      ASSERT_EQ(to_nfc(c[i]), c[i <= 3 ? 2 : 4]) << line;
      ASSERT_EQ(to_nfd(c[i]), c[i <= 3 ? 3 : 5]) << line;
      ASSERT_EQ(to_nfkc(c[i]), c[4]) << line;
      ASSERT_EQ(to_nfkd(c[i]), c[5]) << line;
      ASSERT_EQ(is_nfc(c[i]), to_nfc(c[i]) == c[i]) << line;
    }
  }
  EXPECT_EQ(rows, 19074);
  for (char32_t code = 0; code < 0x110000; ++code) {
    if (listed[code] || (code >= 0xD800 && code < 0xE000)) {
      continue;
    }
    const std::string text = utf8(code);
    ASSERT_TRUE(to_nfc(text) == text && to_nfd(text) == text && to_nfkc(text) == text && to_nfkd(text) == text)
        << std::hex << static_cast<uint32_t>(code);
  }
}

}  // namespace
}  // namespace athanor
