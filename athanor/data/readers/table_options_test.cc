// What collect's options make of tables: columns, text: '*', series.
#include <gtest/gtest.h>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "athanor/data/readers/readers.h"

namespace athanor {
namespace {

struct Read {
  std::vector<Document> documents;
  std::vector<Rejected> rejected;
};

Read read_csv_text(const std::string& text, const ReadOptions& options) {
  const fs::path path = fs::temp_directory_path() / ("athanor-table-" + std::to_string(::getpid()) + ".csv");
  write_file_atomic(path, text);
  Read found;
  ReadSink sink;
  sink.on_document = [&](Document&& document) { found.documents.push_back(std::move(document)); };
  sink.on_rejected = [&](Rejected&& row) { found.rejected.push_back(std::move(row)); };
  read_documents(path, "t.csv", options, sink);
  fs::remove(path);
  return found;
}

TEST(TableOptions, ColumnsOfAFileWithoutAHeader) {
  ReadOptions options;
  options.columns = {"text", "label"};
  const Read found = read_csv_text("good film,1\nbad film,0\nthree,of,them\n", options);
  ASSERT_EQ(found.documents.size(), 2);
  EXPECT_EQ(found.documents[0].text, "good film");
  EXPECT_EQ(found.documents[1].meta, R"({"label":"0"})");
  ASSERT_EQ(found.rejected.size(), 1);
  EXPECT_EQ(found.rejected[0].reason, "wrong number of columns");
}

TEST(TableOptions, ARowWithoutATextOfItsOwn) {
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  const Read found = read_csv_text("age,job\n39, clerk\n", options);
  ASSERT_EQ(found.documents.size(), 1);
  EXPECT_EQ(found.documents[0].text, "age: 39\njob:  clerk\n");
  EXPECT_EQ(nlohmann::json::parse(found.documents[0].meta), (nlohmann::json{{"age", "39"}, {"job", " clerk"}}));
}

TEST(TableOptions, SeriesOfRowsWithWhatComesNext) {
  ReadOptions options;
  options.series = {3, 2, 1};
  const Read found = read_csv_text("t,v\n0,10\n1,11\n2,12\n3,13\n4,14\n5,15\n6,16\n", options);
  ASSERT_EQ(found.documents.size(), 2);
  EXPECT_EQ(found.documents[0].text, "t,v\n0,10\n1,11\n2,12\n");
  EXPECT_EQ(found.documents[0].meta, R"({"t":"3","v":"13"})");
  EXPECT_EQ(found.documents[1].text, "t,v\n2,12\n3,13\n4,14\n");
  EXPECT_EQ(found.documents[1].span_begin, 14);
}

TEST(TableOptions, ABadRowPartsSeries) {
  ReadOptions options;
  options.series = {2, 1, 0};
  const Read found = read_csv_text("t,v\n0,10\nbroken\n1,11\n2,12\n", options);
  ASSERT_EQ(found.documents.size(), 1);
  EXPECT_EQ(found.documents[0].text, "t,v\n1,11\n2,12\n");
  EXPECT_EQ(found.rejected.size(), 1);
}

TEST(TableOptions, AFileAsOneSeries) {
  ReadOptions options;
  options.series = {-1, 1, 0};
  const Read found = read_csv_text("t\n0\n1\n2\n", options);
  ASSERT_EQ(found.documents.size(), 1);
  EXPECT_EQ(found.documents[0].text, "t\n0\n1\n2\n");
  EXPECT_TRUE(read_csv_text("t\n", options).documents.empty());
}

}  // namespace
}  // namespace athanor
