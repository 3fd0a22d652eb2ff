// Ids against HF tokenizers 0.23.3 (tests/parity/make_token_fixtures.py), round trips, and hostile files.
#include "athanor/token/tokenizer.h"

#include <gtest/gtest.h>
#include <unistd.h>
#include <zstd.h>

#include <cstdlib>
#include <ctime>
#include <nlohmann/json.hpp>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/model/byte_map.h"

namespace athanor {
namespace {

using token::byte_of_character;
using token::character_of_byte;
using token::token_to_bytes;
using Json = nlohmann::json;

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token";

Json fixture(const std::string& name) { return Json::parse(read_file(kFixtures / name)); }

std::string unpack(const fs::path& path) {
  const std::string packed = read_file(path);
  std::string text(32 << 20, '\0');
  const size_t size = ZSTD_decompress(text.data(), text.size(), packed.data(), packed.size());
  EXPECT_FALSE(ZSTD_isError(size));
  text.resize(ZSTD_isError(size) ? 0 : size);
  return text;
}

uint64_t digest(const std::vector<int32_t>& ids) {
  uint64_t value = 0xcbf29ce484222325;
  for (const int32_t id : ids) {
    value = (value ^ static_cast<uint32_t>(id)) * 0x100000001b3;
  }
  return value;
}

std::string text_of(const Json& spec) {
  if (spec.is_string()) {
    return spec.get<std::string>();
  }
  std::string text;
  for (int i = 0; i < spec["times"].get<int>(); ++i) {
    text += spec["repeat"].get<std::string>();
  }
  return text;
}

void expect_parity(const Tokenizer& tokenizer, const std::string& name) {
  static const Json texts = fixture("texts.json");
  static const Json all = fixture("ids.json");
  const Json& wanted = all.at(name);
  ASSERT_EQ(texts.size(), wanted.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    const std::string text = text_of(texts[i]);
    std::vector<int32_t> ids;
    tokenizer.encode(text, ids);
    if (wanted[i].is_array()) {
      ASSERT_EQ(ids, wanted[i].get<std::vector<int32_t>>()) << name << " text " << i << ": " << texts[i];
    } else {
      char hex[17];
      std::snprintf(hex, sizeof(hex), "%016llx", static_cast<unsigned long long>(digest(ids)));
      ASSERT_EQ(ids.size(), wanted[i]["count"].get<size_t>()) << name << " text " << i;
      ASSERT_EQ(hex, wanted[i]["digest"].get<std::string>()) << name << " text " << i;
    }
    if (name != "chars" && name != "qwen3" && name != "qwen2_500") {
      ASSERT_EQ(tokenizer.decode(ids), text) << name << " text " << i;
    }
  }
}

const char* data_folder() { return std::getenv("ATHANOR_DATA"); }

TEST(Parity, TrainedGpt2) { expect_parity(Tokenizer::load(kFixtures / "gpt2_600.json"), "gpt2_600"); }
TEST(Parity, TrainedLlama3) { expect_parity(Tokenizer::load(kFixtures / "llama3_600.json"), "llama3_600"); }
TEST(Parity, TrainedQwen2) { expect_parity(Tokenizer::load(kFixtures / "qwen2_500.json"), "qwen2_500"); }
TEST(Parity, Characters) { expect_parity(Tokenizer::load(kFixtures / "chars.json"), "chars"); }

TEST(Parity, Gpt2) {
  if (data_folder() == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const fs::path folder = fs::path(data_folder()) / "tokenizers/gpt2";
  const Tokenizer tokenizer =
      Tokenizer::from_gpt2(unpack(folder / "encoder.json.zst"), read_file(folder / "vocab.bpe"), "gpt2");
  expect_parity(tokenizer, "gpt2");
  EXPECT_EQ(tokenizer.vocab_size(), 50257);
  EXPECT_EQ(tokenizer.end_of_text(), 50256);
}

TEST(Parity, Qwen3) {
  if (data_folder() == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string json = unpack(fs::path(data_folder()) / "tokenizers/qwen3/tokenizer.json.zst");
  const Tokenizer tokenizer = Tokenizer::from_json(json, "qwen3");
  expect_parity(tokenizer, "qwen3");
  EXPECT_EQ(tokenizer.end_of_text(), 151643);
  EXPECT_EQ(tokenizer.vocab_size(), 151669);
  const std::string ours = tokenizer.to_json();
  EXPECT_EQ(Tokenizer::from_json(ours, "ours").to_json(), ours);
}

TEST(Parity, DeepSeekV3) {
  if (data_folder() == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string json = unpack(fs::path(data_folder()) / "tokenizers/deepseek_v3/tokenizer.json.zst");
  expect_parity(Tokenizer::from_json(json, "deepseek_v3"), "deepseek_v3");
}

// Ids and character offsets that HF tokenizers 0.23.3 gives for the whole of utf8-all-assigned.txt.
TEST(Parity, EveryAssignedCharacter) {
  if (data_folder() == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string text = read_file(fs::path(data_folder()) / "conformance/utf8-all-assigned.txt");
  struct Wanted {
    const char* name;
    size_t count;
    uint64_t ids, offsets;
  };
  for (const Wanted& wanted : {Wanted{"qwen3", 768780, 0x97861b1e678360c1, 0x7c99b4a203314ee8},
                               Wanted{"deepseek_v3", 832639, 0x0c1a01cf69446496, 0x315eedff9380a638}}) {
    SCOPED_TRACE(wanted.name);
    const fs::path path = fs::path(data_folder()) / "tokenizers" / wanted.name / "tokenizer.json.zst";
    const Tokenizer tokenizer = Tokenizer::from_json(unpack(path), wanted.name);
    std::vector<int32_t> ids;
    tokenizer.encode(text, ids);
    EXPECT_EQ(ids.size(), wanted.count);
    EXPECT_EQ(digest(ids), wanted.ids);
    EncodeOptions options;
    options.characters = true;
    options.add_special_tokens = false;
    const Encoding full = tokenizer.encode_full(text, options);
    EXPECT_EQ(digest(full.ids), wanted.ids);
    std::vector<int32_t> places;
    for (const TextSpan& span : full.offsets) {
      places.push_back(static_cast<int32_t>(span.begin));
      places.push_back(static_cast<int32_t>(span.end));
    }
    EXPECT_EQ(digest(places), wanted.offsets);
  }
}

TEST(Tokenizer, EveryAssignedCharacterComesBack) {
  if (data_folder() == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const std::string text = read_file(fs::path(data_folder()) / "conformance/utf8-all-assigned.txt");
  for (const char* name : {"gpt2_600.json", "llama3_600.json"}) {
    const Tokenizer tokenizer = Tokenizer::load(kFixtures / name);
    std::vector<int32_t> ids;
    tokenizer.encode(text, ids);
    EXPECT_EQ(tokenizer.decode(ids), repair_utf8(text));
  }
}

std::string random_bytes(Rng& rng, size_t limit) {
  std::string bytes(rng.below(limit), '\0');
  for (char& byte : bytes) {
    byte = static_cast<char>(rng.below(4) == 0 ? rng.below(256) : rng.below(3) == 0 ? ' ' : 'a' + rng.below(26));
  }
  return bytes;
}

TEST(Tokenizer, RandomBytesComeBackAtTheByteLevel) {
  Rng rng(3);
  const Tokenizer raw = Tokenizer::bytes({"<|endoftext|>"});
  const Tokenizer gpt2 = Tokenizer::load(kFixtures / "gpt2_600.json");
  const Tokenizer llama3 = Tokenizer::load(kFixtures / "llama3_600.json");
  for (int round = 0; round < 1500; ++round) {
    const std::string text = random_bytes(rng, 120);
    for (const Tokenizer* tokenizer : {&raw, &gpt2, &llama3}) {
      std::vector<int32_t> ids = {7};
      tokenizer->encode(text, ids);
      std::string bytes;
      for (size_t i = 1; i < ids.size(); ++i) {
        bytes += tokenizer->token_bytes(ids[i]);
      }
      ASSERT_EQ(bytes, text);
      ids.erase(ids.begin());
      ASSERT_EQ(tokenizer->decode(ids), repair_utf8(text));
      StreamDecoder stream(*tokenizer);
      std::string streamed;
      for (const int32_t id : ids) {
        const std::string part = stream.push(id);
        ASSERT_TRUE(is_valid_utf8(part));
        streamed += part;
      }
      ASSERT_EQ(streamed + stream.finish(), repair_utf8(text));
    }
  }
}

TEST(Tokenizer, StreamNeverSplitsACharacter) {
  const Tokenizer raw = Tokenizer::bytes({"<|endoftext|>"});
  StreamDecoder stream(raw);
  std::vector<std::string> parts;
  for (const char byte : std::string("a\u00e9\U0001F600")) {
    parts.push_back(stream.push(static_cast<uint8_t>(byte)));
  }
  EXPECT_EQ(parts, (std::vector<std::string>{"a", "", "\u00e9", "", "", "", "\U0001F600"}));
  EXPECT_EQ(stream.push(256), "");  // special
  EXPECT_EQ(stream.push(0xE4), "");
  EXPECT_EQ(stream.push('x'), "\uFFFDx");
  EXPECT_EQ(stream.push(0xF0), "");
  EXPECT_EQ(stream.finish(), "\uFFFD");
}

TEST(Tokenizer, BytesAndSpecials) {
  const Tokenizer raw = Tokenizer::bytes({"<|endoftext|>", "<|pad|>"});
  EXPECT_EQ(raw.vocab_size(), 258);
  EXPECT_EQ(raw.end_of_text(), 256);
  EXPECT_EQ(raw.token_to_id("<|pad|>"), 257);
  EXPECT_FALSE(raw.token_to_id("nothing"));
  const std::vector<int32_t> ids = {'h', 'i', 256, 9999, -1};
  EXPECT_EQ(raw.decode(ids), "hi");
  EXPECT_EQ(raw.decode(ids, false), "hi<|endoftext|>");
  std::vector<int32_t> encoded;
  raw.encode("<|pad|>", encoded);
  EXPECT_EQ(encoded.size(), 7u);  // plain text
  const std::string json = raw.to_json();
  EXPECT_EQ(Tokenizer::from_json(json, "bytes").to_json(), json);
}

TEST(Tokenizer, WhatWeWriteComesBackTheSame) {
  for (const char* name : {"gpt2_600", "llama3_600", "qwen2_500", "chars"}) {
    const Tokenizer first = Tokenizer::load(kFixtures / (std::string(name) + ".json"));
    const std::string json = first.to_json();
    const Tokenizer second = Tokenizer::from_json(json, name);
    EXPECT_EQ(second.to_json(), json);
    expect_parity(second, name);
  }
}

TEST(Tokenizer, BatchEqualsOneByOne) {
  const Tokenizer tokenizer = Tokenizer::load(kFixtures / "gpt2_600.json");
  const Json texts = fixture("texts.json");
  std::vector<std::string> store;
  for (const Json& text : texts) {
    store.push_back(text.is_string() ? text.get<std::string>() : "x");
  }
  const std::vector<std::string_view> views(store.begin(), store.end());
  ThreadPool pool(4);
  std::vector<std::vector<int32_t>> out;
  encode_batch(tokenizer, views, pool, out);
  ASSERT_EQ(out.size(), views.size());
  for (size_t i = 0; i < views.size(); ++i) {
    std::vector<int32_t> ids;
    tokenizer.encode(views[i], ids);
    ASSERT_EQ(out[i], ids);
  }
}

// Ten times the length may cost up to thirty times (cache misses), not a hundred.
TEST(Tokenizer, OneLongPieceStaysNearLinear) {
  const Tokenizer tokenizer = Tokenizer::load(kFixtures / "gpt2_600.json");
  const auto seconds = [&](size_t bytes) {
    const std::string text(bytes, 'a');
    std::vector<int32_t> ids;
    const std::clock_t start = std::clock();  // processor time: other jobs do not count
    tokenizer.encode(text, ids);
    return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  };
  seconds(1000);
  const double small = seconds(200000) + 1e-3;
  EXPECT_LT(seconds(2000000), 30 * small);
}

TEST(ByteMap, IsGpt2s) {
  EXPECT_EQ(character_of_byte(' '), U'Ġ');
  EXPECT_EQ(character_of_byte('\n'), U'Ċ');
  EXPECT_EQ(character_of_byte(0xAD), static_cast<char32_t>(0x143));
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(byte_of_character(character_of_byte(static_cast<uint8_t>(byte))), byte);
  }
  EXPECT_EQ(token_to_bytes("Ġthe"), " the");
  EXPECT_EQ(token_to_bytes("日本"), "日本");
}

}  // namespace
}  // namespace athanor
