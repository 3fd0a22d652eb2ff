// How much memory a training run will need, by category, before it starts.
//
//   const MemoryPlan plan = plan_memory(config, options);
//   plan.total();     // bytes, to compare with the measured peak (VmHWM)
//   plan.to_json();   // {"parameters": ..., ..., "total": ...} in bytes
#pragma once

#include <cstdint>

#include <nlohmann/json.hpp>

#include "athanor/model/config.h"
#include "athanor/train/options.h"

namespace athanor {

// Bytes.
struct MemoryPlan {
  uint64_t parameters = 0;        // fp32 masters
  uint64_t gradients = 0;         // fp32
  uint64_t optimizer = 0;         // two fp32 moments
  uint64_t weight_average = 0;    // fp32, with ema_decay
  uint64_t compute_copies = 0;    // bf16 weights
  uint64_t activations = 0;       // what the forward pass keeps for the backward pass
  uint64_t temporaries = 0;       // the largest working set of one operation
  uint64_t logits = 0;            // one chunk of logits and the head's gradient buffers
  uint64_t allocator = 0;         // holes in the heap, workspaces of the matrix libraries (an empirical share)
  uint64_t evaluation = 0;        // what scoring a validation set in between adds
  uint64_t checkpoint_copy = 0;   // parameters, moments and the average while a checkpoint is written, beyond what a step frees
  uint64_t examples = 0;          // labelled examples, all of which are held
  uint64_t process = 0;           // program, LibTorch, thread stacks, data maps

  uint64_t total() const;
  nlohmann::json to_json() const;
};

MemoryPlan plan_memory(const ModelConfig& config, const TrainOptions& options);
// What any model of so many parameters costs; activations are the caller's to say.
MemoryPlan plan_memory(int64_t parameters, const TrainOptions& options);

// Error(kResource) with the knob to turn when a run would not fit into this machine's memory: better now than killed
// by the kernel in the middle.
void require_memory(const ModelConfig& config, const TrainOptions& options);

// What to turn so that it fits into so many bytes.
std::string memory_advice(const ModelConfig& config, const TrainOptions& options, uint64_t bytes);

// The largest micro_batch, the present one halved again and again, whose plan fits into so many bytes; 0 when not even
// one sequence does.
int64_t fitting_micro_batch(const ModelConfig& config, TrainOptions options, uint64_t bytes);

// What the checkpoints of a run and the saved model take on disk at most: keep_last, the best, and one being written.
uint64_t checkpoint_bytes(const ModelConfig& config, const TrainOptions& options);

}  // namespace athanor
