// How much memory a training run will need, by category, before it starts.
//
//   const MemoryPlan plan = plan_memory(config, options);
//   plan.total();     // bytes, to compare with the measured peak (VmHWM)
//   plan.to_json();   // {"parameters": ..., ..., "total": ...} in bytes
//   require_memory(config, options, {.gpu = true});
#pragma once

#include <cstdint>
#include <string>

#include <nlohmann/json.hpp>

#include "athanor/model/config.h"
#include "athanor/train/options.h"

namespace athanor {

// Where a run computes: on the host or on a GPU; in how many processes, which each take a share of the batch, and how many of
// them this machine has. They share the host's memory, but have a GPU each.
struct TrainPlace {
  bool gpu = false;
  int64_t ranks = 1;
  int64_t local_ranks = 1;
};

// Bytes of one process: of several, of rank 0, which alone writes checkpoints.
struct MemoryPlan {
  uint64_t parameters = 0;        // fp32 masters
  uint64_t gradients = 0;         // fp32
  uint64_t optimizer = 0;         // two fp32 moments; of several processes (ZeRO-1) this one's share
  uint64_t weight_average = 0;    // fp32, with ema_decay
  uint64_t compute_copies = 0;    // bf16 weights
  uint64_t activations = 0;       // what the forward pass keeps for the backward pass
  uint64_t temporaries = 0;       // the largest working set of one operation
  uint64_t logits = 0;            // one chunk of logits and the head's gradient buffers
  uint64_t allocator = 0;         // holes in the heap, workspaces of the matrix libraries (an empirical share)
  uint64_t evaluation = 0;        // what scoring a validation set in between adds
  uint64_t checkpoint_copy = 0;   // parameters, all moments and the average while a checkpoint is written, beyond what a step frees
  uint64_t examples = 0;          // labelled examples, all of which are held
  uint64_t process = 0;           // program, LibTorch, thread stacks, data maps

  uint64_t total() const;
  uint64_t on_gpu() const;  // of it, where the model lies on a GPU; the rest is the host's
  nlohmann::json to_json() const;
};

MemoryPlan plan_memory(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place = {});
// What any model of so many parameters costs; activations are the caller's to say.
MemoryPlan plan_memory(int64_t parameters, const TrainOptions& options, const TrainPlace& place = {});

// What a plan asks of the memory that counts: of this process's GPU, or of the host for all its processes together.
uint64_t memory_needed(const MemoryPlan& plan, const TrainPlace& place);
// What there is of it: what is free on the GPU that options.device names (any number where it does not tell), or what the host
// has.
uint64_t memory_offered(const TrainOptions& options, const TrainPlace& place);

// Error(kResource) with the knob to turn when a run would not fit: better now, before the model is made, than killed by the
// kernel in the middle.
void require_memory(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place = {});
// The same for any model's plan.
void require_memory(const MemoryPlan& plan, const TrainOptions& options, const TrainPlace& place, const std::string& advice);
// "needs 3.1 GB of memory, this machine has 2 GB".
std::string memory_shortage(uint64_t needed, uint64_t offered, const TrainPlace& place);

// What to turn so that it fits into so many bytes.
std::string memory_advice(const ModelConfig& config, const TrainOptions& options, const TrainPlace& place, uint64_t bytes);

// The largest micro_batch, the present one halved again and again, with which memory_needed is at most so many bytes; 0 when
// not even one sequence fits.
int64_t fitting_micro_batch(const ModelConfig& config, TrainOptions options, const TrainPlace& place, uint64_t bytes);

// What the checkpoints of a run and the saved model take on disk at most: keep_last, the best, and one being written.
uint64_t checkpoint_bytes(const ModelConfig& config, const TrainOptions& options);

}  // namespace athanor
