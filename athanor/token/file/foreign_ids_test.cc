// Tokenizers made of foreign files: ids equal those of sentencepiece 0.2.3, tiktoken 0.14.0 and tokenizers 0.23.3
// (tests/parity/make_token_file_fixtures.py), also after they were written and read again.
#include <gtest/gtest.h>
#include <zstd.h>

#include <algorithm>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "athanor/base/text.h"
#include "athanor/data/gguf.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/tokenizer.h"

namespace athanor::token {
namespace {

const fs::path kFiles = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token/files";

const Json& texts() {
  static const Json list = Json::parse(read_file(kFiles / "texts.json"));
  return list;
}

size_t differences(const Tokenizer& tokenizer, const std::string& name, bool report = true) {
  static const Json all = Json::parse(read_file(kFiles / "ids.json"));
  const Json& wanted = all.at(name);
  EXPECT_EQ(wanted.size(), texts().size());
  size_t differ = 0;
  for (size_t i = 0; i < texts().size(); ++i) {
    std::vector<int32_t> ids;
    tokenizer.encode(texts()[i].get<std::string>(), ids);
    if (ids != wanted[i].get<std::vector<int32_t>>()) {
      ++differ;
      EXPECT_FALSE(report && differ < 4) << name << " " << texts()[i] << "\n  wanted " << wanted[i] << "\n  has    "
                                         << Json(ids);
    }
  }
  return differ;
}

std::string unpacked(const fs::path& path) {
  const std::string bytes = read_file(path);
  if (path.extension() != ".zst") {
    return bytes;
  }
  std::string text(64 << 20, '\0');
  const size_t size = ZSTD_decompress(text.data(), text.size(), bytes.data(), bytes.size());
  EXPECT_FALSE(ZSTD_isError(size));
  text.resize(ZSTD_isError(size) ? 0 : size);
  return text;
}

Tokenizer make(const Json& json, const std::string& where) { return Tokenizer::from_json(json.dump(), where); }

TEST(ForeignIds, SentencePiece) {
  for (const char* name : {"unigram", "unigram_bytes", "unigram_user", "bpe", "bpe_bytes", "bpe_user", "char"}) {
    const Tokenizer tokenizer = Tokenizer::load(kFiles / (std::string(name) + ".model"));
    EXPECT_EQ(differences(tokenizer, name), 0u) << name;
    EXPECT_EQ(differences(make(Json::parse(tokenizer.to_json()), name), name), 0u) << name << " saved";
    if (std::string_view(name) != "char") {
      const std::string written = write_sentencepiece_model(Json::parse(tokenizer.to_json()), name);
      EXPECT_EQ(differences(make(read_sentencepiece(written, name), name), name), 0u) << name << " written";
    }
  }
}

// SentencePiece gives one id for a run of unknown words, HF's WordLevel one for each word.
TEST(ForeignIds, SentencePieceWords) {
  const Tokenizer tokenizer = Tokenizer::load(kFiles / "word.model");
  static const Json all = Json::parse(read_file(kFiles / "ids.json"));
  for (size_t i = 0; i < texts().size(); ++i) {
    std::vector<int32_t> ids;
    tokenizer.encode(texts()[i].get<std::string>(), ids);
    const auto fused = std::unique(ids.begin(), ids.end(), [](int32_t a, int32_t b) { return a == 0 && b == 0; });
    ids.erase(fused, ids.end());
    EXPECT_EQ(ids, all.at("word")[i].get<std::vector<int32_t>>()) << texts()[i];
  }
}

TEST(ForeignIds, Tiktoken) {
  const std::string file = read_file(kFiles / "ranks.tiktoken");
  for (const char* family : {"r50k", "cl100k", "o200k"}) {
    const Tokenizer tokenizer = make(read_tiktoken(file, "x", family, {{"<|end|>", 700}}), family);
    EXPECT_EQ(differences(tokenizer, std::string("tiktoken_") + family), 0u) << family;
    EXPECT_EQ(write_tiktoken(Json::parse(tokenizer.to_json()), "x"), file);
  }
}

TEST(ForeignIds, BertAndGguf) {
  for (const char* name : {"vocab.txt", "bert.gguf"}) {
    EXPECT_EQ(differences(Tokenizer::load(kFiles / name), "bert"), 0u) << name;
  }
  for (const char* name : {"bpe_bytes", "unigram", "llama_bpe"}) {
    const fs::path path = kFiles / (std::string(name) + ".gguf");
    const Tokenizer tokenizer = Tokenizer::load(path);
    EXPECT_EQ(differences(tokenizer, name), 0u) << name;
    const std::string written =
        write_gguf_vocabulary(Json::parse(tokenizer.to_json()), gguf_config(GgufFile::open(path)), name);
    EXPECT_EQ(differences(make(read_gguf_vocabulary(GgufFile::from_bytes(written, name)), name), name), 0u) << name;
  }
}

// The SentencePiece models of ATHANOR_DATA over its texts, line by line.
TEST(ForeignIds, SentencePieceOnTheData) {
  const char* const data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const Json wanted = Json::parse(read_file(kFiles / "data.json"));
  for (const auto& [name, files] : wanted.items()) {
    const Tokenizer tokenizer = Tokenizer::load(fs::path(data) / "tokenizers/sentencepiece" / (name + ".model"));
    for (const auto& [file, answer] : files.items()) {
      const std::string text = unpacked(fs::path(data) / file);
      std::vector<int32_t> ids;
      for (const std::string& line : split_text(text, '\n')) {
        tokenizer.encode(line, ids);
      }
      uint64_t digest = 0xcbf29ce484222325;
      for (const int32_t id : ids) {
        digest = (digest ^ static_cast<uint32_t>(id)) * 0x100000001b3;
      }
      char hex[17];
      std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(digest));
      EXPECT_EQ(ids.size(), answer[0].get<size_t>()) << name << " " << file;
      EXPECT_EQ(hex, answer[1].get<std::string>()) << name << " " << file;
    }
  }
}

}  // namespace
}  // namespace athanor::token
