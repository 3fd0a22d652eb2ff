// Not a test: what a checkpoint costs, run by name:
//   train_tests --gtest_also_run_disabled_tests --gtest_filter='CheckpointBench*'   with ATHANOR_BENCH="FOLDER 400 5"
// (a folder on the disk in question, megabytes of parameters, rounds). A line a round: the seconds that save() holds
// training up, the seconds until all is on disk, and those of a plain sequential write and fsync of as many bytes.
#include <gtest/gtest.h>

#include <ATen/ops/rand.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <sstream>

#include "athanor/train/checkpoint.h"

namespace athanor {
namespace {

double seconds_of(const std::function<void()>& work) {
  const auto start = std::chrono::steady_clock::now();
  work();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

TEST(CheckpointBench, DISABLED_SaveAgainstPlainWrite) {
  std::string folder = "/tmp";
  int64_t megabytes = 400;
  int rounds = 5;
  if (const char* given = std::getenv("ATHANOR_BENCH")) {
    std::istringstream(given) >> folder >> megabytes >> rounds;
  }
  NamedTensors model;
  NamedTensors optimizer;
  for (int64_t i = 0; i < megabytes / 4; ++i) {
    const std::string name = "layers." + std::to_string(i);
    model.emplace_back(name, at::rand({1 << 20}, at::kFloat));
    optimizer.emplace_back("exp_avg." + name, at::rand({1 << 20}, at::kFloat));
    optimizer.emplace_back("exp_avg_sq." + name, at::rand({1 << 20}, at::kFloat));
  }
  const auto bytes = static_cast<double>(3 * (megabytes / 4) * (1 << 22));
  const fs::path state = fs::path(folder) / "athanor-checkpoint-bench";
  for (int round = 0; round < rounds; ++round) {
    fs::remove_all(state);
    fs::create_directories(state);
    const double plain = seconds_of([&] {
      FileWriter file(state / "plain");
      for (const NamedTensors* tensors : {&model, &optimizer}) {
        for (const auto& [name, tensor] : *tensors) {
          file.write({static_cast<const char*>(tensor.const_data_ptr()), tensor.nbytes()});
        }
      }
      file.sync();
      file.close();
    });
    fs::remove(state / "plain");
    double stall = 0;
    const double whole = seconds_of([&] {
      CheckpointWriter writer(state, {1, false}, std::nullopt);
      stall = seconds_of([&] { writer.save(1, model, optimizer, {{"step", 1}}); });
      writer.wait();
    });
    std::printf("%.1f MB: held up %.3f s, on disk after %.3f s (%.0f MB/s); plain %.3f s (%.0f MB/s); ratio %.2f\n",
                bytes / 1e6, stall, whole, bytes / whole / 1e6, plain, bytes / plain / 1e6, plain / whole);
  }
  fs::remove_all(state);
}

}  // namespace
}  // namespace athanor
