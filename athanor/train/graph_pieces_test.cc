// Runs whose pieces are captured graphs against runs operator by operator: the same bits everywhere.
#include "athanor/train/graph_pieces.h"

#include <ATen/ops/full.h>
#include <gtest/gtest.h>

#include <limits>

#include "athanor/base/error.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/device/testing_gpu.h"
#include "athanor/tensor/device/transfer.h"
#include "athanor/train/testing_bench.h"

namespace athanor {
namespace {

using namespace testing_train;

// The unit of the machine's GPU or of the tests', whose graphs are counted.
const GpuUnit* unit = nullptr;
int64_t num_captures = 0;
int64_t num_replays = 0;

class TrainGraph : public ::testing::Test {
 protected:
  void SetUp() override {
    set_gpu_unit(nullptr);
    use_any_gpu();
    unit = &gpu_unit();
    counted_ = *unit;
    counted_.graph_begin = [](int device, void* before, void** graph) { return ++num_captures, unit->graph_begin(device, before, graph); };
    counted_.graph_replay = [](void* graph) { return ++num_replays, unit->graph_replay(graph); };
    set_gpu_unit(&counted_);
    num_captures = num_replays = 0;
  }
  void TearDown() override { set_gpu_unit(nullptr); }

 private:
  GpuUnit counted_;
};

TrainOptions graph_options(int64_t steps) {
  TrainOptions options = tiny_options(steps);
  options.batch_size = 6;
  options.micro_batch = 3;
  options.document_mask = false;
  options.eval_every = 3;
  options.eval_batches = 1;
  options.device = "cuda";
  return options;
}

ModelConfig config_of(const std::string& family) {
  ModelConfig config = from_depth(1, 32, 32, family);
  set_width(config, 32);
  set_heads(config, 4);
  config.num_layers = 2;
  config.sliding_window = config.sliding_window > 0 ? 4 : 0;
  return config;
}

// Trains with graphs and without, and wants the same events and weights. Gives the run with graphs.
TrainResult expect_same_bits(TrainOptions options, const ModelConfig& config, Recompute recompute = Recompute::kNone) {
  std::vector<std::unique_ptr<LanguageModel>> models;
  std::vector<std::string> logs;
  TrainResult result;
  for (const bool graphs : {false, true}) {
    options.graphs = graphs;
    Bench bench;
    models.push_back(make_model(config, 1));
    models.back()->set_recompute(recompute);
    result = bench.go(*models.back(), options);
    EXPECT_EQ(num_replays > 0, graphs);
    logs.push_back(bench.log);
  }
  EXPECT_TRUE(result.warnings.empty()) << result.warnings.at(0);
  EXPECT_EQ(logs[0], logs[1]);
  EXPECT_TRUE(same_weights(*models[0], *models[1]));
  return result;
}

struct FamilyAndPrecision {
  const char* family;
  const char* precision;
};
class TrainGraphFamily : public TrainGraph, public ::testing::WithParamInterface<FamilyAndPrecision> {};

// Batches differ from step to step: tokens that a graph held as constants would give other losses.
TEST_P(TrainGraphFamily, HasTheBitsOfARunWithout) {
  TrainOptions options = graph_options(6);
  options.micro_batch = 2;
  options.precision = GetParam().precision;
  options.eval_every = 4;
  options.watch_every = 5;
  expect_same_bits(options, config_of(GetParam().family));
  // Six steps of three pieces: two warm, one noted, one watched.
  EXPECT_EQ(num_replays, 6);
  EXPECT_EQ(num_captures, 2);
}

INSTANTIATE_TEST_SUITE_P(All, TrainGraphFamily,
                         ::testing::Values(FamilyAndPrecision{"llama", "fp32"}, FamilyAndPrecision{"llama", "bf16"},
                                           FamilyAndPrecision{"llama", "fp16"}, FamilyAndPrecision{"gpt2", "fp32"},
                                           FamilyAndPrecision{"gpt2", "bf16"}, FamilyAndPrecision{"qwen3", "fp32"},
                                           FamilyAndPrecision{"gemma3", "bf16"}));

TEST_F(TrainGraph, RecomputationIsCaptured) {
  for (const Recompute recompute : {Recompute::kMlp, Recompute::kBlock}) {
    num_replays = 0;
    expect_same_bits(graph_options(5), tiny_config(), recompute);
  }
}

TEST_F(TrainGraph, AveragesNoiseAndSmoothing) {
  TrainOptions options = graph_options(6);
  options.ema_decay = 0.5;
  options.grad_noise = 1e-3;
  options.label_smoothing = 0.1;
  options.optimizer.name = "muon";
  expect_same_bits(options, tiny_config());
}

// Pieces of another size are run as ever, among captured ones.
TEST_F(TrainGraph, ARestOfTheBatchIsRunAsEver) {
  TrainOptions options = graph_options(6);
  options.batch_size = 5;
  options.micro_batch = 2;
  expect_same_bits(options, tiny_config());
  EXPECT_EQ(num_replays, 6) << "two of the three pieces of three steps";
}

TEST_F(TrainGraph, AGrowingBatchIsCapturedWhenItHasGrown) {
  TrainOptions options = graph_options(10);
  options.micro_batch = 0;
  options.batch_start = 2;
  options.batch_warmup_steps = 4;
  expect_same_bits(options, tiny_config());
  EXPECT_EQ(num_replays, 3);
}

TEST_F(TrainGraph, StoppedAndResumedIsTheSameToTheBit) {
  TrainOptions options = graph_options(10);
  options.precision = "bf16";
  options.graphs = true;
  Bench whole;
  const auto model = make_model(tiny_config(), 1);
  whole.go(*model, options);
  Bench parts;
  TrainOptions until = options;
  until.stop_at = 5;
  parts.go(*make_model(tiny_config(), 1), until);
  const auto after = make_model(tiny_config(), 1);
  EXPECT_EQ(parts.go(*after, options).resumed_from, 5);
  EXPECT_TRUE(same_weights(*model, *after));
  EXPECT_EQ(parts.log, whole.log);
}

// Wherever this token comes the loss is no number, the update is left out and fp16's scale falls; the graph's gradients, which lie
// where those of that step lay, are none the worse. Rows that are padded have other counts of targets in each step.
TEST_F(TrainGraph, AfterASkippedUpdateTheBitsAreTheSame) {
  std::vector<std::vector<int32_t>> documents = counting_documents(30, 25, 32, 1);
  documents.insert(documents.begin() + 15, std::vector<int32_t>(10, 40));
  const TemporaryFolder folder;
  const TokenSet tokens = make_token_set(folder.path() / "tokens", documents, 64);
  TrainOptions options = graph_options(10);
  options.on_spike = "skip";
  options.precision = "fp16";
  options.packing = "best_fit";
  ModelConfig config = tiny_config();
  config.vocab_size = 64;
  config.tie_embeddings = false;
  std::vector<std::unique_ptr<LanguageModel>> models;
  for (const bool graphs : {false, true}) {
    options.graphs = graphs;
    models.push_back(make_model(config, 1));
    for (const NamedParameter& parameter : models.back()->named_parameters()) {
      if (parameter.name == "model.embed_tokens.weight") {
        parameter.tensor.detach()[40].fill_(std::numeric_limits<float>::quiet_NaN());
      }
    }
    CausalObjective objective(*models.back(), {{"train", &tokens}}, nullptr, options);
    const TrainResult result = train(objective, options, folder.path() / (graphs ? "graphs" : "none"), {});
    EXPECT_GT(result.num_skipped, 0);
    EXPECT_LT(result.num_skipped, 8);
  }
  EXPECT_GT(num_replays, 0);
  EXPECT_TRUE(same_weights(*models[0], *models[1]));
}

// Does in some of its passes what no capture can follow. The first call notes, the second and third capture.
class BadObjective : public CausalObjective {
 public:
  using CausalObjective::CausalObjective;
  at::Tensor loss_of(const std::vector<at::Tensor>& piece) override {
    const at::Tensor loss = CausalObjective::loss_of(piece);
    if (++calls == looks_at_call) {
      loss.item<float>();
    }
    if (counts) {
      return loss.add(device::transfer(at::full({}, static_cast<double>(calls), at::kFloat), loss.device()).mul(0));
    }
    return loss;
  }
  int64_t calls = 0;
  int64_t looks_at_call = 0;
  bool counts = false;
};

TEST_F(TrainGraph, WhatCannotBeCapturedIsRunAsEverAndSaid) {
  TrainOptions options = graph_options(5);
  options.precision = "bf16";
  Bench wanted;
  const auto model = make_model(tiny_config(), 1);
  wanted.go(*model, options);
  options.graphs = true;
  for (const int64_t looks_at_call : {0, 2, 3}) {  // 0: moves a value that differs
    SCOPED_TRACE(looks_at_call);
    Bench bench;
    const auto own = make_model(tiny_config(), 1);
    BadObjective objective(*own, {{"train", &bench.train_tokens}}, &bench.valid_tokens, options);
    objective.looks_at_call = looks_at_call;
    objective.counts = looks_at_call == 0;
    const TrainResult result = train(objective, options, bench.state, bench.hooks());
    ASSERT_EQ(result.warnings.size(), 1u);
    EXPECT_NE(result.warnings[0].find("graphs"), std::string::npos);
    EXPECT_EQ(bench.log, wanted.log);
    EXPECT_TRUE(same_weights(*model, *own));
  }
}

void expect_refused(const TrainOptions& options, const ModelConfig& config, const std::string& knob) {
  Bench bench;
  try {
    bench.go(*make_model(config, 1), options);
    ADD_FAILURE() << knob;
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::kUsage);
    EXPECT_EQ(error.where(), "graphs");
    EXPECT_NE(error.hint().find(knob), std::string::npos) << error.hint();
  }
}

TEST_F(TrainGraph, WhatDiffersFromPieceToPieceIsRefused) {
  TrainOptions options = graph_options(2);
  options.graphs = true;
  expect_refused(options, tiny_config(0.1), "dropout=0");
  ModelConfig config = tiny_config();
  config.attention_dropout = 0.1;
  expect_refused(options, config, "attention_dropout=0");
  config = tiny_config();
  config.stochastic_depth = 0.1;
  expect_refused(options, config, "stochastic_depth=0");
  expect_refused(options, from_depth(1, 32, 32, "lstm"), "model.family");
  options.document_mask = true;
  expect_refused(options, tiny_config(), "document_mask=false");
  options = graph_options(2);
  options.graphs = true;
  options.device = "cpu";
  expect_refused(options, tiny_config(), "device=cuda");
}

TEST_F(TrainGraph, SeveralProcessesAreRefused) {
  Bench bench;
  const TrainOptions options = graph_options(2);
  const auto model = make_model(tiny_config(), 1);
  CausalObjective objective(*model, {{"train", &bench.train_tokens}}, nullptr, options);
  EXPECT_NO_THROW(require_graphs(objective, 1));
  EXPECT_THROW(require_graphs(objective, 2), Error);
}

TEST_F(TrainGraph, AnyDeviceMayBeTheHost) {
  set_gpu_unit(nullptr);
  if (open_device("auto").type() == at::kCUDA) {
    GTEST_SKIP() << "this machine has a GPU";
  }
  TrainOptions options = graph_options(3);
  options.device = "auto";
  options.graphs = true;
  Bench bench;
  EXPECT_EQ(bench.go(*make_model(tiny_config(), 1), options).status, TrainStatus::kDone);
}

}  // namespace
}  // namespace athanor
