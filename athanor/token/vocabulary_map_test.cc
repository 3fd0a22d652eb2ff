#include "athanor/token/vocabulary_map.h"

#include <gtest/gtest.h>

#include "athanor/token/train/trainer.h"

namespace athanor {
namespace {

Tokenizer trained(int64_t vocab_size, const std::vector<std::string>& special_tokens) {
  BpeTrainer trainer({.vocab_size = vocab_size, .special_tokens = special_tokens});
  for (int i = 0; i < 20; ++i) {
    trainer.add("the athanor keeps its fire, the fire keeps the athanor; 炼丹炉炼丹炉");
  }
  return trainer.train();
}

TEST(VocabularyMap, TheSameTokenizerMapsToItself) {
  const Tokenizer tokenizer = trained(290, {"<|endoftext|>"});
  const auto map = map_vocabulary(tokenizer, tokenizer);
  ASSERT_EQ(map.size(), static_cast<size_t>(tokenizer.vocab_size()));
  for (int32_t id = 0; id < tokenizer.vocab_size(); ++id) {
    EXPECT_EQ(map[id], std::vector<int32_t>{id});
  }
}

TEST(VocabularyMap, PiecesSpellEachNewToken) {
  const Tokenizer old = trained(270, {"<|endoftext|>"});
  const Tokenizer fresh = trained(300, {"<|pad|>", "<|endoftext|>"});
  const auto map = map_vocabulary(old, fresh);
  EXPECT_TRUE(map[0].empty());  // a new special token has no past
  EXPECT_EQ(map[1], std::vector<int32_t>{0});
  size_t spelt = 0;
  for (int32_t id = 2; id < fresh.vocab_size(); ++id) {
    std::string bytes;
    for (const int32_t from : map[id]) {
      bytes += old.token_bytes(from);
    }
    EXPECT_EQ(bytes, fresh.token_bytes(id)) << id;
    spelt += map[id].size() > 1 ? 1 : 0;
  }
  EXPECT_GE(spelt, 10u);
}

}  // namespace
}  // namespace athanor
