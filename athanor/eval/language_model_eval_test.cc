#include "athanor/eval/language_model_eval.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <numbers>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/eval/testing_shares.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

class LanguageModelEval : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (fs::temp_directory_path() / "athanor-eval-XXXXXX").string();
    folder_ = ::mkdtemp(pattern.data());
    model_ = make_model(config(), 1);
  }
  void TearDown() override { fs::remove_all(folder_); }

  static ModelConfig config() {
    ModelConfig config;
    config.vocab_size = 16;
    config.hidden_size = 16;
    config.num_layers = 1;
    config.num_heads = 2;
    config.num_kv_heads = 2;
    config.intermediate_size = 32;
    config.max_positions = 64;
    config.init_std = 0.5;  // logits that differ
    return config;
  }

  TokenSet tokens(size_t num_documents, size_t length, int32_t vocab_size = 16, bool end_of_text = true) {
    TokenSetWriter writer(folder_ / std::to_string(count_), vocab_size, end_of_text ? vocab_size - 1 : -1, "test");
    Rng rng(count_);
    for (size_t i = 0; i < num_documents; ++i) {
      std::vector<int32_t> ids;
      for (size_t j = 0; j < length + i % 3; ++j) {
        ids.push_back(static_cast<int32_t>(rng.below(15)));
      }
      char id[33];
      std::snprintf(id, sizeof id, "%032zx", i);
      writer.add(id, ids, ids.size() * 4);
    }
    writer.finish();
    return TokenSet::open(folder_ / std::to_string(count_++));
  }

  fs::path folder_;
  uint64_t count_ = 0;
  std::unique_ptr<LanguageModel> model_;
};

TEST_F(LanguageModelEval, ScoresEachTokenOnce) {
  const TokenSet set = tokens(10, 20);
  const auto score = score_language_model(*model_, set, {.sequence_length = 16, .batch_size = 3});
  EXPECT_EQ(score.num_tokens, set.num_tokens());
  EXPECT_TRUE(score.whole_set);
  EXPECT_EQ(score.num_bytes, static_cast<double>(set.num_bytes()));
  EXPECT_NEAR(score.perplexity(), std::exp(score.nll / static_cast<double>(score.num_tokens)), 1e-9);
  EXPECT_NEAR(score.bits_per_byte(), score.nll / (std::numbers::ln2 * static_cast<double>(set.num_bytes())), 1e-12);
  const TokenSet plain = tokens(10, 20, 16, false);
  EXPECT_EQ(score_language_model(*model_, plain, {.sequence_length = 16}).num_tokens, plain.num_tokens() - 1);
}

TEST_F(LanguageModelEval, TheNumberOfRowsABatchDoesNotMatter) {
  const TokenSet set = tokens(10, 20);
  const auto one = score_language_model(*model_, set, {.sequence_length = 16, .batch_size = 1});
  const auto many = score_language_model(*model_, set, {.sequence_length = 16, .batch_size = 7});
  EXPECT_NEAR(one.loss(), many.loss(), 1e-6);
  EXPECT_NEAR(one.standard_error, many.standard_error, 1e-6);
}

TEST_F(LanguageModelEval, SharedByProcessesItIsTheSame) {
  for (const uint64_t documents : {4, 30}) {
    const TokenSet set = tokens(documents, 20);
    const LanguageModelEvalOptions options{.sequence_length = 16, .batch_size = 3, .max_windows = 17};
    const auto alone = score_language_model(*model_, set, options);
    for (const int world : {2, 3, 20}) {
      const auto shared = evaluate_as_ranks<LanguageModelScore>(
          world, [&](const EvalShare& share) { return score_language_model(*model_, set, options, share); });
      EXPECT_EQ(shared.nll, alone.nll);
      EXPECT_EQ(shared.num_tokens, alone.num_tokens);
      EXPECT_EQ(shared.num_units, alone.num_units);
      EXPECT_NEAR(shared.standard_error, alone.standard_error, 1e-14);
    }
  }
}

// With the document mask, and windows that hold whole documents, the order of documents does not matter and each
// document's loss is what it has alone after end_of_text.
TEST_F(LanguageModelEval, ADocumentIsPredictedFromEndOfTextAlone) {
  const TokenSet one = tokens(1, 12);
  const auto score = score_language_model(*model_, one, {.sequence_length = 32});
  std::vector<int32_t> ids(one.num_tokens());
  one.read(0, ids.size(), ids.data());
  TokenSetWriter writer(folder_ / "twice", 16, 15, "test");
  const std::vector<int32_t> text(ids.begin(), ids.end() - 1);
  writer.add(std::string(32, 'a'), text, 48);
  writer.add(std::string(32, 'b'), text, 48);
  writer.finish();
  const TokenSet twice = TokenSet::open(folder_ / "twice");
  const auto both = score_language_model(*model_, twice, {.sequence_length = 32});
  EXPECT_NEAR(both.nll, 2 * score.nll, 1e-4);
  const auto crossing =
      score_language_model(*model_, twice, {.sequence_length = 32, .document_mask = false});
  EXPECT_GT(std::abs(crossing.nll - 2 * score.nll), 1e-3);
}

TEST_F(LanguageModelEval, ASampleOfWindowsIsNearTheWhole) {
  const TokenSet set = tokens(60, 40);
  const auto whole = score_language_model(*model_, set, {.sequence_length = 16});
  const auto part = score_language_model(*model_, set, {.sequence_length = 16, .max_windows = 40});
  EXPECT_EQ(part.num_windows, 40u);
  EXPECT_FALSE(part.whole_set);
  EXPECT_LT(std::abs(part.loss() - whole.loss()), 4 * part.standard_error);
  EXPECT_NEAR(part.num_bytes / static_cast<double>(part.num_tokens), whole.num_bytes / static_cast<double>(whole.num_tokens), 1e-9);
}

// Against the spread of the means of many independent sets.
TEST_F(LanguageModelEval, TheStandardErrorIsTheSpreadOfTheMean) {
  double sum = 0, squares = 0, error = 0;
  constexpr int kSets = 40;
  for (int i = 0; i < kSets; ++i) {
    const auto score = score_language_model(*model_, tokens(20, 10), {.sequence_length = 16});
    EXPECT_TRUE(score.units_are_documents);
    EXPECT_EQ(score.num_units, 20u);
    sum += score.loss();
    squares += score.loss() * score.loss();
    error += score.standard_error / kSets;
  }
  const double spread = std::sqrt((squares - sum * sum / kSets) / (kSets - 1));
  EXPECT_NEAR(error / spread, 1.0, 0.35);
}

TEST_F(LanguageModelEval, FewDocumentsGiveWindowsAsUnits) {
  const auto report = evaluate_language_model(*model_, tokens(2, 100), {.sequence_length = 16});
  EXPECT_EQ(report["loss"]["over"], "windows");
  EXPECT_EQ(report["loss"]["unit"], "nats/token");
  EXPECT_GT(report["loss"]["standard_error"].get<double>(), 0);
  EXPECT_EQ(report["bytes"]["estimated"], false);
}

TEST_F(LanguageModelEval, RefusesWhatDoesNotFit) {
  EXPECT_THROW(score_language_model(*model_, tokens(2, 10, 40), {}), Error);
  EXPECT_THROW(score_language_model(*model_, tokens(2, 10), {.sequence_length = 0}), Error);
  EXPECT_THROW(score_language_model(*model_, tokens(0, 10), {}), Error);
}

}  // namespace
}  // namespace athanor
