// Filters by small models.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "athanor/base/error.h"
#include "athanor/clean/rules/rule_testing.h"

namespace athanor {
namespace {

using nlohmann::json;

const std::string kClassifier = ATHANOR_SOURCE_DIR "/tests/fixtures/classic/softmax.bin";

TEST(LanguageStep, PublishedModel) {
  const char* data = std::getenv("ATHANOR_DATA");
  if (data == nullptr) {
    GTEST_SKIP() << "ATHANOR_DATA is not set";
  }
  const json options = {{"model", std::string(data) + "/langid/lid.176.ftz"}, {"keep", {"en", "zh"}}};
  const Judged english = judge("language", "The cat sat on the mat and looked at the people in the street.", options);
  EXPECT_TRUE(english.keep) << english.reason;
  EXPECT_EQ(english.measures.texts.at(0), "en");
  EXPECT_GT(english.measures.numbers.at(0), 0.9);
  EXPECT_EQ(judge("language", "\u4ECA\u5929\u5929\u6C14\u5F88\u597D\uFF0C\u6211\u4EEC\u53BB\u516C\u56ED", options).measures.texts.at(0), "zh");
  EXPECT_EQ(judge("language", "Der Hund und die Katze sitzen auf der Stra\u00DFe.", options).reason, "language");
  EXPECT_FALSE(judge("language", "", options).keep);
}

TEST(LanguageStep, UnknownNamesAreUsageErrors) {
  EXPECT_THROW(judge("language", "x"), Error);
  EXPECT_THROW(judge("language", "x", {{"model", "/nowhere/model.bin"}}), Error);
  EXPECT_THROW(judge("language", "x", {{"model", kClassifier}, {"keep", {"klingon"}}}), Error);
  EXPECT_THROW(judge("classifier", "x", {{"model", kClassifier}, {"label", "zz"}}), Error);
}

TEST(ClassifierStep, ScoreIsTheLabelsProbability) {
  double sum = 0;
  for (const char* label : {"hi", "lo", "mix", "zh"}) {
    sum += judge("classifier", "good words here", {{"model", kClassifier}, {"label", label}}).measures.numbers.at(0);
  }
  EXPECT_NEAR(sum, 1, 1e-3);
  const Judged judged = judge("classifier", "good words here", {{"model", kClassifier}, {"label", "hi"}, {"min_score", 1.0}});
  EXPECT_EQ(judged.reason, "classifier_score");
  EXPECT_TRUE(judge("classifier", "good words here", {{"model", kClassifier}, {"label", "hi"}, {"min_score", 0.0}}).keep);
}

// A folder as fit writes it: the tiny model learned from lower-case characters.
class EstimatorFolder {
 public:
  explicit EstimatorFolder(const char* tokens) : dir_(fs::temp_directory_path() / ("athanor_est_" + std::to_string(::getpid()))) {
    fs::create_directories(dir_);
    const std::string model = tiny_ngram_model();
    fs::rename(model, dir_ / "model.ngram");
    fs::copy_file(dir_ / "model.ngram", dir_ / "other.ngram", fs::copy_options::overwrite_existing);
    write_file_atomic(dir_ / "estimator.json", R"({"schema": 1, "kind": "ngram", "file": "model.ngram", "tokens": ")" +
                                                   std::string(tokens) + R"(", "lowercase": true})");
  }
  ~EstimatorFolder() { fs::remove_all(dir_); }
  std::string path(const char* file = "") const { return (dir_ / file).string(); }

 private:
  fs::path dir_;
};

TEST(PerplexityStep, TokensAreThoseOfTheEstimator) {
  const EstimatorFolder words("words");
  for (const char* file : {"", "model.ngram"}) {
    EXPECT_EQ(judge("perplexity", "THE", {{"model", words.path(file)}}).measures.numbers.at(1), 0) << file;
  }
  // a model that only lies beside it is cut by the options
  EXPECT_EQ(judge("perplexity", "THE", {{"model", words.path("other.ngram")}}).measures.numbers.at(1), 0.5);
  EXPECT_THROW(judge("perplexity", "the", {{"model", words.path()}, {"cut", "mixed"}}), Error);
  EXPECT_EQ(judge("perplexity", "the", {{"model", words.path()}, {"cut", "words"}}).measures.numbers.at(1), 0);
  const EstimatorFolder characters("characters");  // "t", "h", "e" are unknown
  EXPECT_EQ(judge("perplexity", "the", {{"model", characters.path()}}).measures.numbers.at(1), 0.75);
}

TEST(ModelRules, NoFileIsOpenedBeforeItIsWanted) {
  const json spec = {{{"perplexity", {{"model", "/nowhere/lm.ngram"}}}},
                     {{"classifier", {{"model", "/nowhere/q.bin"}, {"label", "hq"}}}},
                     {{"language", {{"model", "/nowhere/lid.bin"}, {"keep", {"en"}}}}}};
  const CleanChain chain(spec, "clean.rules");
  EXPECT_EQ(chain.files().size(), 3u);
  try {
    chain.open();
    FAIL() << "the model is not there";
  } catch (const Error& error) {
    EXPECT_NE(error.where().find("/nowhere/lm.ngram"), std::string::npos) << error.where();
  }
  std::string text = "words";
  EXPECT_THROW(chain.run(text), Error);
}

TEST(ModelRules, WhatLiesBesideAModelIsPinnedWithIt) {
  const EstimatorFolder words("words");
  const auto files = [&](const std::string& model) { return CleanChain(json{{{"perplexity", {{"model", model}}}}}).files(); };
  EXPECT_EQ(files(words.path()), std::vector<std::string>{words.path()});  // the folder, whole
  EXPECT_EQ(files(words.path("model.ngram")),
            (std::vector<std::string>{words.path("model.ngram"), words.path("estimator.json")}));
}

TEST(PerplexityStep, ByHand) {
  const std::string model = tiny_ngram_model();
  // "the </s>": (1/4 x 1/2)^(-1/2)
  const Judged judged = judge("perplexity", "the", {{"model", model}, {"max", 2.0}});
  EXPECT_NEAR(judged.measures.numbers.at(0), std::sqrt(8), 1e-4);
  EXPECT_EQ(judged.measures.numbers.at(1), 0);
  EXPECT_EQ(judged.reason, "perplexity_high");
  EXPECT_EQ(judge("perplexity", "the", {{"model", model}, {"min", 3.0}}).reason, "perplexity_low");
  EXPECT_EQ(judge("perplexity", "The", {{"model", model}}).measures.numbers.at(1), 0.5);
  EXPECT_EQ(judge("perplexity", "The", {{"model", model}, {"lowercase", true}}).measures.numbers.at(1), 0);
  EXPECT_TRUE(judge("perplexity", "", {{"model", model}, {"max", 1.0}}).keep);
  EXPECT_THROW(judge("perplexity", "", {{"model", model}, {"cut", "letters"}}), Error);
  fs::remove(model);
}

}  // namespace
}  // namespace athanor
