// Not a test: the pretraining benchmark's own side, run by name (bench/pretrain_peer.py is the other). One line of JSON.
//   train_tests --gtest_also_run_disabled_tests --gtest_filter='StepBench*'   with ATHANOR_BENCH="a bf16 5 none fp32"
#include <gtest/gtest.h>

#include <ATen/ops/randint.h>

#include <chrono>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include <nlohmann/json.hpp>

#include "athanor/base/machine.h"
#include "athanor/model/language_model.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/train/optimizer.h"
#include "athanor/train/throughput.h"

namespace athanor {
namespace {

struct Shape {
  ModelConfig config;
  int64_t rows;
};

Shape gpt2(int64_t layers, int64_t width, int64_t length, int64_t vocab, int64_t rows) {
  ModelConfig config;
  config.family = "gpt2";
  config.vocab_size = vocab;
  config.hidden_size = width;
  config.num_layers = layers;
  config.num_heads = config.num_kv_heads = width / 64;
  config.intermediate_size = 4 * width;
  config.max_positions = length;
  config.tie_embeddings = true;
  return {config, rows};
}

Shape shape_named(const std::string& name) {
  if (name == "a") {
    return gpt2(6, 384, 256, 8192, 16);
  }
  if (name == "b") {
    return gpt2(12, 768, 512, 50304, 4);
  }
  if (name == "llama") {
    return {from_depth(6, 8192, 256), 16};
  }
  Shape shape = gpt2(4, 128, 64, 65, 12);  // char
  shape.config.num_heads = shape.config.num_kv_heads = 4;
  return shape;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(StepBench, DISABLED_Step) {
  const auto process_start = std::chrono::steady_clock::now();
  std::string name = "a";
  std::string precision_name = "fp32";
  int steps = 5;
  std::string recompute = "none";
  OptimizerOptions optimizer_options;
  if (const char* given = std::getenv("ATHANOR_BENCH")) {
    std::istringstream(given) >> name >> precision_name >> steps >> recompute >> optimizer_options.state;
  }
  keep_freed_memory();
  const auto [config, rows] = shape_named(name);
  const Precision precision = precision_name == "bf16"   ? Precision::kBf16
                              : precision_name == "fp16" ? Precision::kFp16
                                                         : Precision::kFp32;
  auto model = make_model(config, 1);
  model->set_precision(precision);
  model->set_training(true);
  model->set_recompute(recompute == "block" ? Recompute::kBlock
                       : recompute == "mlp" ? Recompute::kMlp
                                            : Recompute::kNone);
  Optimizer optimizer(model->named_parameters(), optimizer_options);
  const at::Tensor ids = at::randint(config.vocab_size, {rows, config.max_positions + 1}, at::kLong);
  Batch batch;
  batch.tokens_BT = ids.narrow(1, 0, config.max_positions).contiguous();
  batch.targets_BT = ids.narrow(1, 1, config.max_positions).contiguous();
  const double count = static_cast<double>(batch.targets_BT.numel());
  nlohmann::json out = {{"tokens", count}, {"flops", count * flops_per_token(config, config.max_positions)}};
  for (int step = 0; step < steps + 2; ++step) {
    const auto start = std::chrono::steady_clock::now();
    const std::clock_t cpu = std::clock();
    model->begin_step();
    backward(model->loss_sum(batch, 0).div(count));
    optimizer.step(1e-4, clip_scale(optimizer.grad_norm(), 1.0));
    optimizer.zero_grad();
    if (step == 0) {
      out["first_step"] = seconds_since(process_start);
    }
    if (step >= 2) {
      out["wall"].push_back(seconds_since(start));
      out["cpu"].push_back(static_cast<double>(std::clock() - cpu) / CLOCKS_PER_SEC);
    }
  }
  out["peak_bytes"] = peak_memory_bytes();
  out["gemm"] = measure_gemm_peak(precision, 0.5);
  std::printf("%s\n", out.dump().c_str());
}

}  // namespace
}  // namespace athanor
