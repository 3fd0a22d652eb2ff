#include "athanor/data/tables/read_table.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "athanor/base/text.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

Document row_of(const std::string& meta, const std::string& text = "a text of its own") {
  Document document;
  document.text = text;
  document.meta = meta;
  document.source = "s";
  return document;
}

Table table_of(const std::vector<std::string>& metas, TableNotes& notes, TableOptions options = {},
               TableSchema* schema = nullptr) {
  TableReader reader(std::move(options));
  for (const auto& meta : metas) {
    reader.add(row_of(meta));
  }
  Table table = reader.finish(notes);
  if (schema != nullptr) {
    *schema = reader.schema();
  }
  return table;
}

const ColumnNote& note_of(const TableNotes& notes, const std::string& name) {
  for (const auto& note : notes.columns) {
    if (note.name == name) {
      return note;
    }
  }
  throw std::out_of_range(name);
}

TEST(ReadTable, TypesAreGuessed) {
  TableNotes notes;
  const Table table = table_of(
      {R"({"age": 39, "sex": " F", "ok": true, "when": "2024-02-29", "n": "1", "tags": ["a","b"]})",
       R"({"age": "?", "sex": "M ", "ok": false, "when": "NA", "n": "2", "tags": []})",
       R"({"age": 1e2, "sex": null, "when": "2024/03/01", "n": "1", "x\"y": 5, "image": {"a": 1}})"},
      notes);
  EXPECT_EQ(table.rows, 3u);
  EXPECT_EQ(table.at("age").kind, ColumnKind::kNumber);
  EXPECT_TRUE(std::isnan(table.at("age").numbers[1]));
  EXPECT_EQ(table.at("age").numbers[2], 100);
  EXPECT_EQ(table.at("sex").levels, (std::vector<std::string>{"F", "M"}));
  EXPECT_EQ(table.at("sex").codes, (std::vector<int32_t>{0, 1, -1}));
  EXPECT_EQ(table.at("ok").levels, (std::vector<std::string>{"false", "true"}));
  EXPECT_EQ(table.at("when").kind, ColumnKind::kDate);
  EXPECT_EQ(table.at("when").numbers[2], 1709251200);
  EXPECT_EQ(table.at("n").kind, ColumnKind::kNumber);  // few values, still numbers
  EXPECT_EQ(table.at("tags").levels, (std::vector<std::string>{"[\"a\",\"b\"]", "[]"}));
  EXPECT_EQ(table.at("x\"y").numbers[2], 5);
  EXPECT_EQ(table.at("image").kind, ColumnKind::kImage);
  EXPECT_EQ(table.at("text").kind, ColumnKind::kText);
  EXPECT_EQ(note_of(notes, "age").missing, 1u);
}

TEST(ReadTable, NumbersTooLongForADoubleAreNames) {
  std::vector<std::string> metas;
  for (int i = 0; i < 20; ++i) {
    metas.push_back("{\"u\": " + std::to_string(9223372036854775808u + static_cast<unsigned>(i)) +
                    ", \"wide\": " + std::to_string((i + 1) * 100'000'000'000'000'000) + "}");
  }
  TableNotes notes;
  const Table table = table_of(metas, notes);
  EXPECT_EQ(table.at("u").kind, ColumnKind::kCategory);
  EXPECT_EQ(table.at("u").levels.size(), 20u);
  EXPECT_EQ(table.at("wide").kind, ColumnKind::kNumber);
  TableOptions told;
  told.types = {{"u", "number"}};
  TableNotes told_notes;
  table_of(metas, told_notes, told);
  EXPECT_EQ(note_of(told_notes, "u").run_together, 19u);
  EXPECT_EQ(note_of(told_notes, "wide").run_together, 0u);
  EXPECT_EQ(told_notes.warnings().size(), 1u);
}

TEST(ReadTable, DecimalCommasAreTold) {
  TableNotes notes;
  const Table table = table_of({R"({"a": "1,5", "b": "1,5", "c": "x"})", R"({"a": "2", "b": "no", "c": "y"})"}, notes);
  EXPECT_EQ(table.at("a").kind, ColumnKind::kCategory);
  EXPECT_TRUE(note_of(notes, "a").decimal_commas);
  EXPECT_FALSE(note_of(notes, "b").decimal_commas);
  const auto warnings = notes.warnings();
  EXPECT_TRUE(std::any_of(warnings.begin(), warnings.end(), [](const std::string& one) {
    return one.find("column 'a': numbers with decimal commas") == 0;
  }));
}

// Groups of exactly three digits are thousands, as clean's formats reads them; one value that cannot be so decides.
TEST(ReadTable, CommasBetweenThousandsAreTold) {
  TableNotes notes;
  table_of({R"({"a": "1,234", "b": "1,234", "c": "0,125", "d": "1,234,567.5", "e": "1,234", "f": "1,234", "g": "1234,567"})",
            R"({"a": "5,678", "b": "2,5", "c": "0,250", "d": "12", "e": "x", "f": "1,2,3", "g": "1,000"})",
            R"({"a": "-1,000", "b": "7", "c": "3,000", "d": "2,000", "e": "y", "f": "2,000", "g": "2"})"},
           notes);
  const auto commas = [&](const char* name) {
    const ColumnNote& note = note_of(notes, name);
    return note.decimal_commas ? (note.thousands_commas ? "both" : "decimal") : note.thousands_commas ? "thousands" : "none";
  };
  EXPECT_STREQ(commas("a"), "thousands");
  EXPECT_STREQ(commas("b"), "decimal");
  EXPECT_STREQ(commas("c"), "decimal");
  EXPECT_STREQ(commas("d"), "thousands");
  EXPECT_STREQ(commas("e"), "none");
  EXPECT_STREQ(commas("f"), "none");
  EXPECT_STREQ(commas("g"), "decimal");
  std::string told;
  for (const auto& one : notes.warnings()) {
    told += one.starts_with("column 'a'") ? one : "";
  }
  EXPECT_NE(told.find("between thousands"), std::string::npos);
  EXPECT_NE(told.find("{formats: {columns: [a], as: number}}"), std::string::npos);
  EXPECT_NE(told.find("decimal: ','"), std::string::npos);
}

TEST(ReadTable, TheRecipeFixesTypes) {
  TableNotes notes;
  TableOptions options;
  options.types = {{"zip", "category"}, {"born", {{"date", "%d/%m/%Y"}}}};
  options.missing = {"-"};
  options.exclude = {"text"};
  const Table table = table_of({R"({"zip": 1234, "born": "29/02/2024", "v": "-"})",
                                R"({"zip": "99", "born": "31/02/2024", "v": 2})"},
                               notes, options);
  EXPECT_EQ(table.at("zip").levels, (std::vector<std::string>{"1234", "99"}));
  EXPECT_EQ(table.at("born").numbers[0], 1709164800);
  EXPECT_EQ(note_of(notes, "born").unreadable, 1u);
  EXPECT_EQ(note_of(notes, "born").example, "31/02/2024");
  EXPECT_EQ(table.at("v").kind, ColumnKind::kNumber);
  EXPECT_EQ(table.find("text"), nullptr);

  const auto fails = [](nlohmann::json types) {
    TableOptions wrong;
    wrong.types = std::move(types);
    const Error error = error_of([&] {
      TableNotes ignored;
      table_of({R"({"zip": 1})"}, ignored, wrong);
    });
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    return error.where() + ": " + error.message() + " " + error.hint();
  };
  EXPECT_NE(fails({{"zap", "category"}}).find("did you mean 'zip'?"), std::string::npos);
  EXPECT_NE(fails({{"zip", "categry"}}).find("types.zip"), std::string::npos);
  EXPECT_NE(fails({{"zip", {{"date", "%Q"}}}}).find("'%Q' is not known"), std::string::npos);
  fails({{"zip", 3}});
  fails("zip");
}

TEST(ReadTable, WhatIsOddIsCounted) {
  std::vector<std::string> metas(40, R"({"x": 1, "m": "3"})");
  metas[3] = R"({"x": "abc", "m": "A"})";
  metas[4] = R"({"x": "inf", "m": "B"})";
  metas[5] = R"({"x": {"y": 1}, "m": "C"})";
  TableNotes notes;
  const Table table = table_of(metas, notes);
  EXPECT_EQ(table.at("x").kind, ColumnKind::kNumber);
  EXPECT_EQ(note_of(notes, "x").unreadable, 2u);
  EXPECT_EQ(note_of(notes, "x").example, "abc");
  EXPECT_EQ(note_of(notes, "x").infinite, 1u);
  EXPECT_EQ(note_of(notes, "x").missing, 3u);
  EXPECT_EQ(table.at("m").kind, ColumnKind::kCategory);  // 3 of 40 are no numbers
  EXPECT_TRUE(note_of(notes, "m").mixed);
  const std::vector<std::string> warnings = notes.warnings();
  ASSERT_EQ(warnings.size(), 4u);
  EXPECT_NE(warnings[1].find("column 'x': 2 values are no number, such as 'abc'"),
            std::string::npos);
  EXPECT_NE(warnings[3].find("column 'm': numbers and other texts are mixed"), std::string::npos);
}

TEST(ReadTable, NewRowsAreReadAsTheTrainingRows) {
  TableNotes notes;
  TableSchema schema;
  table_of({R"({"a": 1, "c": "x", "d": "2024-01-01"})", R"({"a": 2, "c": "y", "d": "2024-01-02"})"},
           notes, {}, &schema);
  const TableSchema again =
      TableSchema::from_json(nlohmann::json::parse(schema.to_json().dump()), "saved.json");
  EXPECT_EQ(again.to_json(), schema.to_json());

  TableReader reader(again);
  reader.add(row_of(R"({"a": "oops", "c": 7, "d": "soon", "new": 1})"));
  TableNotes new_notes;
  const Table table = reader.finish(new_notes);
  EXPECT_EQ(table.columns.size(), 4u);
  EXPECT_TRUE(std::isnan(table.at("a").numbers[0]));
  EXPECT_EQ(table.at("c").levels, std::vector<std::string>{"7"});
  EXPECT_EQ(note_of(new_notes, "d").example, "soon");
  EXPECT_EQ(table.find("new"), nullptr);

  TableReader without(again);
  without.add(row_of(R"({"c": "x"})"));
  EXPECT_EQ(without.finish(new_notes).find("a"), nullptr);

  for (
      const char* damaged :
      {"{}", R"({"schema": 2})", R"({"schema": 1, "missing": [], "columns": [{"name": "a"}]})",
       R"({"schema":1,"missing":[],"columns":[{"name":"a","key":"a","kind":"nombre","from":"meta"}]})"}) {
    EXPECT_EQ(error_of([&] { TableSchema::from_json(nlohmann::json::parse(damaged), "w"); }).kind(),
              ErrorKind::kInput);
  }
}

TEST(ReadTable, ARowsOwnLinesAreNoText) {
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  const TestRows rows = rows_of("t.csv", "b,a\n1,\"x\ny\"\n2,z\n", options);
  ASSERT_EQ(rows.documents.size(), 2u);
  TableReader reader{TableOptions()};
  for (Document document : rows.documents) {
    document.text = document.text.substr(0, document.text.size() - 1) +
                    " ";  // as a cleaning step might leave it
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  EXPECT_EQ(table.find("text"), nullptr);
  EXPECT_EQ(table.at("b").numbers, (std::vector<double>{1, 2}));
}

TEST(ReadTable, NamesThatMeet) {
  TableReader reader{TableOptions()};
  reader.add(row_of(R"({"text": "t", "score": 1})"));
  reader.add_column("score", std::vector<double>{0.5});
  TableNotes notes;
  const Table table = reader.finish(notes);
  EXPECT_EQ(table.at("text").texts[0], "a text of its own");
  EXPECT_EQ(table.at("meta.text").levels[0], "t");
  EXPECT_EQ(table.at("score").numbers[0], 0.5);
  EXPECT_EQ(table.at("meta.score").numbers[0], 1);
}

TEST(ReadTable, KeptRowsWithTheirExtraColumns) {
  const fs::path dir = scratch("read_table");
  DocumentWriter writer(dir / "all");
  for (int i = 0; i < 4; ++i) {
    Document document = row_of("{\"n\": " + std::to_string(i) + "}", "text " + std::to_string(i));
    document.span_begin = static_cast<uint64_t>(i);
    writer.add(document);
  }
  writer.finish();
  const Documents all = Documents::open(dir / "all");
  const Column columns[] = {{"score", std::vector<double>{0.5, 1.5, 2.5, 3.5}},
                            {"kind", std::vector<std::string>{"a", "b", "a", "?"}}};
  write_filtered(dir / "some", all, {true, false, true, true}, columns);
  TableSchema schema;
  TableNotes notes;
  const Documents some = Documents::open(dir / "some");
  const Table table = read_table(some, TableOptions(), schema, notes);
  EXPECT_EQ(table.rows, 3u);
  EXPECT_EQ(table.ids, some.ids());
  EXPECT_EQ(table.at("n").numbers, (std::vector<double>{0, 2, 3}));
  EXPECT_EQ(table.at("score").numbers, (std::vector<double>{0.5, 2.5, 3.5}));
  EXPECT_EQ(table.at("kind").codes, (std::vector<int32_t>{0, 0, -1}));
  EXPECT_EQ(table.at("text").texts[1], "text 2");
  TableNotes again;
  EXPECT_EQ(read_table(some, schema, again).at("score").numbers, table.at("score").numbers);
  EXPECT_EQ(read_table(all, schema, again).find("score"),
            nullptr);  // no such column there: apply() names it
}

TEST(ReadTable, Libsvm) {
  const TestRows rows = rows_of(
      "a.libsvm", "+1 1:0.5 4:2 # c\n\n# only a comment\n-1\nx 1:1\n-1 3:1 2:1\n1 qid:2 2:7\r\n");
  EXPECT_EQ(rows.reasons(),
            "bad LIBSVM line: label is no number@38|bad LIBSVM line: indices not ascending@44");
  ASSERT_EQ(rows.documents.size(), 3u);
  EXPECT_EQ(rows.documents[2].text, "1 qid:2 2:7");
  TableReader reader{TableOptions()};
  for (const Document& document : rows.documents) {
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  const TableColumn& features = table.at("features");
  EXPECT_EQ(features.kind, ColumnKind::kSparse);
  EXPECT_EQ(features.width, 5u);
  EXPECT_EQ(features.sparse.offsets, (std::vector<uint64_t>{0, 2, 2, 3}));
  EXPECT_EQ(features.sparse.values, (std::vector<double>{0.5, 2, 7}));
  EXPECT_EQ(table.at("label").numbers, (std::vector<double>{1, -1, 1}));
  EXPECT_EQ(table.find("text"), nullptr);
  EXPECT_EQ(table.find("format"), nullptr);
}

// A file of another ending, collected as lines.
TEST(ReadTable, TextsThatAreToldToBeLibsvm) {
  TableOptions options;
  options.format = "libsvm";
  TableReader reader(options);
  for (const char* text : {"+1 1:0.5 4:2 # c", "not a row", "-1 qid:3 2:7"}) {
    Document document;
    document.text = text;
    document.meta = "{}";
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  EXPECT_EQ(table.at("features").sparse.offsets, (std::vector<uint64_t>{0, 2, 2, 3}));
  EXPECT_EQ(table.at("label").numbers[2], -1);
  EXPECT_TRUE(std::isnan(table.at("label").numbers[1]));
  EXPECT_EQ(table.find("text"), nullptr);
  ASSERT_EQ(notes.warnings().size(), 1u);
  EXPECT_NE(notes.warnings()[0].find("'not a row'"), std::string::npos) << notes.warnings()[0];
  const TableSchema schema = TableSchema::from_json(reader.schema().to_json(), "test");
  EXPECT_TRUE(schema.libsvm);
  TableReader again(schema);
  Document document;
  document.text = "3:1";
  again.add(document);
  TableNotes none;
  EXPECT_EQ(again.finish(none).at("features").sparse.values, std::vector<double>{1});
}

TEST(ReadTable, AnyBytesAreNoException) {
  for (const char* meta : {"", "[]", "{\"a\":", "{\"a\": [[[1]]]}", "{\"\": \"\"}",
                           "{\"a\":1,\"a\":2}", "{\"a\": 1e308}"}) {
    TableNotes notes;
    EXPECT_EQ(table_of({meta, R"({"b": 1})", meta}, notes).rows, 3u) << meta;
  }
}

TEST(ReadTable, AdultIsReadInWellUnderASecond) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  ReadOptions options;
  options.fields = parse_field_map({{"text", "*"}});
  options.columns = {"age",     "workclass",  "fnlwgt",       "education", "education_num",
                     "marital", "occupation", "relationship", "race",      "sex",
                     "gain",    "loss",       "hours",        "country",   "income"};
  const TestRows rows = rows_of_path(fs::path(data) / "tabular/adult.train.csv.zst", options);
  const double begin = monotonic_time();
  TableReader reader{TableOptions()};
  for (const Document& document : rows.documents) {
    reader.add(document);
  }
  TableNotes notes;
  const Table table = reader.finish(notes);
  RecordProperty("seconds", std::to_string(monotonic_time() - begin));
  EXPECT_EQ(table.rows, 32561u);
  EXPECT_EQ(table.columns.size(), 15u);
  EXPECT_EQ(table.at("workclass").levels.size(), 8u);
  EXPECT_EQ(note_of(notes, "occupation").missing, 1843u);
  EXPECT_EQ(table.at("income").levels, (std::vector<std::string>{"<=50K", ">50K"}));
  EXPECT_EQ(table.at("fnlwgt").kind, ColumnKind::kNumber);
  EXPECT_LT(monotonic_time() - begin, 2.0);
}

}  // namespace
}  // namespace athanor
