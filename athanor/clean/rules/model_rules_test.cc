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
