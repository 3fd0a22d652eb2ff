#include "athanor/train/memory.h"

#include <gtest/gtest.h>

#include "athanor/base/error.h"
#include "athanor/tensor/bf16_product.h"

namespace athanor {
namespace {

TEST(MemoryPlan, CountsWhatIsKnownExactly) {
  const ModelConfig config = from_depth(6, 8192, 256);
  TrainOptions options;
  options.precision = "bf16";
  const MemoryPlan plan = plan_memory(config, options);
  const auto params = static_cast<uint64_t>(num_parameters(config));
  EXPECT_EQ(plan.parameters, 4 * params);
  EXPECT_EQ(plan.gradients, 4 * params);
  EXPECT_EQ(plan.optimizer, 8 * params);
  const int64_t copied = has_bf16_product() ? config.vocab_size * config.hidden_size : num_matmul_parameters(config);
  EXPECT_EQ(plan.compute_copies, 2 * static_cast<uint64_t>(copied));
  EXPECT_EQ(plan.to_json()["total"].get<uint64_t>(), plan.total());
}

// Peaks (VmHWM) measured on a 2-core machine, MB: see README.md.
TEST(MemoryPlan, IsWithinTenPercentOfMeasuredPeaks) {
  TrainOptions options;
  options.eval_every = 0;  // the peaks were measured without evaluation and checkpoints in between
  options.keep_best = false;
  options.checkpoint_every_steps = 0;
  options.batch_size = 16;
  options.sequence_length = 256;
  EXPECT_NEAR(static_cast<double>(plan_memory(from_depth(6, 8192, 256), options).total()) / 835e6, 1, 0.1);
  options.recompute = "block";
  EXPECT_NEAR(static_cast<double>(plan_memory(from_depth(6, 8192, 256), options).total()) / 559e6, 1, 0.1);
  options.precision = "bf16";
  EXPECT_NEAR(static_cast<double>(plan_memory(from_depth(6, 8192, 256), options).total()) / 519e6, 1, 0.1);
  options.recompute = "none";
  EXPECT_NEAR(static_cast<double>(plan_memory(from_depth(6, 8192, 256), options).total()) / 665e6, 1, 0.1);
}

TEST(MemoryPlan, SmallerPiecesNeedLess) {
  const ModelConfig config = from_depth(6, 8192, 256);
  TrainOptions options;
  const uint64_t whole = plan_memory(config, options).total();
  options.micro_batch = 4;
  EXPECT_LT(plan_memory(config, options).total(), whole * 4 / 5);
  options.sequence_length = 1024;
  EXPECT_EQ(plan_memory(config, options).activations > 0, true);
}

TEST(MemoryPlan, NamesTheMicroBatchThatFits) {
  const ModelConfig config = from_depth(4, 8192, 256);
  TrainOptions options;
  options.batch_size = 4096;
  const uint64_t enough = plan_memory(config, options).total();
  EXPECT_EQ(fitting_micro_batch(config, options, {}, enough), 4096);
  const int64_t rows = fitting_micro_batch(config, options, {}, enough / 10);
  EXPECT_GT(rows, 0);
  EXPECT_LT(rows, 4096);
  options.micro_batch = rows;
  EXPECT_LE(plan_memory(config, options).total(), enough / 10);
  EXPECT_EQ(fitting_micro_batch(config, options, {}, 1000), 0);
  options.micro_batch = 0;
  options.batch_size = int64_t{1} << 30;
  EXPECT_THROW(require_memory(config, options), Error);
}

// The average, its copy in a checkpoint, and nothing else.
TEST(MemoryPlan, CountsTheWeightAverage) {
  const ModelConfig config = from_depth(6, 8192, 256);
  TrainOptions options;
  const uint64_t without = plan_memory(config, options).total();
  options.ema_decay = 0.99;
  const MemoryPlan plan = plan_memory(config, options);
  EXPECT_EQ(plan.weight_average, plan.parameters);
  EXPECT_EQ(plan.checkpoint_copy, plan.parameters + plan.optimizer + plan.weight_average);
  EXPECT_EQ(plan.total(), without + 2 * plan.weight_average);
  EXPECT_EQ(plan.to_json()["weight_average"], plan.weight_average);
  EXPECT_EQ(plan_memory(num_parameters(config), options).weight_average, plan.weight_average);
}

// The refusal and its advice count the same: what the GPU holds, not what the host does.
TEST(MemoryPlan, GpuHasItsOwnSizes) {
  const ModelConfig config = from_depth(4, 32768, 256);
  TrainOptions options;
  options.batch_size = 256;
  options.precision = "bf16";
  const TrainPlace gpu{.gpu = true};
  const MemoryPlan plan = plan_memory(config, options, gpu);
  const uint64_t needed = memory_needed(plan, gpu);
  EXPECT_EQ(needed, plan.total() - plan.process - plan.checkpoint_copy - plan.examples);
  EXPECT_EQ(fitting_micro_batch(config, options, gpu, needed), options.batch_size);
  EXPECT_LT(fitting_micro_batch(config, options, gpu, needed - 1), options.batch_size);
  EXPECT_GE(plan.logits, uint64_t{2} << 28);  // chunks of 2^28 logits, two bytes each
  EXPECT_EQ(plan.compute_copies, 2 * static_cast<uint64_t>(num_matmul_parameters(config)));
  // Without flash kernels: five copies of 2^26 scores in fp32.
  options.precision = "fp32";
  const uint64_t host = plan_memory(config, options).temporaries;
  EXPECT_EQ(plan_memory(config, options, gpu).temporaries, host + 5 * 4 * (uint64_t{1} << 26));
}

TEST(MemoryPlan, RanksTakeTheirShare) {
  const ModelConfig config = from_depth(4, 8192, 256);
  TrainOptions options;
  options.batch_size = 4096;
  const MemoryPlan alone = plan_memory(config, options);
  const TrainPlace four{.ranks = 4, .local_ranks = 4};
  const MemoryPlan one = plan_memory(config, options, four);
  EXPECT_LT(one.activations, alone.activations / 3);
  EXPECT_EQ(one.optimizer, alone.optimizer / 4);
  EXPECT_EQ(one.checkpoint_copy, alone.checkpoint_copy);  // rank 0 gathers all moments
  EXPECT_EQ(memory_needed(one, four), 4 * one.total() - 3 * one.checkpoint_copy);
  EXPECT_EQ(memory_needed(plan_memory(config, options, {.ranks = 4}), {.ranks = 4}), one.total());  // on machines of their own
  EXPECT_EQ(fitting_micro_batch(config, options, four, memory_needed(one, four)), 1024);
  options.shard_optimizer = false;
  EXPECT_EQ(plan_memory(config, options, four).optimizer, alone.optimizer);
}

TEST(MemoryPlan, RecomputationKeepsLess) {
  const ModelConfig config = from_depth(12, 8192, 512);
  TrainOptions options;
  options.batch_size = 32;
  options.sequence_length = 512;
  const uint64_t none = plan_memory(config, options).activations;
  options.recompute = "mlp";
  const uint64_t mlp = plan_memory(config, options).activations;
  options.recompute = "block";
  const uint64_t block = plan_memory(config, options).activations;
  EXPECT_LT(mlp, none);
  EXPECT_LT(block, mlp / 2);
}

}  // namespace
}  // namespace athanor
