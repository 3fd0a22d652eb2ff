#include "athanor/classic/estimator.h"

#include <gtest/gtest.h>

#include <fstream>

#include "athanor/base/error.h"
#include "athanor/classic/fasttext_train.h"
#include "athanor/classic/test_data.h"

namespace athanor {
namespace {

void put(const fs::path& path, const std::string& bytes) { std::ofstream(path, std::ios::binary) << bytes; }

FastTextModel small_classifier(const TextTokens& tokens) {
  ThreadPool pool(1);
  FastTextTrainOptions options;
  options.dim = 4;
  options.epochs = 40;
  FastTextTrainer trainer(options);
  std::string scratch;
  for (const auto& [label, text] : {std::pair{"火", "炉火不灭"}, {"水", "江水东流"}, {"火", "火"}, {"水", "水"}}) {
    const std::string_view labels[] = {label};
    trainer.add(labels, tokens.cut(text, scratch));
  }
  return trainer.train(pool, [](double, double) {});
}

TEST(Estimator, ChineseClassifierRemembersHowToCut) {
  const fs::path dir = classic_test::scratch("estimator");
  const TextTokens mixed(TextCut::kMixed, true);
  save_estimator(dir, small_classifier(mixed), {.tokens = mixed, .options = {{"dim", 4}}});
  const auto estimator = open_estimator(dir);
  EXPECT_EQ(estimator->kind(), "fasttext");
  EXPECT_EQ(estimator->description()["tokens"], "mixed");
  const std::string_view texts[] = {"火车快", "水电站", ""};
  EstimatorColumns columns;
  estimator->predict(texts, columns);
  ASSERT_EQ(columns.label.size(), 3u);
  EXPECT_EQ(columns.label[0], "火");
  EXPECT_EQ(columns.label[1], "水");
  EXPECT_GT(columns.score[0], 0.5);
  EXPECT_LE(columns.score[0], 1.0);
  EXPECT_TRUE(columns.perplexity.empty());
  fs::remove_all(dir);
}

NgramTables small_language_model(const TextTokens& tokens, const fs::path& scratch_dir) {
  ThreadPool pool(1);
  NgramTrainer trainer({.order = 3}, scratch_dir, pool);
  std::string scratch;
  for (const char* line : {"the furnace feeds itself", "the fire never sleeps", "the furnace never sleeps"}) {
    trainer.add_sentence(tokens.cut(line, scratch));
  }
  return trainer.finish([](double) {});
}

TEST(Estimator, LanguageModelByCharactersAndByTokenizer) {
  const fs::path dir = classic_test::scratch("estimator-ngram");
  const auto bytes = std::make_shared<const Tokenizer>(Tokenizer::bytes({"<|endoftext|>"}));
  for (const TextTokens& tokens : {TextTokens(TextCut::kCharacters), TextTokens(bytes)}) {
    save_estimator(dir, small_language_model(tokens, dir), true, true, {.tokens = tokens});
    const auto estimator = open_estimator(dir);
    EXPECT_EQ(estimator->kind(), "ngram");
    EXPECT_EQ(estimator->description()["tokens"], tokens.name());
    const std::string_view texts[] = {"the furnace sleeps", "zzqj xwvk", "", "\xFF\xFE\n\n\xC3"};
    EstimatorColumns columns;
    estimator->predict(texts, columns);
    ASSERT_EQ(columns.perplexity.size(), 4u);
    EXPECT_LT(columns.perplexity[0] * 2, columns.perplexity[1]);
    EXPECT_EQ(columns.perplexity[2], 1.0);
    EXPECT_TRUE(std::isfinite(columns.perplexity[3]));
    EstimatorColumns arpa;
    if (tokens.tokenizer() == nullptr) {
      // A bare file knows no way to cut but blanks.
      const std::string_view cut[] = {"t h e ▁ f u r n a c e"};
      open_estimator(dir / "model.arpa")->predict(cut, arpa);
      const std::string_view whole[] = {"the furnace"};
      estimator->predict(whole, columns);
      EXPECT_NEAR(columns.perplexity[0], arpa.perplexity[0], 1e-3);
    }
  }
  fs::remove_all(dir);
}

TEST(Estimator, VeryLongLinesAreLinear) {
  const fs::path dir = classic_test::scratch("estimator-long");
  const TextTokens words;
  save_estimator(dir, small_language_model(words, dir), true, false, {});
  std::string text;
  while (text.size() < (4 << 20)) {
    text += "the furnace ";
  }
  text += std::string(4 << 20, 'x');
  const std::string_view texts[] = {text};
  EstimatorColumns columns;
  open_estimator(dir)->predict(texts, columns);
  EXPECT_GT(columns.perplexity[0], 1.0);
  open_estimator(fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/classic/pruned.ftz")->predict(texts, columns);
  EXPECT_EQ(columns.label.size(), 1u);
  fs::remove_all(dir);
}

TEST(Estimator, DamagedFoldersAreErrors) {
  const fs::path dir = classic_test::scratch("estimator-bad");
  EXPECT_THROW(open_estimator(dir), Error);
  for (const char* json : {"", "[]", "{", R"({"schema": 1})", R"({"schema": 9, "kind": "fasttext", "file": "model.bin"})",
                           R"({"schema": 1, "kind": "fasttext", "file": "../model.bin"})",
                           R"({"schema": 1, "kind": "fasttext", "file": "model.txt"})",
                           R"({"schema": 1, "kind": "fasttext", "file": 7})",
                           R"({"schema": 1, "kind": "fasttext", "file": "model.bin", "tokens": "letters"})",
                           R"({"schema": 1, "kind": "fasttext", "file": "model.bin", "lowercase": "yes"})",
                           R"({"schema": 1, "kind": "ngram", "file": "model.bin"})",
                           R"({"schema": 1, "kind": "fasttext", "file": "missing.bin"})"}) {
    put(dir / "estimator.json", json);
    if (std::string_view(json).find("ngram") != std::string_view::npos) {
      small_classifier({}).write(dir / "model.bin");
    }
    EXPECT_THROW(open_estimator(dir), Error) << json;
  }
  put(dir / "a.txt", "x");
  EXPECT_THROW(open_estimator(dir / "a.txt"), Error);
  fs::remove_all(dir);
}

}  // namespace
}  // namespace athanor
