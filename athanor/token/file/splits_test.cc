// The cuts of families whose regexes have no scanner.
#include "athanor/token/file/splits.h"

#include <gtest/gtest.h>

#include "athanor/token/pipeline/pre_tokenizer.h"

namespace athanor::token {
namespace {

std::vector<std::string> cut(const char* family, const std::string& text) {
  Pieces pieces;
  pieces.text = Aligned::of(text, 0, false, true);
  pieces.pieces = {{0, text.size(), -1, true}};
  for (const std::string& regex : split_family_by_pre(family)->regexes) {
    const Json json = {{"type", "Split"}, {"pattern", {{"Regex", regex}}}, {"behavior", "Isolated"}, {"invert", false}};
    for (const PreTokenizerStep& step : read_pre_tokenizer_chain(Field(json, "pre_tokenizer", "test")).steps) {
      step.apply(pieces);
    }
  }
  std::vector<std::string> out;
  for (const Piece& piece : pieces.pieces) {
    out.push_back(pieces.text.text.substr(piece.begin, piece.end - piece.begin));
  }
  return out;
}

using Cut = std::vector<std::string>;

TEST(Splits, KimiK2KeepsChineseApart) {
  EXPECT_EQ(cut("kimi-k2", "Hello世界ok 2024!\n"), (Cut{"Hello", "世界", "ok", " ", "202", "4", "!\n"}));
  EXPECT_EQ(cut("kimi-k2", "it's I'LL"), (Cut{"it's", " I'LL"}));
}

TEST(Splits, AfmoeCountsDigitsFromTheEnd) {
  EXPECT_EQ(cut("afmoe", "1234567"), (Cut{"1", "234", "567"}));
  EXPECT_EQ(cut("afmoe", "a 12 123456 ก中"), (Cut{"a", " ", "12", " ", "123", "456", " ", "ก中"}));
}

TEST(Splits, DeepseekLlmAndChameleon) {
  EXPECT_EQ(cut("deepseek-llm", "Hi there, 世界 2024\n"), (Cut{"Hi", " there", ",", " ", "世界", " ", "2024", "\n"}));
  EXPECT_EQ(cut("chameleon", "a 12!  b"), (Cut{"a", " ", "1", "2", "!", "  ", "b"}));
}

}  // namespace
}  // namespace athanor::token
