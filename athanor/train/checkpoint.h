// Everything a bit-exact continuation needs, in a folder that is whole or not there (README.md):
//
//   state/checkpoint-00000500/
//     model.safetensors        fp32 master weights, by the model's own parameter names
//     optimizer.safetensors    exp_avg.<name>, exp_avg_sq.<name>
//     trainer.json             step, samples consumed, schedules' and guards' state, place in the event log
//     MANIFEST                 "<sha256>  <bytes>  <name>" a line, written last
//
// It is written as checkpoint-00000500.tmp, fsynced file by file, renamed, and the parent fsynced. A folder whose
// MANIFEST does not verify is named in a warning and the one before it is used.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <exception>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

#include "athanor/base/file.h"

namespace athanor {

using NamedTensors = std::vector<std::pair<std::string, at::Tensor>>;

// A checkpoint on disk that verified.
struct ResumePoint {
  fs::path path;
  int64_t step = 0;             // optimiser steps done
  uint64_t event_position = 0;  // the event log's size then: truncate it to this before going on
  nlohmann::json trainer;       // the whole trainer.json
};

// The newest checkpoint below state_dir whose MANIFEST verifies; where the best counts, too (final_weights: best), the one
// of the best validation before it must verify as well, else the search goes on before that one. Each one passed over adds
// a sentence to warnings. None, or no state_dir: nothing. Reads and hashes every byte of what it returns and asks for.
std::optional<ResumePoint> find_resume_point(const fs::path& state_dir, bool best_counts = false,
                                             std::vector<std::string>* warnings = nullptr);

// That step's, if it is there and verifies; else why not is added to warnings.
std::optional<ResumePoint> find_checkpoint(const fs::path& state_dir, int64_t step,
                                           std::vector<std::string>* warnings = nullptr);

// Copies a file's tensors into those given, matched by name. Error(kInput) unless names, types and shapes are
// exactly the same.
void load_tensors(const fs::path& safetensors, const NamedTensors& into);

// Which checkpoints stay beside the newest.
struct KeepCheckpoints {
  int64_t last = 1;      // so many of the newest, >= 1
  bool best = false;     // the one with the lowest metric
  int64_t multiple = 0;  // > 0: the last of a step that this divides
};

// Writes checkpoints beside training: save() copies the tensors and returns, a thread does the rest.
class CheckpointWriter {
 public:
  // Removes what an earlier process left half-written, and every checkpoint after resumed_step (they did not verify).
  CheckpointWriter(fs::path state_dir, const KeepCheckpoints& keep, std::optional<int64_t> resumed_step);
  ~CheckpointWriter();  // waits for the thread; an error is lost here: call wait()
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Takes a checkpoint of this step. trainer must hold "step"; "metric" (a number; lower is better) where this
  // step was evaluated. Waits for the one before, and throws its error.
  void save(int64_t step, const NamedTensors& model, const NamedTensors& optimizer, nlohmann::json trainer);

  // Waits, then removes the checkpoints of later steps: of a way that was left.
  void remove_after(int64_t step);

  // Throws the error of a write that failed, if one did: Error(kResource) on a full disk.
  void poll();
  void wait();

  // The step of the last save(), or the one resumed from; -1 when there is none.
  int64_t last_step() const { return last_step_; }

 private:
  struct Snapshot;
  void write(const Snapshot& snapshot);
  void prune();

  fs::path state_dir_;
  KeepCheckpoints keep_;
  int64_t last_step_ = -1;
  std::thread thread_;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

}  // namespace athanor
