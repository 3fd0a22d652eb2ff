// Vocabulary and merges against HF tokenizers' BpeTrainer, order and threads, and the character trainer.
#include "athanor/token/train/trainer.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "athanor/base/error.h"

namespace athanor {
namespace {

using Json = nlohmann::json;

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/token";

Json model_of(const std::string& json) {
  return Json::parse(json)["model"];
}

std::vector<std::string> corpus() {
  return Json::parse(read_file(kFixtures / "corpus.json")).get<std::vector<std::string>>();
}

void expect_same_as_hf(const std::string& fixture, const std::string& pre_tokenizer, int64_t vocab_size) {
  BpeTrainer trainer({.vocab_size = vocab_size, .pre_tokenizer = pre_tokenizer});
  for (const std::string& text : corpus()) {
    trainer.add(text);
  }
  const Json ours = model_of(trainer.train().to_json());
  const Json theirs = model_of(read_file(kFixtures / fixture));
  EXPECT_EQ(ours["vocab"], theirs["vocab"]);
  EXPECT_EQ(ours["merges"], theirs["merges"]);
  EXPECT_EQ(trainer.report()["vocab_size"], vocab_size);
}

TEST(BpeTrainer, EqualsHfGpt2) {
  expect_same_as_hf("gpt2_600.json", "gpt2", 600);
}
TEST(BpeTrainer, EqualsHfLlama3) {
  expect_same_as_hf("llama3_600.json", "llama3", 600);
}
TEST(BpeTrainer, EqualsHfQwen2) {
  expect_same_as_hf("qwen2_500.json", "qwen2", 500);
}

TEST(BpeTrainer, OrderAndThreadsDoNotMatter) {
  std::vector<std::string> texts = corpus();
  BpeTrainer forward({.vocab_size = 700});
  for (const std::string& text : texts) {
    forward.add(text);
  }
  const std::string wanted = forward.train().to_json();
  std::reverse(texts.begin(), texts.end());
  const std::vector<std::string_view> views(texts.begin(), texts.end());
  for (const int threads : {1, 3}) {
    ThreadPool pool(threads);
    BpeTrainer trainer({.vocab_size = 700});
    trainer.add(views, pool);
    EXPECT_EQ(trainer.train().to_json(), wanted);
  }
}

TEST(BpeTrainer, ReportCountsWhatEncodingGives) {
  BpeTrainer trainer({.vocab_size = 500});
  uint64_t bytes = 0;
  for (const std::string& text : corpus()) {
    trainer.add(text);
    bytes += text.size();
  }
  double last = 0;
  const Tokenizer tokenizer = trainer.train([&](double fraction) {
    EXPECT_GE(fraction, last);
    last = fraction;
  });
  EXPECT_EQ(last, 1.0);
  std::vector<int32_t> ids;
  for (const std::string& text : corpus()) {
    tokenizer.encode(text, ids);
  }
  EXPECT_EQ(trainer.report()["num_bytes"], bytes);
  EXPECT_EQ(trainer.report()["num_tokens"], ids.size());
  EXPECT_NEAR(trainer.report()["bytes_per_token"], static_cast<double>(bytes) / ids.size(), 1e-9);
  std::vector<bool> used(500);
  for (const int32_t id : ids) {
    used[id] = true;
  }
  EXPECT_EQ(trainer.report()["num_unused_tokens"], std::count(used.begin(), used.end(), false) - 1);
}

TEST(BpeTrainer, SmallCases) {
  // "aaaa" x 2: counts overlap, as in HF: (a,a) first, then (aa,aa).
  BpeTrainer runs({.vocab_size = 300});
  runs.add("aaaa aaaa");
  const Json model = model_of(runs.train().to_json());
  EXPECT_EQ(model["merges"][0], Json({"a", "a"}));
  EXPECT_EQ(model["merges"][1], Json({"aa", "aa"}));

  BpeTrainer rare({.vocab_size = 300, .min_frequency = 3});
  rare.add("xyz xyz");
  EXPECT_EQ(rare.train().vocab_size(), 257);
  EXPECT_EQ(rare.report()["num_merges"], 0);

  BpeTrainer long_piece({.vocab_size = 280});
  long_piece.add(std::string(300000, 'a'));
  EXPECT_GT(long_piece.train().vocab_size(), 270);
}

TEST(BpeTrainer, OptionsThatCannotBe) {
  EXPECT_THROW(BpeTrainer({.vocab_size = 256}), Error);
  EXPECT_THROW(BpeTrainer({.vocab_size = int64_t{1} << 40}), Error);
  EXPECT_THROW(BpeTrainer({.pre_tokenizer = "nope"}), Error);
  EXPECT_THROW(BpeTrainer({.pre_tokenizer = "char"}), Error);
  EXPECT_THROW(BpeTrainer({.special_tokens = {"\xFF\xFF"}}), Error);
  EXPECT_THROW(BpeTrainer({.special_tokens = {"a"}}), Error);
  EXPECT_THROW(BpeTrainer({.special_tokens = {"<a>", "<a>"}}), Error);
  BpeTrainer empty;
  EXPECT_THROW(empty.train(), Error);
}

TEST(CharTrainer, EqualsTheFixture) {
  CharTrainer trainer;
  trainer.add(corpus()[0]);
  trainer.add("你好\n é");
  const Json ours = model_of(trainer.train().to_json());
  EXPECT_EQ(ours, model_of(read_file(kFixtures / "chars.json")));
  EXPECT_GT(trainer.report()["bytes_per_token"], 1.0);
}

TEST(CharTrainer, UnknownAndBack) {
  CharTrainer trainer;
  trainer.add("abé\n");
  const Tokenizer tokenizer = trainer.train();
  std::vector<int32_t> ids;
  tokenizer.encode("ba\né?", ids);
  EXPECT_EQ(ids, (std::vector<int32_t>{4, 3, 2, 5, 0}));
  EXPECT_EQ(tokenizer.decode(ids), "ba\né");
  EXPECT_EQ(tokenizer.decode(ids, false), "ba\né<unk>");
  EXPECT_EQ(tokenizer.end_of_text(), 1);
}

}  // namespace
}  // namespace athanor
