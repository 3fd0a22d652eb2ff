// Field maps over every format that has fields, and Arrow IPC.
#include "athanor/data/readers/field_map.h"

#include <arrow/array/builder_binary.h>
#include <arrow/array/builder_primitive.h>
#include <arrow/io/file.h>
#include <arrow/ipc/writer.h>
#include <arrow/record_batch.h>
#include <arrow/type.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

using Texts = std::vector<std::string>;

ReadOptions with_fields(const std::string& json) {
  ReadOptions options;
  options.fields = parse_field_map(nlohmann::json::parse(json));
  return options;
}

TEST(FieldMap, OfTheRecipe) {
  EXPECT_TRUE(parse_field_map(nullptr).empty());
  EXPECT_TRUE(parse_field_map(nlohmann::json::object()).empty());
  for (const char* bad : {"[]", "{\"id\":\"x\"}", "{\"text\":[]}", "{\"text\":7}", "{\"text\":[1]}", "{\"text\":\"a\",\"id\":[]}"}) {
    EXPECT_EQ(error_of([&] { parse_field_map(nlohmann::json::parse(bad)); }).kind(), ErrorKind::kUsage) << bad;
  }
}

TEST(FieldMap, JsonLines) {
  const ReadOptions options = with_fields(R"({"text":["title","post.body"],"id":"post.id","tag":"a.b"})");
  const TestRows rows = rows_of("a.jsonl",
                            R"({"title":"T\u00e9","post":{"id":7,"body":"B\n"},"a.b":[1],"other":1})" "\n"
                            R"({"post":{"body":"only"}})" "\n"
                            R"({"title":null})" "\n"
                            R"({"title":3})" "\n", options);
  EXPECT_EQ(rows.texts(), (Texts{"Té\n\nB\n", "only"}));
  EXPECT_EQ(rows.documents[0].meta, R"({"id":7,"tag":[1]})");
  EXPECT_EQ(rows.documents[1].meta, "{}");
  EXPECT_TRUE(rows.reasons().starts_with("no text field@") && rows.reasons().find("text is not a string@") > 0) << rows.reasons();
  EXPECT_EQ(rows_of("a.jsonl", R"({"x":"t","y":1,"z":{"k":2}})" "\n", with_fields(R"({"text":"x"})")).documents[0].meta,
            R"({"y":1,"z":{"k":2}})");
}

TEST(FieldMap, AListOfStringsIsLines) {
  const ReadOptions options = with_fields(R"({"text":["title","lines"]})");
  const char* records = R"({"title":"春曉","lines":["春眠不覺曉，","處處聞啼鳥。"]})"
                        "\n"
                        R"({"lines":["a",1]})"
                        "\n"
                        R"({"title":"empty","lines":[]})"
                        "\n";
  const TestRows rows = rows_of("a.jsonl", records, options);
  EXPECT_EQ(rows.texts(), (Texts{"春曉\n\n春眠不覺曉，\n處處聞啼鳥。", "empty"}));
  EXPECT_TRUE(rows.reasons().starts_with("text is not a string@")) << rows.reasons();
}

TEST(FieldMap, Csv) {
  const TestRows rows = rows_of("a.csv", "title,body,n\nT,B,1\n,B2,2\n", with_fields(R"({"text":["title","body"],"number":"n"})"));
  EXPECT_EQ(rows.texts(), (Texts{"T\n\nB", "B2"}));
  EXPECT_EQ(rows.documents[0].meta, R"({"number":"1"})");
}

template <typename Writer>
void write_arrow(const fs::path& path, const Writer& make) {
  arrow::StringBuilder text;
  arrow::Int64Builder number;
  const auto schema = arrow::schema({arrow::field("text", arrow::utf8()), arrow::field("n", arrow::int64())});
  auto out = *arrow::io::FileOutputStream::Open(path.string());
  auto writer = *make(out, schema);
  for (int batch = 0; batch < 3; ++batch) {
    for (int i = 0; i < 4; ++i) {
      ASSERT_TRUE((i == 2 ? text.AppendNull() : text.Append(i == 3 ? "bad \xff" : "row " + std::to_string(batch * 4 + i))).ok());
      ASSERT_TRUE(number.Append(i).ok());
    }
    ASSERT_TRUE(writer->WriteRecordBatch(*arrow::RecordBatch::Make(schema, 4, {*text.Finish(), *number.Finish()})).ok());
  }
  ASSERT_TRUE(writer->Close().ok());
  ASSERT_TRUE(out->Close().ok());
}

TEST(ArrowIpc, FilesStreamsAndDamage) {
  const fs::path dir = scratch("arrow");
  write_arrow(dir / "a.arrow", [](const auto& out, const auto& schema) { return arrow::ipc::MakeFileWriter(out, schema); });
  write_arrow(dir / "b.arrows", [](const auto& out, const auto& schema) { return arrow::ipc::MakeStreamWriter(out, schema); });
  for (const char* name : {"a.arrow", "b.arrows"}) {
    const TestRows rows = rows_of_path(dir / name);
    ASSERT_EQ(rows.texts(), (Texts{"row 0", "row 1", "row 4", "row 5", "row 8", "row 9"})) << name << rows.rejected[0].sample;
    EXPECT_EQ(rows.reasons().substr(0, 34), "no text field@2|invalid UTF-8@7|no");
    EXPECT_EQ(rows.documents[0].meta, R"({"n":0})");
    ReadOptions missing;
    missing.text_field = "body";
    EXPECT_EQ(rows_of_path(dir / name, missing).rejected.size(), 12u);
    const std::string good = read_file(dir / name);
    Rng rng(41);
    for (int round = 0; round < 400; ++round) {
      std::string bad = good;
      if (round % 2 == 0) {
        bad.resize(rng.below(bad.size()));
      } else {
        for (int n = 0; n < 3; ++n) {
          bad[rng.below(bad.size())] = static_cast<char>(rng.below(256));
        }
      }
      rows_of(name, bad);
    }
  }
}

}  // namespace
}  // namespace athanor
