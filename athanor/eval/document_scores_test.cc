#include "athanor/eval/document_scores.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/eval/language_model_eval.h"

namespace athanor {
namespace {

constexpr int32_t kEnd = 15;

std::unique_ptr<LanguageModel> small_model() {
  ModelConfig config;
  config.vocab_size = 16;
  config.hidden_size = 16;
  config.num_layers = 1;
  config.num_heads = 2;
  config.num_kv_heads = 2;
  config.intermediate_size = 32;
  config.max_positions = 64;
  config.init_std = 0.5;  // logits that differ
  return make_model(config, 1);
}

std::vector<std::vector<int32_t>> random_documents(std::initializer_list<size_t> lengths) {
  Rng rng(3);
  std::vector<std::vector<int32_t>> documents;
  for (const size_t length : lengths) {
    std::vector<int32_t> ids;
    for (size_t i = 0; i < length; ++i) {
      ids.push_back(static_cast<int32_t>(rng.below(15)));
    }
    documents.push_back(ids);
  }
  return documents;
}

TEST(DocumentScores, NeighboursAndBatchesDoNotMatter) {
  const auto model = small_model();
  const auto documents = random_documents({20, 3, 0, 45, 1, 16, 17});
  const auto together = score_documents(*model, documents, kEnd, {.sequence_length = 16, .batch_size = 4});
  ASSERT_EQ(together.size(), documents.size());
  for (size_t i = 0; i < documents.size(); ++i) {
    const auto alone = score_documents(*model, {&documents[i], 1}, kEnd, {.sequence_length = 16, .batch_size = 1});
    EXPECT_EQ(together[i].num_tokens, documents[i].size());
    EXPECT_NEAR(together[i].nll, alone[0].nll, 1e-5 * (1 + alone[0].nll)) << i;
  }
  EXPECT_EQ(together[2].nll, 0);
}

// The evaluation of a set with that one document scores its end_of_text too; without one both leave the first token out.
TEST(DocumentScores, EqualsTheEvaluationOfThatDocument) {
  const auto model = small_model();
  const auto documents = random_documents({40});
  std::string folder = (fs::temp_directory_path() / "athanor-scores-XXXXXX").string();
  ASSERT_NE(::mkdtemp(folder.data()), nullptr);
  TokenSetWriter writer(folder, 16, -1, "test");
  writer.add(std::string(32, '0'), documents[0], 160);
  writer.finish();
  const auto whole = score_language_model(*model, TokenSet::open(folder), {.sequence_length = 16});
  const auto scores = score_documents(*model, documents, -1, {.sequence_length = 16});
  EXPECT_EQ(scores[0].num_tokens, 39u);
  EXPECT_EQ(scores[0].num_tokens, whole.num_tokens);
  EXPECT_NEAR(scores[0].nll, whole.nll, 1e-4);
  fs::remove_all(folder);
}

TEST(DocumentScores, RefusesWhatTheModelCannotHold) {
  const auto model = small_model();
  const auto documents = random_documents({4});
  EXPECT_THROW(score_documents(*model, documents, kEnd, {.sequence_length = 65}), Error);
  EXPECT_THROW(score_documents(*model, documents, kEnd, {.sequence_length = 0}), Error);
  const std::vector<std::vector<int32_t>> foreign = {{3, 16}};
  EXPECT_THROW(score_documents(*model, foreign, kEnd, {.sequence_length = 8}), Error);
}

}  // namespace
}  // namespace athanor
