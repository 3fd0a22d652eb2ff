#include "athanor/data/readers/separated_record.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/data/readers/readers.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

using Texts = std::vector<std::string>;

TestRows read_bytes(const std::string& name, const std::string& bytes, const ReadOptions& options) {
  static const fs::path dir = scratch("separated");
  put_file(dir / name, bytes);
  TestRows got;
  const ReadSink sink = got.sink();
  read_documents(dir / name, name, options, sink);
  return got;
}

TEST(Csv, TheSeparatorIsFoundWhereCommasGiveOneColumn) {
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  const auto metas = [&](const std::string& bytes) {
    Texts all;
    for (const Document& document : read_bytes("a.csv", bytes, options).documents) {
      all.push_back(document.meta);
    }
    return all;
  };
  const Texts two{R"({"a":"1,5","b":"x"})", R"({"a":"2","b":"y"})"};
  EXPECT_EQ(metas("a;b\n1,5;x\n2;y\n"), two) << "decimal commas";
  EXPECT_EQ(metas("a\tb\r\n1,5\tx\r\n2\ty\r\n"), two);
  EXPECT_EQ(metas("a|b\n1,5|x\n2|y"), two);
  EXPECT_EQ(metas("\"a\";\"b\"\n\"1,5\";x\n2;y\n"), two);
  EXPECT_EQ(metas("a,b;c\n1,2;3\n")[0], R"({"a":"1","b;c":"2;3"})") << "commas part it already";
  EXPECT_EQ(metas("a;b\n1\n2\n").size(), 2u) << "the rows have one column: it is a name";
  options.separator = ",";
  EXPECT_EQ(metas("a;b\n1;2\n")[0], R"({"a;b":"1;2"})") << "told";
  options.separator = "|";
  EXPECT_EQ(metas("a,x|b\n1|2\n")[0], R"({"a,x":"1","b":"2"})");
  options.separator = "";
  options.columns = {"a", "b"};
  EXPECT_EQ(metas("2;y\n1,5;x\n"), (Texts{two[1], two[0]})) << "no header row";

  const TestRows noted = read_bytes("a.csv", "text;b\nok;1\n", {});
  ASSERT_EQ(noted.notes.size(), 1u);
  EXPECT_NE(noted.notes[0].find("separated by ';'"), std::string::npos);
  const TestRows commas = read_bytes("a.csv", "text,b\n1,5,2,5\n1,5,2,5\n", {});
  ASSERT_EQ(commas.notes.size(), 1u);
  EXPECT_NE(commas.notes[0].find("decimal commas?"), std::string::npos);
}

// What a part of a file keeps is enough to read on from: the separator, too.
TEST(Csv, AFoundSeparatorIsKeptForLaterParts) {
  std::string bytes = "a;text\n";
  for (int i = 0; i < 400; ++i) {
    bytes += std::to_string(i) + ";row " + std::to_string(i) + "\n";
  }
  const fs::path dir = scratch("separated-parts");
  put_file(dir / "a.csv", bytes);
  std::vector<std::pair<uint64_t, std::string>> cuts;
  TestRows whole;
  ReadSink sink = whole.sink();
  sink.on_boundary = [&](uint64_t offset, std::string_view state) { cuts.emplace_back(offset, std::string(state)); };
  read_documents(dir / "a.csv", "a.csv", {}, sink);
  ASSERT_EQ(whole.documents.size(), 400u);
  ASSERT_FALSE(cuts.empty());
  EXPECT_EQ(nlohmann::json::parse(cuts.back().second).at("separator"), ";");
}

TEST(Csv, AnyBytesGiveSomeSeparator) {
  Rng rng(3);
  for (int round = 0; round < 2000; ++round) {
    std::string header;
    std::vector<std::string> rows(rng.below(4));
    const auto fill = [&](std::string& text) {
      for (uint64_t n = rng.below(20); n > 0; --n) {
        text += std::string_view("a\",;\t|\r\0", 8)[rng.below(8)];
      }
    };
    fill(header);
    for (std::string& row : rows) {
      fill(row);
    }
    const char found = detect_separator(header, rows, rng.below(3));
    EXPECT_NE(std::string_view(",;\t|").find(found), std::string_view::npos);
    EXPECT_EQ(separator_of(separator_name(found)), found);
  }
}

}  // namespace
}  // namespace athanor
