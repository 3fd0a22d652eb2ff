// count, cut and encode_parallel agree with encode.
#include <gtest/gtest.h>

#include "athanor/base/rng.h"
#include "athanor/base/unicode.h"
#include "athanor/token/tokenizer.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token";

std::string random_text(Rng& rng, size_t parts) {
  static const std::vector<std::string> kParts = {
      "the ",  " quick",  "brown ", "fox's", "\n",  "\n\n", "  ",  "12345", "...",        "\xE4\xBD\xA0\xE5\xA5\xBD",
      "\xEF\xBC\x8C", "\xE3\x80\x80", "e\xCC\x81", "\xFF", "a",   "\n\xE5\xA5\xBD", "\xF0\x9F\x98\x80", "<|endoftext|>"};
  std::string text;
  for (size_t i = 0; i < parts; ++i) {
    const std::string& part = kParts[rng.below(kParts.size())];
    for (size_t times = rng.below(20) == 0 ? 40 : 1; times > 0; --times) {
      text += part;
    }
  }
  return text;
}

TEST(Count, CountAndCutAgreeWithEncode) {
  Rng rng(3);
  for (const char* name : {"gpt2_600.json", "llama3_600.json", "qwen2_500.json", "chars.json"}) {
    const Tokenizer tokenizer = Tokenizer::load(kFixtures / name);
    for (int round = 0; round < 60; ++round) {
      const std::string text = random_text(rng, 1 + rng.below(round % 10 == 0 ? 900 : 30));
      std::vector<int32_t> ids;
      tokenizer.encode(text, ids);
      ASSERT_EQ(tokenizer.count(text), ids.size()) << name << ": " << text;
      EXPECT_EQ(tokenizer.cut(text, ids.size() + 1), text.size());
      EXPECT_EQ(tokenizer.cut(text, 0), 0u);
      const bool in_place = std::string_view(name) == "gpt2_600.json" || std::string_view(name) == "llama3_600.json";
      for (int i = 0; i < 10 && in_place; ++i) {
        const size_t n = rng.below(ids.size() + 1);
        std::string bytes;
        for (size_t k = 0; k < n; ++k) {
          bytes += tokenizer.token_bytes(ids[k]);
        }
        const size_t cut = tokenizer.cut(text, n);
        ASSERT_EQ(text.substr(0, cut), bytes) << name << " at " << n << " of " << ids.size();
      }
    }
  }
}

TEST(Count, ParallelGivesTheSameIds) {
  Rng rng(4);
  ThreadPool pool(3);
  for (const char* name : {"gpt2_600.json", "llama3_600.json", "qwen2_500.json", "chars.json"}) {
    const Tokenizer tokenizer = Tokenizer::load(kFixtures / name);
    for (int round = 0; round < 3; ++round) {
      std::string text;
      while (text.size() < 1500000) {
        text += random_text(rng, 3000);
      }
      std::vector<int32_t> ids = {7}, wanted = {7};
      tokenizer.encode(text, wanted);
      tokenizer.encode_parallel(text, pool, ids);
      ASSERT_TRUE(ids == wanted) << name << " round " << round;
    }
  }
}

}  // namespace
}  // namespace athanor
