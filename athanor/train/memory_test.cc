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
  EXPECT_EQ(fitting_micro_batch(config, options, enough), 4096);
  const int64_t rows = fitting_micro_batch(config, options, enough / 10);
  EXPECT_GT(rows, 0);
  EXPECT_LT(rows, 4096);
  options.micro_batch = rows;
  EXPECT_LE(plan_memory(config, options).total(), enough / 10);
  EXPECT_EQ(fitting_micro_batch(config, options, 1000), 0);
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
