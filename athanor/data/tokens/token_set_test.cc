// The tokens artifact: what is written is read, and a damaged set says which file and field.
#include <gtest/gtest.h>
#include <unistd.h>

#include <functional>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/data/tokens/token_set.h"

namespace athanor {
namespace {

fs::path scratch(const std::string& name) {
  const fs::path dir = fs::temp_directory_path() / ("athanor-tokens-" + name + "-" + std::to_string(::getpid()));
  fs::remove_all(dir);
  return dir;
}

std::string hex_id(uint64_t i) {
  char text[33];
  std::snprintf(text, sizeof(text), "%032llx", static_cast<unsigned long long>(i));
  return text;
}

std::vector<std::vector<int32_t>> random_documents(int32_t vocab_size, uint64_t seed) {
  Rng rng(seed);
  std::vector<std::vector<int32_t>> documents(50);
  for (auto& ids : documents) {
    ids.resize(rng.below(30));
    for (int32_t& id : ids) {
      id = static_cast<int32_t>(rng.below(vocab_size));
    }
  }
  return documents;
}

void write_set(const fs::path& dir, const std::vector<std::vector<int32_t>>& documents, int32_t vocab_size,
               int32_t end_of_text, uint64_t shard_tokens) {
  TokenSetWriter writer(dir, vocab_size, end_of_text, "sha256:abc", shard_tokens);
  for (size_t i = 0; i < documents.size(); ++i) {
    writer.add(hex_id(i), documents[i], 3 * documents[i].size());
  }
  writer.finish();
}

TEST(TokenSet, RoundTripAcrossShards) {
  for (const int32_t vocab_size : {300, 65536, 65537, 200000}) {
    for (const int32_t end_of_text : {-1, 0, 299}) {
      const auto documents = random_documents(vocab_size, 5);
      const fs::path dir = scratch("round");
      write_set(dir, documents, vocab_size, end_of_text, 40);
      const TokenSet set = TokenSet::open(dir);
      std::vector<int32_t> all;
      uint64_t bytes = 0;
      ASSERT_EQ(set.num_documents(), documents.size());
      for (size_t i = 0; i < documents.size(); ++i) {
        EXPECT_EQ(set.document_begin(i), all.size());
        all.insert(all.end(), documents[i].begin(), documents[i].end());
        if (end_of_text >= 0) {
          all.push_back(end_of_text);
        }
        EXPECT_EQ(set.document_end(i), all.size());
        EXPECT_EQ(set.document_bytes(i), 3 * documents[i].size());
        EXPECT_EQ(set.document_id(i), hex_id(i));
        for (uint64_t at = set.document_begin(i); at < set.document_end(i); ++at) {
          ASSERT_EQ(set.document_at(at), i);
        }
        bytes += 3 * documents[i].size();
      }
      EXPECT_EQ(set.num_bytes(), bytes);
      EXPECT_EQ(set.vocab_size(), vocab_size);
      EXPECT_EQ(set.end_of_text(), end_of_text);
      EXPECT_EQ(set.tokenizer_digest(), "sha256:abc");
      EXPECT_TRUE(fs::exists(dir / "tokens-00003.bin"));
      ASSERT_EQ(set.num_tokens(), all.size());
      for (uint64_t begin = 0; begin <= all.size(); begin += 7) {
        std::vector<int32_t> out(std::min<uint64_t>(100, all.size() - begin));
        set.read(begin, out.size(), out.data());
        ASSERT_TRUE(std::equal(out.begin(), out.end(), all.begin() + begin));
      }
      int32_t none;
      EXPECT_THROW(set.read(all.size(), 1, &none), Error);
      EXPECT_THROW(set.read(UINT64_MAX, 2, &none), Error);
      EXPECT_THROW(set.document_begin(documents.size()), Error);
      EXPECT_THROW(set.document_at(all.size()), Error);
    }
  }
}

TEST(TokenSet, EmptySet) {
  const fs::path dir = scratch("empty");
  write_set(dir, {}, 10, 0, 100);
  const TokenSet set = TokenSet::open(dir);
  EXPECT_EQ(set.num_tokens(), 0u);
  EXPECT_EQ(set.num_documents(), 0u);
  set.read(0, 0, nullptr);
}

TEST(TokenSet, WriterRefusesWhatCannotBe) {
  const fs::path dir = scratch("refuse");
  EXPECT_THROW(TokenSetWriter(dir, 10, 10, ""), Error);
  TokenSetWriter writer(dir, 10, 0, "");
  const std::vector<int32_t> high = {3, 10};
  const std::vector<int32_t> negative = {-1};
  EXPECT_THROW(writer.add(hex_id(0), high, 1), Error);
  EXPECT_THROW(writer.add(hex_id(0), negative, 1), Error);
  EXPECT_THROW(writer.add("short", {}, 1), Error);
  EXPECT_THROW(TokenSet::open(dir), Error);  // not finished
}

void replace_in(const fs::path& file, const std::string& from, const std::string& to) {
  std::string text = read_file(file);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  write_file_atomic(file, text.replace(at, from.size(), to));
}

TEST(TokenSet, DamageIsNamed) {
  struct Case {
    std::function<void(const fs::path&)> damage;
    std::string file, word;
  };
  const auto edit = [](std::string from, std::string to) {
    return [=](const fs::path& dir) { replace_in(dir / "tokens.json", from, to); };
  };
  const auto cut = [](std::string name, uint64_t bytes) {
    return [=](const fs::path& dir) { fs::resize_file(dir / name, fs::file_size(dir / name) - bytes); };
  };
  const Case cases[] = {
      {[](const fs::path& dir) { fs::remove(dir / "tokens.json"); }, "tokens.json", "open"},
      {[](const fs::path& dir) { write_file_atomic(dir / "tokens.json", "{\"schema\": 1,"); }, "tokens.json", "JSON"},
      {[](const fs::path& dir) { write_file_atomic(dir / "tokens.json", "[1]"); }, "tokens.json", "JSON"},
      {edit("\"schema\": 1", "\"schema\": 2"), "tokens.json", "schema"},
      {edit("\"schema\": 1", "\"scheme\": 1"), "tokens.json", "schema"},
      {edit("\"vocab_size\": 300", "\"vocab_size\": -300"), "tokens.json", "vocab_size"},
      {edit("\"vocab_size\": 300", "\"vocab_size\": 1e99"), "tokens.json", "vocab_size"},
      {edit("\"u16\"", "\"u8\""), "tokens.json", "dtype"},
      {edit("\"u16\"", "7"), "tokens.json", "dtype"},
      {edit("\"u16\"", "\"u32\""), "tokens-00000.bin", "num_tokens"},
      {edit("\"end_of_text\": 299", "\"end_of_text\": 300"), "tokens.json", "end_of_text"},
      {edit("\"num_documents\": 50", "\"num_documents\": 49"), "documents.idx", "num_documents"},
      {edit("\"num_documents\": 50", "\"num_documents\": 18446744073709551615"), "tokens.json", "num_documents"},
      {edit("\"num_bytes\": ", "\"num_bytes\": 9"), "documents.idx", "num_bytes"},
      {edit("\"num_tokens\": ", "\"num_tokens\": 1"), "tokens.json", "num_tokens"},
      {edit("tokens-00000.bin", "../other.bin"), "tokens.json", "shards.file"},
      {edit("tokens-00000.bin", "tokens-77777.bin"), "tokens-77777.bin", "open"},
      {cut("tokens-00001.bin", 1), "tokens-00001.bin", "num_tokens"},
      {cut("documents.idx", 16), "documents.idx", "num_documents"},
      {cut("documents.ids", 1), "documents.ids", "num_documents"},
      {[](const fs::path& dir) {
         std::string idx = read_file(dir / "documents.idx");
         idx[16 + 7] = '\x7f';
         write_file_atomic(dir / "documents.idx", idx);
       }, "documents.idx", "order"},
  };
  for (const Case& c : cases) {
    const fs::path dir = scratch("damage");
    write_set(dir, random_documents(300, 6), 300, 299, 100);
    c.damage(dir);
    try {
      TokenSet::open(dir);
      FAIL() << c.file << " " << c.word;
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::kInput) << error.what();
      EXPECT_NE(error.where().find(c.file), std::string::npos) << error.what();
      EXPECT_NE(std::string(error.what()).find(c.word), std::string::npos) << error.what();
    }
  }
}

TEST(TokenSet, StoredIdsAreChecked) {
  const fs::path dir = scratch("ids");
  write_set(dir, {{1, 2, 3}}, 300, 299, 100);
  std::string tokens = read_file(dir / "tokens-00000.bin");
  tokens[3] = '\x40';
  write_file_atomic(dir / "tokens-00000.bin", tokens);
  const TokenSet set = TokenSet::open(dir);
  int32_t out[4];
  EXPECT_THROW(set.read(0, 4, out), Error);
  set.read(2, 2, out);
  EXPECT_EQ(out[1], 299);
}

}  // namespace
}  // namespace athanor
