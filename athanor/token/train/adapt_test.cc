// Extending and pruning tokenizers.
#include "athanor/token/train/adapt.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/token/file/formats.h"
#include "athanor/token/train/piece_source.h"
#include "athanor/token/train/unigram_trainer.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token";

std::vector<std::string> corpus() {
  return Json::parse(read_file(kFixtures / "corpus.json")).get<std::vector<std::string>>();
}

CountSource source_of(const token::PieceCounter& counter) {
  return [&counter](const CountVisitor& visit) {
    for (const auto& entry : counter.entries()) {
      visit(entry.piece, entry.count);
    }
  };
}

std::vector<int32_t> encode(const Tokenizer& tokenizer, std::string_view text) {
  std::vector<int32_t> ids;
  tokenizer.encode(text, ids);
  return ids;
}

// Learning 300 merges and then 100 more on the same text is learning 400: the exact continuation.
TEST(Extend, ContinuesTheTrainingOfByteLevelBpe) {
  const auto trained = [&](int64_t size) {
    BpeTrainer trainer({.vocab_size = size});
    for (const std::string& text : corpus()) {
      trainer.add(text);
    }
    return trainer.train_json();
  };
  const TokenizerExtender extender(trained(600), "small");
  token::PieceCounter counter;
  for (const std::string& text : corpus()) {
    extender.count(text, counter);
  }
  const AdaptedTokenizer more = extender.extend(source_of(counter), 100);
  const Json ours = Json::parse(more.json)["model"], theirs = Json::parse(trained(700))["model"];
  EXPECT_EQ(ours["vocab"], theirs["vocab"]);
  EXPECT_EQ(ours["merges"], theirs["merges"]);
  EXPECT_EQ(more.map["new_tokens"].size(), 100);
}

TEST(Extend, KeepsOldIdsAndSaysWhatNewTokensAreMadeOf) {
  const std::string old_json = read_file(kFixtures / "qwen2_500.json");
  const Tokenizer before = Tokenizer::from_json(old_json, "old");
  const TokenizerExtender extender(old_json, "old");
  token::PieceCounter counter;
  std::string text;
  for (int i = 0; i < 50; ++i) {
    text += "mitochondria polymerase, mitochondria! ";
  }
  extender.count(text, counter);
  const AdaptedTokenizer more = extender.extend(source_of(counter), 12);
  const Tokenizer after = Tokenizer::from_json(more.json, "new");
  EXPECT_EQ(after.vocab_size(), before.vocab_size() + 12);
  for (int32_t id = 0; id < before.vocab_size(); ++id) {
    EXPECT_EQ(after.token_bytes(id), before.token_bytes(id));
    EXPECT_EQ(more.map["old_to_new"][id], id);
  }
  EXPECT_LT(encode(after, text).size(), encode(before, text).size());
  for (const auto& [id, parts] : more.map["new_tokens"].items()) {
    std::string bytes;
    for (const Json& part : parts) {
      EXPECT_LT(part.get<int32_t>(), before.vocab_size());
      bytes += before.token_bytes(part.get<int32_t>());
    }
    EXPECT_EQ(bytes, after.token_bytes(std::stoi(id)));
  }
  EXPECT_EQ(after.decode(encode(after, text)), text);
}

TEST(Prune, KeepsWhatIsUsedAndTheWayToIt) {
  const std::string old_json = read_file(kFixtures / "gpt2_600.json");
  const Tokenizer before = Tokenizer::from_json(old_json, "old");
  const std::string text = corpus()[0].substr(0, 2000);
  std::vector<uint64_t> uses(static_cast<size_t>(before.vocab_size()));
  const std::vector<int32_t> old_ids = encode(before, text);
  for (const int32_t id : old_ids) {
    ++uses[id];
  }
  const AdaptedTokenizer less = prune_tokenizer(old_json, "old", uses, 1);
  const Tokenizer after = Tokenizer::from_json(less.json, "new");
  EXPECT_LT(after.vocab_size(), before.vocab_size());
  EXPECT_EQ(less.map["new_vocab_size"], after.vocab_size());
  // The text that uses every kept token is cut as before.
  std::vector<int32_t> wanted;
  for (const int32_t id : old_ids) {
    wanted.push_back(less.map["old_to_new"][id].get<int32_t>());
  }
  EXPECT_EQ(encode(after, text), wanted);
  const std::string other = corpus()[3] + "\xF0\x9F\x98\x80 zyx";
  EXPECT_EQ(after.decode(encode(after, other)), other);
  EXPECT_EQ(after.end_of_text(), less.map["old_to_new"][before.end_of_text()].get<int32_t>());
}

// A trained tokenizer of another kind, pruned by what a text uses: the same pieces, with new ids.
void expect_pruned(const std::string& old_json, const char* name) {
  const Tokenizer before = Tokenizer::from_json(old_json, name);
  const std::string text = corpus()[0].substr(0, 2000);
  std::vector<uint64_t> uses(static_cast<size_t>(before.vocab_size()));
  const std::vector<int32_t> old_ids = encode(before, text);
  for (const int32_t id : old_ids) {
    ++uses[id];
  }
  const AdaptedTokenizer less = prune_tokenizer(old_json, name, uses, 1);
  const Tokenizer after = Tokenizer::from_json(less.json, name);
  EXPECT_LT(after.vocab_size(), before.vocab_size()) << name;
  EXPECT_EQ(less.map["new_vocab_size"], after.vocab_size()) << name;
  std::vector<int32_t> wanted;
  for (const int32_t id : old_ids) {
    wanted.push_back(less.map["old_to_new"][id].get<int32_t>());
  }
  EXPECT_EQ(encode(after, text), wanted) << name;
  for (int32_t id = 0; id < before.vocab_size(); ++id) {
    const int32_t now = less.map["old_to_new"][id].get<int32_t>();
    if (now >= 0) {
      EXPECT_EQ(after.token_bytes(now), before.token_bytes(id)) << name;
      EXPECT_EQ(after.is_special(now), before.is_special(id)) << name;
    }
  }
}

TEST(Prune, UnigramAndWordPiece) {
  const UnigramTrainOptions unigram{.vocab_size = 600};
  const token::PieceSource source(unigram.normalizer, unigram.pre_tokenizer, true);
  token::PieceCounter counter;
  BpeTrainer word_piece({.vocab_size = 600,
                         .special_tokens = {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"},
                         .pre_tokenizer = "bert",
                         .style = BpeStyle::kWordPiece});
  for (const std::string& text : corpus()) {
    source.count(text, counter);
    word_piece.add(text);
  }
  ThreadPool pool(1);
  expect_pruned(UnigramTrainer(unigram).train_json(source_of(counter), pool), "Unigram");
  expect_pruned(word_piece.train_json(), "WordPiece");
}

// What the new tokens of a text are made of, one after the other.
std::vector<int32_t> taken_apart(const AdaptedTokenizer& more, const std::vector<int32_t>& ids) {
  std::vector<int32_t> old;
  for (const int32_t id : ids) {
    const auto found = more.map["new_tokens"].find(std::to_string(id));
    if (found == more.map["new_tokens"].end()) {
      old.push_back(id);
    } else {
      old.insert(old.end(), found->begin(), found->end());
    }
  }
  return old;
}

const std::vector<std::string> kNewTexts = {
    "\u4e2d\u56fd\u4eba\u6c11\u5171\u548c\u56fd\u3002\u4e2d\u56fd\u4eba mitochondria, mitochondrial", "mitochondria  mitosis \u4e2d\u56fd",
    "\u4e2d\u56fd\u4eba\u6c11\u94f6\u884c mitosis", "the mitochondria of the \u56fd\u4eba"};

AdaptedTokenizer extended(const std::string& json, int64_t num_tokens) {
  const TokenizerExtender extender(json, "old");
  token::PieceCounter counter;
  for (int i = 0; i < 20; ++i) {
    for (const std::string& text : kNewTexts) {
      extender.count(text, counter);
    }
  }
  return extender.extend(source_of(counter), num_tokens);
}

void expect_old_kept(const Tokenizer& before, const Tokenizer& after, const AdaptedTokenizer& more) {
  EXPECT_EQ(after.vocab_size(), before.vocab_size() + static_cast<int32_t>(more.map["new_tokens"].size()));
  for (int32_t id = 0; id < before.vocab_size(); ++id) {
    EXPECT_EQ(after.token_bytes(id), before.token_bytes(id));
    EXPECT_EQ(more.map["old_to_new"][static_cast<size_t>(id)], id);
  }
}

TEST(Extend, SentencePieceBpeIsCutAsEverAndJoinedFurther) {
  for (const bool bytes : {true, false}) {
    BpeTrainer trainer({.vocab_size = 900,
                        .min_frequency = 0,
                        .special_tokens = {"<unk>", "<s>", "</s>"},
                        .pre_tokenizer = "metaspace",
                        .normalizer = "none",
                        .style = BpeStyle::kSentencePiece,
                        .unk_token = "<unk>",
                        .byte_fallback = bytes});
    for (const std::string& text : corpus()) {
      trainer.add(text);
    }
    const std::string old_json = trainer.train_json();
    const AdaptedTokenizer more = extended(old_json, 40);
    const Tokenizer before = Tokenizer::from_json(old_json, "old"), after = Tokenizer::from_json(more.json, "new");
    expect_old_kept(before, after, more);
    EXPECT_GE(more.map["new_tokens"].size(), 20u);
    for (const std::vector<std::string>& texts : {kNewTexts, corpus()}) {
      for (const std::string& text : texts) {
        if (bytes) {  // an unknown character is one token there, many a run of them
          EXPECT_EQ(taken_apart(more, encode(after, text)), encode(before, text)) << text;
        }
        EXPECT_LE(encode(after, text).size(), encode(before, text).size());
      }
    }
    EXPECT_LT(2 * encode(after, kNewTexts[0]).size(), encode(before, kNewTexts[0]).size() + (bytes ? 0 : 20));
    EXPECT_EQ(after.decode(encode(after, kNewTexts[2])), kNewTexts[2]);
    EXPECT_NO_THROW(token::write_sentencepiece_model(Json::parse(more.json), "new"));
  }
}

TEST(Extend, UnigramLearnsPiecesAndCharacters) {
  UnigramTrainer trainer({.vocab_size = 500});
  ThreadPool pool(2);
  token::PieceCounter counter;
  const token::PieceSource source("nmt_nfkc", "metaspace", true);
  for (const std::string& text : corpus()) {
    source.count(text, counter);
  }
  const std::string old_json = trainer.train_json(source_of(counter), pool);
  const AdaptedTokenizer more = extended(old_json, 40);
  const Tokenizer before = Tokenizer::from_json(old_json, "old"), after = Tokenizer::from_json(more.json, "new");
  expect_old_kept(before, after, more);
  EXPECT_EQ(after.decode(encode(after, kNewTexts[2])), kNewTexts[2]);
  EXPECT_LT(encode(after, kNewTexts[3]).size(), encode(before, kNewTexts[3]).size());
  Json json = Json::parse(old_json);
  json["added_tokens"].push_back({{"id", 500}, {"content", "<extra>"}, {"special", true}, {"normalized", false},
                                  {"lstrip", false}, {"rstrip", false}, {"single_word", false}});
  EXPECT_THROW(TokenizerExtender(json.dump(), "ids behind the vocabulary"), Error);
}

TEST(Adapt, WhatCannotBe) {
  EXPECT_THROW(TokenizerExtender(read_file(kFixtures / "chars.json"), "chars"), Error);
  EXPECT_THROW(TokenizerExtender("{}", "empty"), Error);
  EXPECT_THROW(prune_tokenizer(read_file(kFixtures / "chars.json"), "chars", {}, 1), Error);
  Json json = Json::parse(read_file(kFixtures / "gpt2_600.json"));
  json["model"]["merges"].push_back({"zzzz", "q"});
  EXPECT_THROW(prune_tokenizer(json.dump(), "a merge of nothing", {}, 1), Error);
  json = Json::parse(read_file(kFixtures / "gpt2_600.json"));
  json["model"]["vocab"]["a"] = -5;
  EXPECT_THROW(TokenizerExtender(json.dump(), "a bad id"), Error);
  json = Json::parse(read_file(kFixtures / "gpt2_600.json"));
  const TokenizerExtender extender(json.dump(), "no text");
  EXPECT_THROW(extender.extend([](const CountVisitor&) {}, 10), Error);
}

}  // namespace
}  // namespace athanor
