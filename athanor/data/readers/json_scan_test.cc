// The JSON scanner against nlohmann-json, and the JSON test suite's files.
#include "athanor/data/readers/json_scan.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/data/containers/tar.h"
#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

TEST(JsonScan, CutsAnObjectIntoItsFields) {
  std::vector<JsonField> fields;
  ASSERT_TRUE(scan_json_object(R"( {"a" : [1, {"b":"]}"}] , "\u0063":123456789012345678901234567890,"d":"x\"" } )", fields));
  ASSERT_EQ(fields.size(), 3u);
  EXPECT_EQ(fields[0].value, R"([1, {"b":"]}"}])");
  EXPECT_EQ(fields[1].key, "\\u0063");
  EXPECT_EQ(fields[1].value, "123456789012345678901234567890");
  EXPECT_EQ(fields[2].value, R"("x\"")");
  std::string text;
  unescape_json(R"(a\n\"\\\/\b\f\r\t\u6587\ud83d\ude00\u0000)", text);
  EXPECT_EQ(text, std::string("a\n\"\\/\b\f\r\t文😀\0", 17));
  EXPECT_FALSE(scan_json_object("[1]", fields));
  EXPECT_TRUE(is_json(std::string(200, '[') + std::string(200, ']')));
  EXPECT_FALSE(is_json(std::string(100'000, '[')));
  EXPECT_FALSE(is_json("\"\\ud800\""));
  EXPECT_FALSE(is_json("1e999"));
}

// Texts that are nearly JSON: the same verdict, and the same strings, as nlohmann-json.
TEST(JsonScan, AgreesWithNlohmannJson) {
  Rng rng(41);
  const std::string base =
      R"({"text":"a\u00e9\ud83d\ude00\n文","n":[-0.5e+3,10,true,false,null],"o":{"k":"","":[]}})";
  const std::string soup = "{}[]\",:\\u0123456789eE+-.truefalsn \t\r\n\x01\x7f";
  int good = 0;
  for (int i = 0; i < 60'000; ++i) {
    std::string text = base;
    for (uint64_t edits = rng.below(3); edits > 0; --edits) {
      const size_t at = rng.below(text.size());
      const char c = soup[rng.below(soup.size())];
      switch (rng.below(3)) {
        case 0:
          text[at] = c;
          break;
        case 1:
          text.insert(at, 1, c);
          break;
        default:
          text.erase(at, 1 + rng.below(3));
      }
    }
    if (find_invalid_utf8(text) != std::string::npos) {
      continue;
    }
    const auto json = nlohmann::json::parse(text, nullptr, false);
    ASSERT_EQ(is_json(text), !json.is_discarded()) << text;
    std::vector<JsonField> fields;
    ASSERT_EQ(scan_json_object(text, fields), json.is_object()) << text;
    for (const JsonField& field : fields) {
      ++good;
      std::string key;
      unescape_json(field.key, key);
      ASSERT_TRUE(json.contains(key)) << text;
      ASSERT_FALSE(nlohmann::json::parse(field.value, nullptr, false).is_discarded());
      if (json[key].is_string() && field.value[0] == '"' && fields.size() == json.size()) {
        std::string value;
        unescape_json(field.value.substr(1, field.value.size() - 2), value);
        ASSERT_EQ(value, json[key].get<std::string>()) << text;
      }
    }
  }
  EXPECT_GT(good, 10'000);
}

// Names begin with y (must be taken), n (must be refused) or i (either).
TEST(JsonScan, TheJsonTestSuite) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const auto stream = open_stream(fs::path(data) / "conformance/json-test-suite.tar.zst");
  TarReader tar(*stream, "json-test-suite.tar.zst");
  int num_checked = 0;
  while (const auto member = tar.next()) {
    const std::string name = fs::path(member->name).filename().string();
    if (!name.ends_with(".json") || name.size() < 3 || name[1] != '_') {
      continue;
    }
    const std::string text = *read_all(*tar.open_member(), 1 << 24);
    const bool taken = find_invalid_utf8(text) == std::string::npos && is_json(text);
    if (name[0] != 'i') {
      EXPECT_EQ(taken, name[0] == 'y') << name;
      ++num_checked;
    }
  }
  EXPECT_GT(num_checked, 200);
}

}  // namespace
}  // namespace athanor
