// Names and small readers that both halves of checkpointing share.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "athanor/base/file.h"

namespace athanor {

constexpr const char* kCheckpointPrefix = "checkpoint-";
constexpr const char* kModelName = "model.safetensors";
constexpr const char* kOptimizerName = "optimizer.safetensors";
constexpr const char* kTrainerName = "trainer.json";

// The step in a folder's name, checkpoint-00000500; nothing for other names (half-written ones end in .tmp).
std::optional<int64_t> checkpoint_step(const fs::path& path);

// The folder's name: eight digits at least.
std::string checkpoint_name(int64_t step);

// All checkpoint folders of a state folder, by step. Not verified.
std::vector<fs::path> list_checkpoints(const fs::path& state_dir);

// The metric in a checkpoint's trainer.json, where it has one.
std::optional<double> checkpoint_metric(const fs::path& checkpoint);

}  // namespace athanor
