// Not a test: the pretraining benchmark's own side, run by name (bench/pretrain_peer.py is the other).
//   model_tests --gtest_also_run_disabled_tests --gtest_filter='StepBench*'   with ATHANOR_BENCH="large bf16 5"
#include <gtest/gtest.h>

#include <ATen/Parallel.h>
#include <ATen/ops/randint.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/host_memory.h"

namespace athanor {
namespace {

ModelConfig bench_config(const std::string& shape) {
  ModelConfig config = from_depth(6, 8192, 256);
  if (shape == "char") {
    config.num_layers = config.num_heads = config.num_kv_heads = 4;
    config.hidden_size = 128;
    config.intermediate_size = 384;
    config.max_positions = 64;
    config.vocab_size = 65;
  }
  return config;
}

TEST(StepBench, DISABLED_ForwardAndBackward) {
  std::string shape = "large";
  std::string precision = "fp32";
  int steps = 5;
  if (const char* given = std::getenv("ATHANOR_BENCH")) {
    std::istringstream(given) >> shape >> precision >> steps;
  }
  keep_freed_memory();
  const ModelConfig config = bench_config(shape);
  const int64_t rows = shape == "char" ? 12 : 16;
  auto model = make_model(config, 1);
  model->set_precision(precision == "bf16" ? Precision::kBf16 : Precision::kFp32);
  model->set_training(true);
  const at::Tensor ids = at::randint(config.vocab_size, {rows, config.max_positions + 1}, at::kLong);
  Batch batch;
  batch.tokens_BT = ids.narrow(1, 0, config.max_positions).contiguous();
  batch.targets_BT = ids.narrow(1, 1, config.max_positions).contiguous();
  const double count = static_cast<double>(batch.targets_BT.numel());
  const auto parameters = model->named_parameters();
  for (int step = 0; step < steps + 2; ++step) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    model->begin_step();
    backward(model->loss_sum(batch, 0).div(count));
    for (const NamedParameter& parameter : parameters) {
      parameter.tensor.mutable_grad() = at::Tensor();
    }
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    if (step >= 2) {
      std::printf("%.6f %.6f\n", seconds.count(), static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
    }
  }
}

}  // namespace
}  // namespace athanor
