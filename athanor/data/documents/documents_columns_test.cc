// Columns shard by shard, and artifacts put together from parts.
#include "athanor/data/documents/documents_columns.h"

#include <gtest/gtest.h>

#include "athanor/data/testing/test_scratch.h"

namespace athanor {
namespace {

void write_texts(const fs::path& dir, const std::vector<std::string>& texts, uint64_t shard_bytes = kShardBytes) {
  DocumentWriter writer(dir, shard_bytes);
  uint64_t at = 0;
  for (const std::string& text : texts) {
    Document document;
    document.text = text;
    document.source = "s";
    document.span_begin = at++;
    writer.add(document);
  }
  writer.finish();
}

std::vector<std::string> texts_of(const Documents& documents) {
  std::vector<std::string> texts;
  documents.for_each([&](uint64_t, Document&& document) { texts.push_back(document.text); });
  return texts;
}

TEST(ColumnWriter, ShardByShardIsTheSameAsAtOnce) {
  const fs::path dir = scratch("columnwriter");
  write_texts(dir / "base", {"one", "two", "three", "four", "five"}, 8);
  const Documents base = Documents::open(dir / "base");
  ASSERT_GT(base.num_shards(), 1u);
  const std::vector<bool> keep{true, false, true, true, true};
  std::vector<Column> whole{{"n", std::vector<double>{1, 2, 3, 4, 5}}};
  write_filtered(dir / "whole", base, keep, whole);

  const ColumnWriter writer(dir / "parts", base, {{"n", ColumnType::kFloat64}});
  double next = 1;
  for (size_t shard = 0; shard < base.num_shards(); ++shard) {
    std::vector<double> values;
    for (uint64_t row = 0; row < base.manifest().shards[shard].rows; ++row) {
      values.push_back(next++);
    }
    if (shard == 0) {  // as a journal would hand it over
      write_column_file(dir / "finished.parquet", {{"n", ColumnType::kFloat64}}, {values});
      writer.take_shard(shard, dir / "finished.parquet");
    } else {
      writer.write_shard(shard, {values});
    }
  }
  writer.finish(keep);
  for (const auto& entry : fs::directory_iterator(dir / "whole")) {
    const fs::path other = dir / "parts" / entry.path().filename();
    EXPECT_EQ(read_file(entry.path()), read_file(other)) << other;
  }
  const Documents read = Documents::open(dir / "parts");
  EXPECT_EQ(read.float_column("n"), (std::vector<double>{1, 3, 4, 5}));
  EXPECT_EQ(std::get<std::vector<double>>(read.shard_column(0, "n")).front(), 1);
}

TEST(ColumnWriter, RefusesNamesThatAreTaken) {
  const fs::path dir = scratch("columnnames");
  write_texts(dir / "base", {"one"});
  const Documents base = Documents::open(dir / "base");
  for (const char* name : {"text", "", "a.b"}) {
    EXPECT_THROW(ColumnWriter(dir / "out", base, {{name, ColumnType::kInt64}}), Error) << name;
  }
  EXPECT_THROW(ColumnWriter(dir / "out", base, {{"a", ColumnType::kInt64}, {"a", ColumnType::kInt64}}), Error);
}

TEST(Assemble, PartsInOrderAndEmptyOnesPassedOver) {
  const fs::path dir = scratch("assemble");
  write_texts(dir / "1", {"one", "two"});
  write_texts(dir / "2", {});
  write_texts(dir / "3", {"three"});
  const std::vector<fs::path> parts{dir / "1", dir / "2", dir / "3"};
  assemble_documents(dir / "all", parts);
  for (const fs::path& part : parts) {
    fs::remove_all(part);
  }
  const Documents all = Documents::open(dir / "all");
  EXPECT_EQ(texts_of(all), (std::vector<std::string>{"one", "two", "three"}));
  EXPECT_EQ(all.num_shards(), 2u);
  EXPECT_EQ(all.text_bytes(), 11u);
  assemble_documents(dir / "nothing", {});
  EXPECT_EQ(Documents::open(dir / "nothing").num_rows(), 0u);
}

}  // namespace
}  // namespace athanor
