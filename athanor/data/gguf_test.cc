// The GGUF container: a file of the gguf package (tests/parity/make_token_file_fixtures.py), round trip, files that lie.
#include "athanor/data/gguf.h"

#include <gtest/gtest.h>

#include <cstring>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"

namespace athanor {
namespace {

const fs::path kTiny = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/data/tiny.gguf";

std::string error_of(std::string bytes) {
  try {
    GgufFile::from_bytes(std::move(bytes), "x.gguf");
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kInput);
    EXPECT_EQ(error.where(), "x.gguf");
    return error.message();
  }
  return "";
}

TEST(Gguf, EveryTypeOfValue) {
  const GgufFile file = GgufFile::open(kTiny);
  EXPECT_EQ(file.version(), 3u);
  EXPECT_EQ(file.integer("a.u8"), 200);
  EXPECT_EQ(file.integer("a.i8"), -100);
  EXPECT_EQ(file.integer("a.u16"), 60000);
  EXPECT_EQ(file.integer("a.i16"), -30000);
  EXPECT_EQ(file.integer("a.u32"), 4000000000);
  EXPECT_EQ(file.integer("a.i32"), -2000000000);
  EXPECT_EQ(file.integer("a.i64"), -(int64_t{1} << 62));
  EXPECT_THROW(file.integer("a.u64"), Error);  // 2^63 fits no int64
  EXPECT_EQ(file.find("a.f32")->number(), 0.5);
  EXPECT_EQ(file.find("a.f64")->number(), 0.1);
  EXPECT_EQ(file.boolean("a.bool"), true);
  EXPECT_EQ(file.text("a.string"), "Wort \u00fc");
  EXPECT_EQ(*file.strings("a.strings"), (std::vector<std::string_view>{"x", "", "日"}));
  const GgufValue* const ints = file.find("a.ints");
  ASSERT_EQ(ints->count, 3u);
  EXPECT_TRUE(ints->is_integer_array());
  EXPECT_EQ(ints->integer(1), -2);
  EXPECT_EQ(file.find("a.floats")->number(1), -1.5);
  EXPECT_EQ(file.find("a.bools")->integer(0), 1);
  ASSERT_EQ(file.find("a.nested")->items().size(), 2u);
  EXPECT_EQ(file.find("a.nested")->items()[0].integer(1), 2);
  EXPECT_EQ(file.find("nothing"), nullptr);
  EXPECT_EQ(file.text("nothing", "else"), "else");
  EXPECT_THROW(file.text("a.u8"), Error);
  EXPECT_THROW(file.integer("a.string"), Error);
  EXPECT_THROW(file.strings("a.ints"), Error);
  EXPECT_THROW(file.boolean("a.u8"), Error);
}

TEST(Gguf, Tensors) {
  const GgufFile file = GgufFile::open(kTiny);
  ASSERT_EQ(file.tensors().size(), 3u);
  const GgufTensor& matrix = file.tensors()[0];
  EXPECT_EQ(matrix.name, "matrix");
  EXPECT_EQ(matrix.shape, (std::vector<int64_t>{3, 4}));
  float last = 0;
  std::memcpy(&last, file.tensor_bytes(matrix).data() + 11 * sizeof(float), sizeof(last));
  EXPECT_EQ(last, 11);
  EXPECT_EQ(file.tensor_bytes(file.tensors()[1]).size(), 10u);  // float16
  EXPECT_EQ(file.tensors()[2].shape, (std::vector<int64_t>{2, 32}));
  EXPECT_EQ(file.tensor_bytes(file.tensors()[2]).size(), 68u);  // Q8_0: 34 bytes a block of 32
}

TEST(Gguf, WriterAndReaderAgree) {
  GgufWriter writer;
  writer.text("t", "text");
  writer.uint32("u", 7);
  writer.float32("f", -2.5F);
  writer.boolean("b", true);
  writer.strings("s", std::vector<std::string>{"a", "", "c"});
  writer.floats("fs", std::vector<float>{1, 2});
  writer.int32s("is", std::vector<int32_t>{-1, 5});
  writer.uint8s("bytes", std::string_view("\0\xFF", 2));
  const GgufFile file = GgufFile::from_bytes(writer.bytes(), "x.gguf");
  EXPECT_EQ(file.text("t"), "text");
  EXPECT_EQ(file.integer("u"), 7);
  EXPECT_EQ(file.find("f")->number(), -2.5);
  EXPECT_EQ(file.boolean("b"), true);
  EXPECT_EQ(file.strings("s")->at(2), "c");
  EXPECT_EQ(file.find("fs")->number(1), 2);
  EXPECT_EQ(file.find("is")->integer(0), -1);
  EXPECT_EQ(file.find("bytes")->integer(1), 255);
  EXPECT_EQ(file.metadata().size(), 8u);
  EXPECT_EQ(file.metadata()[3].first, "b");
}

template <typename T>
void put(std::string& out, T value) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}

std::string header(uint32_t version, uint64_t tensors, uint64_t values) {
  std::string out = "GGUF";
  put(out, version);
  put(out, tensors);
  put(out, values);
  return out;
}

void put_key(std::string& out, std::string_view key, uint32_t type) {
  put(out, uint64_t{key.size()});
  out += key;
  put(out, type);
}

TEST(Gguf, FilesThatLie) {
  EXPECT_NE(error_of("GGML").find("does not begin"), std::string::npos);
  EXPECT_NE(error_of(header(1, 0, 0)).find("version 1"), std::string::npos);
  EXPECT_NE(error_of(header(0x03000000, 0, 0)).find("big-endian"), std::string::npos);
  EXPECT_NE(error_of(header(3, 0, uint64_t{1} << 60)).find("more than its bytes"), std::string::npos);
  EXPECT_NE(error_of(header(3, uint64_t{1} << 60, 0)).find("more than its bytes"), std::string::npos);
  std::string text = header(3, 0, 1);
  put_key(text, "k", 8);
  put(text, uint64_t{1} << 50);
  EXPECT_EQ(error_of(text), "'k' needs 1125899906842624 bytes where 0 are left (at byte 45)");
  std::string type = header(3, 0, 1);
  put_key(type, "k", 99);
  EXPECT_NE(error_of(type).find("unknown type 99"), std::string::npos);
  std::string array = header(3, 0, 1);
  put_key(array, "k", 9);
  put(array, uint32_t{4});
  put(array, uint64_t{1} << 40);
  EXPECT_NE(error_of(array).find("claims 1099511627776 items"), std::string::npos);
  std::string deep = header(3, 0, 1);
  put_key(deep, "k", 9);
  for (int i = 0; i < 20; ++i) {
    put(deep, uint32_t{9});
    put(deep, uint64_t{1});
  }
  EXPECT_NE(error_of(deep).find("deeper than"), std::string::npos);
  std::string twice = header(3, 0, 2);
  for (int i = 0; i < 2; ++i) {
    put_key(twice, "k", 0);
    twice += 'x';
  }
  EXPECT_NE(error_of(twice).find("twice"), std::string::npos);
  std::string alignment = header(3, 0, 1);
  put_key(alignment, "general.alignment", 4);
  put(alignment, uint32_t{3});
  EXPECT_NE(error_of(alignment).find("general.alignment"), std::string::npos);
}

TEST(Gguf, ATruncatedFileGivesItsMetadataButNotItsTensors) {
  std::string bytes = read_file(kTiny);
  bytes.resize(bytes.size() - 80);
  const GgufFile file = GgufFile::from_bytes(bytes, "x.gguf");
  EXPECT_EQ(file.integer("a.u8"), 200);
  EXPECT_THROW(file.tensor_bytes(file.tensors()[2]), Error);
}

TEST(Gguf, DamageIsAnErrorOrAFile) {
  const std::string whole = read_file(kTiny);
  Rng rng(3);
  for (int i = 0; i < 3000; ++i) {
    std::string bytes = whole;
    for (int edits = 0; edits < 3; ++edits) {
      bytes[rng.below(bytes.size())] = static_cast<char>(rng.below(256));
    }
    bytes.resize(rng.below(4) == 0 ? rng.below(bytes.size()) : bytes.size());
    try {
      const GgufFile file = GgufFile::from_bytes(bytes, "x.gguf");
      for (const GgufTensor& tensor : file.tensors()) {
        file.tensor_bytes(tensor);
      }
    } catch (const Error& error) {
      ASSERT_EQ(error.kind(), ErrorKind::kInput) << error.what();
    }
  }
}

}  // namespace
}  // namespace athanor
