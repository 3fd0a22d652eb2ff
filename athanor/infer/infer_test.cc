#include <gtest/gtest.h>

#include <ATen/ops/empty.h>

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/file.h"
#include "athanor/infer/engine.h"
#include "athanor/tensor/autograd.h"

namespace athanor {
namespace {

const fs::path kFixtures = fs::path(ATHANOR_SOURCE_DIR) / "tests/fixtures/model";
const std::vector<int32_t> kPrompt = {5, 17, 3, 96, 41};

// The whole context through hidden() for each token: what the cache must not change.
std::vector<int32_t> without_cache(LanguageModel& model, std::vector<int32_t> context, const SampleOptions& options) {
  NoGrad no_grad;
  std::vector<int32_t> answer;
  for (int64_t i = 0; i < options.max_tokens; ++i) {
    Batch batch;
    batch.tokens_BT = at::empty({1, static_cast<int64_t>(context.size())}, at::kLong);
    std::copy(context.begin(), context.end(), batch.tokens_BT.mutable_data_ptr<int64_t>());
    const at::Tensor logits = model.logits(model.hidden(batch, 0)).select(0, 0).select(0, -1).contiguous();
    answer.push_back(sample({logits.const_data_ptr<float>(), 97}, options, context.size()));
    context.push_back(answer.back());
  }
  return answer;
}

class Infer : public testing::TestWithParam<const char*> {
 protected:
  // A model whose eos never ends the answer: make_model keeps none.
  static std::unique_ptr<LanguageModel> endless(const char* name) {
    auto loaded = load_model(kFixtures / name);
    ModelConfig config = loaded->config();
    config.eos_ids.clear();
    auto model = make_model(config, 0);
    NoGrad no_grad;
    const auto from = loaded->named_parameters();
    auto to = model->named_parameters();
    for (size_t i = 0; i < from.size(); ++i) {
      to[i].tensor.copy_(from[i].tensor);
    }
    model->begin_step();
    return model;
  }
};

TEST_P(Infer, CacheChangesNoToken) {
  auto model = endless(GetParam());
  for (const double temperature : {0.0, 1.0}) {
    const SampleOptions options{.temperature = temperature, .top_k = 40, .top_p = 0.95, .seed = 7, .max_tokens = 40};
    const Generation got = generate(*model, kPrompt, options);
    EXPECT_EQ(got.ids, without_cache(*model, kPrompt, options));
    EXPECT_EQ(got.num_reads, 44);  // the prompt and all but the last token, once each
    EXPECT_EQ(got.finish, Finish::kLength);
  }
}

// A state is carried in place of keys and values: no token is read twice, however long the text becomes.
TEST(InferRecurrent, TheStateChangesNoToken) {
  for (const char* family : {"rnn", "lstm", "gru"}) {
    const auto model = make_model(from_depth(2, 97, 16, family), 3);
    Engine engine(*model);
    const SampleOptions options{.temperature = 1.0, .top_k = 40, .seed = 7, .max_tokens = 40};
    const Generation got = engine.generate(kPrompt, options);
    EXPECT_EQ(got.ids, without_cache(*model, kPrompt, options)) << family;
    EXPECT_EQ(got.num_reads, 44);
    std::vector<int32_t> history = kPrompt;
    history.insert(history.end(), got.ids.begin(), got.ids.end());
    const Generation more = engine.generate(history, options);
    EXPECT_EQ(more.ids, without_cache(*model, history, options));
    EXPECT_EQ(more.num_reads, 40);  // the last token of the answer, and 39 new ones
    const std::vector<int32_t> edited = {5, 17, 3, 8};
    EXPECT_EQ(engine.generate(edited, options).ids, without_cache(*model, edited, options));
  }
}

TEST_P(Infer, AnEngineReadsOnlyWhatIsNew) {
  auto model = endless(GetParam());
  Engine engine(*model);
  const SampleOptions options{.temperature = 0, .max_tokens = 8};
  std::vector<int32_t> history = kPrompt;
  const Generation first = engine.generate(history, options);
  history.insert(history.end(), first.ids.begin(), first.ids.end());
  history.push_back(9);
  const Generation second = engine.generate(history, options);
  EXPECT_EQ(second.ids, without_cache(*model, history, options));
  EXPECT_EQ(second.num_reads, 2 + 7);  // the last answer token and the new one, then 7 of the 8 chosen
}

TEST_P(Infer, SlidesPastTheModelsPositions) {
  auto model = endless(GetParam());
  const Generation got = generate(*model, kPrompt, {.temperature = 1, .seed = 3, .max_tokens = 150});
  EXPECT_EQ(got.ids.size(), 150u);
  std::vector<int32_t> longer(200, 11);
  longer.insert(longer.end(), kPrompt.begin(), kPrompt.end());
  EXPECT_EQ(generate(*model, longer, {.max_tokens = 3}).ids.size(), 3u);
}

INSTANTIATE_TEST_SUITE_P(Models, Infer, testing::Values("llama_untied", "llama_tied", "gpt2"));

TEST(Infer, StopsAtStopTokensAndOnRequest) {
  auto model = load_model(kFixtures / "llama_untied");
  const SampleOptions greedy{.temperature = 0, .max_tokens = 10};
  const Generation free = generate(*model, kPrompt, greedy);
  SampleOptions stopping = greedy;
  stopping.stop = {free.ids[3]};
  const Generation stopped = generate(*model, kPrompt, stopping);
  EXPECT_EQ(stopped.finish, Finish::kStop);
  EXPECT_LE(stopped.ids.size(), 3u);
  int seen = 0;
  const Generation cancelled = generate(*model, kPrompt, greedy, [&](int32_t) { return ++seen < 2; });
  EXPECT_EQ(cancelled.finish, Finish::kCancelled);
  EXPECT_EQ(cancelled.ids.size(), 2u);
}

TEST(Infer, RefusesWhatItCannotRead) {
  auto model = load_model(kFixtures / "gpt2");
  EXPECT_THROW(generate(*model, std::vector<int32_t>{}, {}), Error);
  EXPECT_THROW(generate(*model, std::vector<int32_t>{97}, {}), Error);
  EXPECT_THROW(generate(*model, std::vector<int32_t>{-1}, {}), Error);
  EXPECT_THROW(generate(*model, kPrompt, {.temperature = -1}), Error);
  EXPECT_THROW(generate(*model, kPrompt, {.top_p = 0}), Error);
}

TEST(Sampler, FollowsTheDistributionAndItsCuts) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f), std::log(0.05f)};
  const auto frequencies = [&](SampleOptions options) {
    std::vector<double> count(4);
    for (uint64_t position = 0; position < 20000; ++position) {
      count[sample(logits, options, position)] += 1.0 / 20000;
    }
    return count;
  };
  const auto all = frequencies({.temperature = 1, .top_k = 0});
  EXPECT_NEAR(all[0], 0.5, 0.015);
  EXPECT_NEAR(all[3], 0.05, 0.007);
  const auto two = frequencies({.temperature = 1, .top_k = 2});
  EXPECT_NEAR(two[0], 0.625, 0.015);
  EXPECT_EQ(two[2] + two[3], 0);
  const auto nucleus = frequencies({.temperature = 1, .top_k = 0, .top_p = 0.9});
  EXPECT_EQ(nucleus[3], 0);
  EXPECT_NEAR(nucleus[0], 0.5 / 0.95, 0.015);
  EXPECT_EQ(sample(logits, {.temperature = 0}, 5), 0);
  EXPECT_THROW(sample(std::vector<float>{0, NAN}, {}, 0), Error);
}

}  // namespace
}  // namespace athanor
