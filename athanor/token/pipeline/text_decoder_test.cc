// The table gives what the chain gives.
#include "athanor/token/pipeline/text_decoder.h"

#include <gtest/gtest.h>

#include "athanor/base/rng.h"

namespace athanor::token {
namespace {

const std::vector<std::string> kTokens = {"▁the", "▁", "a", "##b", "<0xE4>", "<0xBD>", "<0xA0>", "<0x41>", "▁▁", ",", "",
                                          "n't",  "a token of more than fifteen bytes", "中", "<s>", "x▁y", "##"};

std::string by_chain(const DecoderChain& chain, const std::vector<int32_t>& ids, const std::vector<bool>& left_out) {
  Decoding decoding(chain);
  std::string out;
  for (const int32_t id : ids) {
    if (id >= 0 && static_cast<size_t>(id) < kTokens.size() && !left_out[static_cast<size_t>(id)]) {
      decoding.push(kTokens[static_cast<size_t>(id)], out);
    }
  }
  decoding.finish(out);
  return out;
}

TEST(TextDecoder, EqualsTheChain) {
  const char* const kChains[] = {
      R"({"type": "WordPiece", "prefix": "##", "cleanup": true})",
      R"({"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": true})",
      R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "},
          {"type": "ByteFallback"}, {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})",
      R"({"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁"}]})",
      R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"Regex": "[a-z]"}, "content": ""},
          {"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 3, "stop": 0}]})"};
  std::vector<const std::string*> tokens;
  for (const std::string& token : kTokens) {
    tokens.push_back(&token);
  }
  std::vector<bool> left_out(kTokens.size());
  left_out[14] = true;
  Rng rng(21);
  for (const char* const text : kChains) {
    const Json json = Json::parse(text);
    const DecoderChain chain = read_decoder(Field(json, "decoder", "test"));
    ASSERT_TRUE(chain.in_place) << text;
    const TextDecoder decoder(chain, tokens, left_out);
    for (int round = 0; round < 2000; ++round) {
      std::vector<int32_t> ids;
      for (size_t i = rng.below(30); i > 0; --i) {
        ids.push_back(static_cast<int32_t>(rng.below(kTokens.size() + 2)) - 1);
        if (rng.below(3) == 0) {
          ids.insert(ids.end(), {4, 5, 6});  // the bytes of one character
        }
      }
      ASSERT_EQ(decoder.decode(ids), by_chain(chain, ids, left_out)) << text << " round " << round;
    }
  }
}

// Blocks of ids are decoded at once where they are valid: long texts, with runs of bytes at every place of a block's end
// and a bad byte here and there.
TEST(TextDecoder, EqualsTheChainOverManyBlocks) {
  const Json json = Json::parse(R"({"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"},
      "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"}]})");
  const DecoderChain chain = read_decoder(Field(json, "decoder", "test"));
  std::vector<const std::string*> tokens;
  for (const std::string& token : kTokens) {
    tokens.push_back(&token);
  }
  std::vector<bool> left_out(kTokens.size());
  left_out[14] = true;
  const TextDecoder decoder(chain, tokens, left_out);
  Rng rng(22);
  for (int round = 0; round < 40; ++round) {
    const uint64_t bad = round % 4 == 0 ? 0 : uint64_t{10} << rng.below(12);
    std::vector<int32_t> ids;
    while (ids.size() < 20'000) {
      if (rng.below(2) == 0) {
        ids.push_back(static_cast<int32_t>(rng.below(kTokens.size() + 2)) - 1);
        ids.back() = ids.back() >= 4 && ids.back() <= 6 ? 2 : ids.back();
      }
      for (uint64_t i = rng.below(100) == 0 ? rng.below(20'000) : rng.below(4); i > 0; --i) {
        ids.insert(ids.end(), {4, 5, 6});
        if (rng.below(40) == 0) {
          ids.insert(ids.end() - 1, 14);  // gives nothing, and parts no character
        }
      }
      if (bad > 0 && rng.below(bad) == 0) {
        ids.push_back(5);
      }
    }
    ASSERT_EQ(decoder.decode(ids), by_chain(chain, ids, left_out)) << "round " << round;
  }
}

TEST(TextDecoder, IsNotForChainsThatLookAround) {
  for (const char* const text :
       {R"({"type": "CTC", "pad_token": "a", "word_delimiter_token": "|", "cleanup": true})",
        R"({"type": "BPEDecoder", "suffix": "</w>"})", R"({"type": "ByteLevel"})",
        R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 0, "stop": 1}]})",
        R"({"type": "Sequence", "decoders": [{"type": "Fuse"}, {"type": "Replace", "pattern": {"String": "ab"}, "content": ""}]})"}) {
    const Json json = Json::parse(text);
    EXPECT_FALSE(read_decoder(Field(json, "decoder", "test")).in_place) << text;
  }
}

}  // namespace
}  // namespace athanor::token
