// Every reader: what it accepts, what it rejects and where, and input cut at every byte.
#include "athanor/data/readers/readers.h"

#include <gtest/gtest.h>
#include <zstd.h>

#include <nlohmann/json.hpp>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/data/documents/parquet.h"
#include "athanor/data/testing/test_rows.h"

namespace athanor {
namespace {

TestRows read_path(const fs::path& path, const ReadOptions& options = {}) {
  TestRows got;
  const ReadSink sink = got.sink();
  read_documents(path, "src/" + path.filename().string(), options, sink);
  for (const Document& document : got.documents) {
    EXPECT_EQ(find_invalid_utf8(document.text), std::string::npos);
    EXPECT_TRUE(nlohmann::json::parse(document.meta).is_object()) << document.meta;
    EXPECT_EQ(document.id, document_id(document.source, document.span_begin, document.text));
    EXPECT_LE(document.span_begin, document.span_end);
  }
  return got;
}

fs::path file_with(const std::string& name, const std::string& bytes) {
  static const fs::path dir = scratch("readers");
  const fs::path path = dir / name;
  put_file(path, bytes);
  return path;
}

TestRows read_bytes(const std::string& name, const std::string& bytes, const ReadOptions& options = {}) {
  return read_path(file_with(name, bytes), options);
}

using Texts = std::vector<std::string>;

TEST(Readers, FoundByExtension) {
  EXPECT_EQ(find_reader("a/b.JSONL.zst")->extension, "jsonl");
  EXPECT_EQ(find_reader("a.tar.md.gz")->extension, "md");
  EXPECT_EQ(find_reader("parquet"), nullptr);
  EXPECT_EQ(find_reader("a.parquet.gz"), nullptr);
  EXPECT_EQ(find_reader("a.txt/b"), nullptr);
  EXPECT_EQ(find_reader("a.gz"), nullptr);
  EXPECT_NE(error_of([] { read_bytes("a.exe", ""); }).hint().find("jsonl"), std::string::npos);
}

TEST(Readers, TextByFileLinesAndParagraphs) {
  const std::string bytes = "\xef\xbb\xbfone\r\nstill one\r\n\r\n\r\ntwo\n \nthree";
  const TestRows whole = read_bytes("a.txt", bytes);
  EXPECT_EQ(whole.texts(), Texts{bytes.substr(3)});
  EXPECT_EQ(whole.documents[0].span_begin, 3u);
  ReadOptions options;
  options.split = ReadOptions::Split::kParagraphs;
  const TestRows paragraphs = read_bytes("a.md", bytes, options);
  EXPECT_EQ(paragraphs.texts(), (Texts{"one\r\nstill one", "two", "three"}));
  for (const Document& document : paragraphs.documents) {
    EXPECT_EQ(bytes.substr(document.span_begin, document.text.size()), document.text);
  }
  options.split = ReadOptions::Split::kLines;
  const TestRows lines = read_bytes("a.txt", bytes, options);
  EXPECT_EQ(lines.texts(), (Texts{"one", "still one", "two", "three"}));
  EXPECT_EQ(lines.reasons(), "empty@" + std::to_string(bytes.find(" \n")));
  options.max_line_bytes = 4;
  EXPECT_EQ(read_bytes("a.txt", "abcde\nabcd\n", options).reasons(), "line too long@0");
  options.split = ReadOptions::Split::kParagraphs;
  const TestRows cut = read_bytes("a.txt", "ab\ncde\nf\n\nxy\n\nabcdef\ng\n\nzz", options);
  EXPECT_EQ(cut.texts(), (Texts{"xy", "zz"}));
  EXPECT_EQ(cut.reasons(), "line too long@0|line too long@14");
  options = {};
  options.max_file_bytes = 4;
  EXPECT_EQ(read_bytes("a.txt", "12345", options).reasons(), "file too large@4");
}

TEST(Readers, BadUtf8IsRejectedAtItsByteOrReplaced) {
  EXPECT_EQ(read_bytes("a.txt", "\xef\xbb\xbf""ab\xff""cd").reasons(), "invalid UTF-8@5");
  EXPECT_EQ(read_bytes("a.jsonl", "{\"text\":\"a\"}\n{\"text\":\"\xc0\"}\n").reasons(), "invalid UTF-8@22");
  EXPECT_EQ(read_bytes("a.csv", "text\nok\nb\xe6\x96\n").reasons(), "invalid UTF-8@9");
  ReadOptions options;
  options.replace_invalid_utf8 = true;
  EXPECT_EQ(read_bytes("a.txt", "ab\xff""cd", options).texts(), Texts{"ab\xef\xbf\xbd""cd"});
  EXPECT_EQ(read_bytes("a.jsonl", "{\"text\":\"\xc0\"}", options).texts(), Texts{"\xef\xbf\xbd"});
  EXPECT_EQ(read_bytes("a.csv", "text\nb\xe6\x96\n", options).texts(), Texts{"b\xef\xbf\xbd"});
}

TEST(Readers, JsonlRows) {
  const std::string bytes =
      "{\"text\":\"a\\u6587\\n\",\"n\":1.5,\"tags\":[\"x\",null],\"o\":{\"k\":\"\\\"\"}}\r\n"
      "\n"
      "{\"text\": \"cut\n"
      "[1,2]\n"
      "{\"title\":\"no text\"}\n"
      "{\"text\":7}\n"
      "{\"text\":\"  \"}\n"
      "{\"content\":\"c\",\"big\":123456789012345678901234567890}\n"
      "{\"text\":\"lone \\ud800\"}\n"
      "{\"content\":\"second\",\"text\":\"first\"}";
  const TestRows got = read_bytes("a.jsonl", bytes);
  EXPECT_EQ(got.texts(), (Texts{"a文\n", "c", "first"}));
  EXPECT_EQ(got.documents[0].meta, R"({"n":1.5,"tags":["x",null],"o":{"k":"\""}})");
  EXPECT_EQ(got.documents[2].meta, R"({"content":"second"})");
  Texts reasons;
  for (const Rejected& row : got.rejected) {
    reasons.push_back(row.reason);
    EXPECT_EQ(bytes.substr(row.offset, 1), row.reason == "empty" ? "{" : row.sample.substr(0, 1));
  }
  EXPECT_EQ(reasons, (Texts{"broken JSON", "not a JSON object", "no text field", "text is not a string", "empty",
                            "broken JSON"}));
  ReadOptions options;
  options.text_field = "title";
  EXPECT_EQ(read_bytes("a.ndjson", bytes, options).texts(), Texts{"no text"});
  EXPECT_EQ(read_bytes("a.jsonl", std::string(1 << 20, '[')).reasons(), "broken JSON@0");
  EXPECT_EQ(read_bytes("a.jsonl", "{\"text\":\"a\",\"n\":1e999,\"d\":" + std::string(1 << 20, '[')).reasons(),
            "broken JSON@0");
}

TEST(Readers, JsonObjectOrArray) {
  EXPECT_EQ(read_bytes("a.json", "{\n \"text\": \"one\"\n}\n").texts(), Texts{"one"});
  const std::string array = "\xef\xbb\xbf [ {\"text\":\"a],\\\"\"} , 7, {\"text\":\"b\"} ]\n";
  const TestRows got = read_bytes("a.json", array);
  EXPECT_EQ(got.texts(), (Texts{"a],\"", "b"}));
  EXPECT_EQ(got.reasons(), "not a JSON object@" + std::to_string(array.find('7')));
  EXPECT_EQ(array[got.documents[1].span_begin], '{');
  EXPECT_EQ(read_bytes("a.json", "[]").documents.size(), 0u);
  EXPECT_EQ(read_bytes("a.json", "  ").reasons(), "empty@0");
  EXPECT_EQ(read_bytes("a.json", "[{\"text\":\"a\"}] x").reasons(), "broken JSON@13");
  for (size_t cut = 1; cut + 2 < array.size() - 3; ++cut) {
    EXPECT_FALSE(read_bytes("a.json", array.substr(3, cut)).rejected.empty()) << cut;
  }
}

// An array is read element by element: it may be larger than a file that is read whole, and any element is a place to
// read on from.
TEST(Readers, AJsonArrayIsCutAtItsElements) {
  std::string array = "[";
  for (int i = 0; i < 50; ++i) {
    array += (i > 0 ? " ,\n" : "") + std::string("{\"n\":[{}],\"text\":\"t") + std::to_string(i) + "\"}";
  }
  array += "]";
  ReadOptions options;
  options.max_file_bytes = options.max_line_bytes = 40;
  const TestRows whole = read_bytes("a.json", array, options);
  ASSERT_EQ(whole.documents.size(), 50u);
  ASSERT_EQ(whole.boundaries.size(), 50u);
  const fs::path path = scratch("json-array") / "a.json";
  put_file(path, array);
  for (size_t i = 0; i < 50; ++i) {
    TestRows rest;
    const auto stream = open_raw(path, whole.boundaries[i].first);
    find_reader("a.json")->read({"src/a.json", stream.get(), path, whole.boundaries[i].first}, options, rest.sink());
    ASSERT_EQ(rest.documents.size(), 50 - i);
    EXPECT_EQ(rest.documents[0].id, whole.documents[i].id);
    EXPECT_EQ(rest.reasons(), "");
  }
  const std::string large = "[{\"text\":\"a\"}, {\"text\":\"" + std::string(5 << 20, 'x') + "\"}, {\"text\":\"b\"}]";
  const TestRows skipped = read_bytes("a.json", large, options);
  EXPECT_EQ(skipped.texts(), (Texts{"a", "b"}));
  EXPECT_EQ(skipped.reasons(), "document too large@" + std::to_string(large.find(", {") + 2));
  EXPECT_EQ(read_bytes("a.json", "{\"text\":\"" + std::string(5 << 20, 'x') + "\"}", options).reasons(), "file too large@40");
}

TEST(Readers, CsvQuotesAndNewlines) {
  const std::string bytes =
      "id,text,note\r\n"
      "1,\"a, \"\"b\"\"\nc\",x\r\n"
      "2,plain \"q\" 5\",\r\n"
      "\r\n"
      "3,short\r\n"
      "4,\"bad\"x,y\r\n"
      "5,last,\"\"";
  const TestRows got = read_bytes("a.csv", bytes);
  EXPECT_EQ(got.texts(), (Texts{"a, \"b\"\nc", "plain \"q\" 5\"", "last"}));
  EXPECT_EQ(got.documents[0].meta, R"({"id":"1","note":"x"})");
  EXPECT_EQ(got.reasons(), "wrong number of columns@" + std::to_string(bytes.find("3,short")) + "|broken quotes@" +
                               std::to_string(bytes.find("4,\"bad")));
  for (const Document& document : got.documents) {
    EXPECT_EQ(bytes[document.span_begin - 1], '\n');
  }
  EXPECT_EQ(read_bytes("a.tsv", "label\ttext\n1\ta, b\n").texts(), Texts{"a, b"});
  const TestRows lost = read_bytes("a.csv", "a,b\n1,2\n3,4\n");
  EXPECT_EQ(lost.reasons(), "no text field@4|no text field@8");
  EXPECT_NE(lost.rejected[0].sample.find("a, b"), std::string::npos);
  EXPECT_TRUE(read_bytes("a.csv", "").texts().empty());
}

TEST(Readers, ColumnsOfOneNameAndOfNone) {
  const TestRows got = read_bytes("a.csv", "text,x,x,,x.1,\nok,1,2,3,4,5\n");
  ASSERT_EQ(got.documents.size(), 1u);
  EXPECT_EQ(got.documents[0].meta, R"({"x":"1","x.2":"2","column_4":"3","x.1":"4","column_6":"5"})");
  ASSERT_EQ(got.notes.size(), 3u);
  EXPECT_NE(got.notes[0].find("two columns are named 'x'"), std::string::npos);
  EXPECT_NE(got.notes[0].find("a.csv"), std::string::npos);
  EXPECT_NE(got.notes[1].find("called 'column_4'"), std::string::npos);
  EXPECT_TRUE(read_bytes("a.csv", "text,x\nok,1\n").notes.empty());
}

TEST(Readers, ATableInAnotherEncodingIsRefusedByName) {
  const auto message_of = [](const std::string& bytes) {
    try {
      read_bytes("a.csv", bytes);
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput);
      return std::string(error.what());
    }
    return std::string();
  };
  const std::string utf16("t\0e\0x\0t\0\n\0o\0k\0\n\0", 16);  // without its mark
  EXPECT_NE(message_of(utf16).find("iconv -f UTF-16LE"), std::string::npos);
  EXPECT_NE(message_of(utf16).find("a.csv"), std::string::npos);
  EXPECT_NE(message_of("text,\xca\xfd\xd6\xb5\nok,1\n").find("iconv -f GB18030"), std::string::npos);
  EXPECT_NE(message_of("text,pr\xe9nom\nok,1\n").find("iconv -f WINDOWS-1252"), std::string::npos);
  EXPECT_EQ(message_of("text,\xe6\x95\xb0\nok,1\n"), "");
  try {
    RejectLog::check_share({{"invalid UTF-8", 3}}, 0, 0.01, true, "r.jsonl");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("iconv"), std::string::npos);
  }
}

std::string utf16_of(const std::u16string& text, bool big, bool mark = true) {
  std::string bytes;
  for (const char16_t unit : (mark ? u"\xfeff" : u"") + text) {
    const char low = static_cast<char>(unit & 0xff);
    const char high = static_cast<char>(unit >> 8);
    bytes += big ? std::string{high, low} : std::string{low, high};
  }
  return bytes;
}

TEST(Readers, Utf16WithItsMarkIsReadAsUtf8) {
  const std::u16string text = u"text\t\x6570\r\n\"a\tb\r\nc\"\t1\r\n\xd83d\xde00 \x3042\t2\r\nlast\t3";
  for (const bool big : {false, true}) {
    const TestRows got = read_bytes("a.tsv", utf16_of(text, big));
    EXPECT_EQ(got.texts(), (Texts{"a\tb\r\nc", "\xf0\x9f\x98\x80 \xe3\x81\x82", "last"}));
    ASSERT_EQ(got.documents.size(), 3u);
    EXPECT_EQ(got.documents[2].meta, "{\"\xe6\x95\xb0\":\"3\"}");
    EXPECT_EQ(got.documents[0].span_begin, 10u);  // in the UTF-8
    EXPECT_EQ(got.reasons(), "");
  }
  // Long enough that pairs are cut by blocks, under each of the two offsets; a surrogate alone and an odd byte cost their rows.
  for (const size_t before : {0, 1}) {
    std::u16string rows = u"text,n\n";
    Texts want;
    for (int i = 0; i < 30000; ++i) {
      rows += std::u16string(before, u'x') + u"\xd83d\xde00\xd83d\xde01,1\n";
      want.push_back(std::string(before, 'x') + "\xf0\x9f\x98\x80\xf0\x9f\x98\x81");
    }
    const TestRows got = read_bytes("a.csv", utf16_of(rows + u"\xd83d,2\n\xde00,3\nend,4\nodd,5", false) + "\x31");
    want.push_back("end");
    EXPECT_TRUE(got.texts() == want);
    EXPECT_EQ(got.rejected.size(), 3u);
    for (const auto& rejected : got.rejected) {
      EXPECT_EQ(rejected.reason, "invalid UTF-8");
    }
  }
  EXPECT_EQ(read_bytes("a.csv", "\xff\xfe").notes.size(), 1u);  // empty
  EXPECT_EQ(read_bytes("a.csv", "t").notes.size(), 1u);
}

TEST(Readers, ATableWithoutRowsSaysWhy) {
  const auto note_of = [](const std::string& bytes) {
    const TestRows got = read_bytes("a.csv", bytes);
    return got.notes.size() == 1 ? got.notes[0] : std::to_string(got.notes.size()) + " notes";
  };
  EXPECT_NE(note_of("").find("is empty"), std::string::npos);
  EXPECT_NE(note_of("text,y\n").find("a header row and no others"), std::string::npos);
  EXPECT_NE(note_of("text,y\ra,1\rb,1\rc,1,\r").find("carriage returns"), std::string::npos);
  EXPECT_EQ(note_of("text,y\r\na,1\r\n"), "0 notes");
}

TEST(Readers, AQuoteThatNeverClosesCostsOneRow) {
  std::string bytes = "text,n\n\"open,1\n";
  for (int i = 0; i < 2000; ++i) {
    bytes += "row " + std::to_string(i) + "," + std::to_string(i) + "\n";
  }
  const TestRows got = read_bytes("a.csv", bytes);
  EXPECT_EQ(got.documents.size(), 2000u);
  EXPECT_EQ(got.reasons(), "broken quotes@7");
  ReadOptions options;
  options.max_line_bytes = 1000;
  EXPECT_EQ(read_bytes("a.csv", bytes, options).documents.size(), 2000u);
}

// Fields of any characters, written by the rules and read back.
TEST(Readers, CsvRoundTrip) {
  Rng rng(17);
  const std::string alphabet = "ab,\"\n\r x";
  std::string bytes = "text,other\n";
  Texts want;
  for (int i = 0; i < 3000; ++i) {
    std::string cells[2] = {"t", ""};
    for (std::string& cell : cells) {
      for (uint64_t n = rng.below(8); n > 0; --n) {
        cell += alphabet[rng.below(alphabet.size())];
      }
    }
    want.push_back(cells[0] + cells[1]);
    for (const std::string& cell : cells) {
      bytes += '"';
      for (const char c : cell) {
        bytes += c == '"' ? "\"\"" : std::string(1, c);
      }
      bytes += &cell == cells ? "\"," : "\"\n";
    }
  }
  const TestRows got = read_bytes("a.csv", bytes);
  ASSERT_EQ(got.documents.size(), want.size()) << got.reasons().substr(0, 300);
  for (size_t i = 0; i < want.size(); ++i) {
    EXPECT_EQ(got.documents[i].text + nlohmann::json::parse(got.documents[i].meta)["other"].get<std::string>(),
              want[i]);
  }
}

TEST(Readers, InfinitiesOfParquetAreTold) {
  const fs::path path = scratch("readers-infinite") / "a.parquet";
  const double inf = HUGE_VAL;
  ParquetWriter writer(path, {{"text", ColumnType::kString}, {"f", ColumnType::kFloat64}, {"g", ColumnType::kFloat64}});
  writer.write_row_group({Texts{"a", "b", "c"}, std::vector<double>{1, inf, -inf}, std::vector<double>{1, std::nan(""), 2}});
  writer.finish();
  const TestRows got = read_path(path);
  EXPECT_EQ(got.documents[1].meta, R"({"f":null,"g":null})");
  ASSERT_EQ(got.notes.size(), 1u);
  EXPECT_NE(got.notes[0].find("column 'f' holds infinite numbers"), std::string::npos);
}

TEST(Readers, ParquetRowsAndDamage) {
  const fs::path path = scratch("readers-parquet") / "a.parquet";
  ParquetWriter writer(path, {{"text", ColumnType::kString}, {"n", ColumnType::kInt64}, {"f", ColumnType::kFloat64}});
  writer.write_row_group({Texts{"a", "", "c\xff"}, std::vector<int64_t>{1, 2, 3}, std::vector<double>{0.5, 1, 2}});
  writer.write_row_group({Texts{"d"}, std::vector<int64_t>{4}, std::vector<double>{0.25}});
  writer.finish();
  const TestRows got = read_path(path);
  EXPECT_EQ(got.texts(), (Texts{"a", "d"}));
  EXPECT_EQ(got.documents[1].meta, R"({"f":0.25,"n":4})");
  EXPECT_EQ(got.documents[1].span_begin, 3u);
  EXPECT_EQ(got.reasons(), "empty@1|invalid UTF-8@3");
  ReadOptions options;
  options.text_field = "body";
  EXPECT_EQ(read_path(path, options).reasons(), "no text field@0|no text field@1|no text field@2|no text field@3");
  EXPECT_NE(read_path(path, options).rejected[0].sample.find("text, n, f"), std::string::npos);
  options.text_field = "n";
  EXPECT_EQ(read_path(path, options).rejected.size(), 4u);
  const std::string good = read_file(path);
  for (size_t cut = 0; cut < good.size(); cut += 3) {
    put_file(path, good.substr(0, cut));
    EXPECT_EQ(read_path(path).reasons(), "damaged Parquet@0") << cut;
  }
  put_file(path, good);
  ReadSink sink;
  sink.on_document = [](Document&&) { throw Error(ErrorKind::kInput, "stop", "rejected.jsonl"); };
  sink.on_rejected = [](Rejected&&) {};
  EXPECT_EQ(error_of([&] { read_documents(path, "s", {}, sink); }).message(), "stop");
}

TEST(Readers, CompressedAndCutAtEveryByte) {
  std::string bytes;
  for (int i = 0; i < 60; ++i) {
    bytes += "{\"text\":\"row " + std::to_string(mix64(static_cast<uint64_t>(i))) + "\"}\n";
  }
  std::string packed(ZSTD_compressBound(bytes.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), bytes.data(), bytes.size(), 3));
  const Texts want = read_bytes("a.jsonl", bytes).texts();
  EXPECT_EQ(read_bytes("a.jsonl.zst", packed).texts(), want);
  for (size_t cut = 4; cut < packed.size(); ++cut) {
    const TestRows got = read_bytes("a.jsonl.zst", packed.substr(0, cut));
    ASSERT_EQ(got.rejected.size(), 1u) << cut;
    EXPECT_EQ(got.rejected[0].reason, "truncated zstd");
    const Texts texts = got.texts();
    EXPECT_TRUE(texts.size() < want.size() && std::equal(texts.begin(), texts.end(), want.begin()));
  }
  EXPECT_EQ(read_bytes("a.txt.zst", packed.substr(0, 200)).reasons(), "truncated zstd@0");
}

TEST(Readers, RandomBytesNeverCrash) {
  Rng rng(23);
  const std::string soup = "{}[]\",:\\\n\r\t 0e-.text\xef\xbb\xbf\xff\xe6\x96\x87null";
  for (int i = 0; i < 800; ++i) {
    std::string bytes = "text\n";
    for (uint64_t n = rng.below(300); n > 0; --n) {
      bytes += soup[rng.below(soup.size())];
    }
    for (const char* name : {"a.jsonl", "a.json", "a.csv", "a.tsv", "a.txt"}) {
      try {
        read_bytes(name, name[2] == 'j' ? bytes.substr(5) : bytes);
      } catch (const Error& error) {
        EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.what();
      }
    }
  }
}

}  // namespace
}  // namespace athanor
