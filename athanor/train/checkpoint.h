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

// The newest checkpoint below state_dir whose MANIFEST verifies. Each one passed over adds a sentence to
// warnings. None, or no state_dir: nothing. Reads and hashes every byte of the one it returns.
std::optional<ResumePoint> find_resume_point(const fs::path& state_dir, std::vector<std::string>* warnings = nullptr);

// The checkpoint with the lowest metric among those that verify; nothing when none has one.
std::optional<ResumePoint> find_best_checkpoint(const fs::path& state_dir);

// Copies a file's tensors into those given, matched by name. Error(kInput) unless names, types and shapes are
// exactly the same.
void load_tensors(const fs::path& safetensors, const NamedTensors& into);

// Writes checkpoints beside training: save() copies the tensors and returns, a thread does the rest.
class CheckpointWriter {
 public:
  // keep_last >= 1. Removes what an earlier process left half-written, and, when resumed_step is given, every
  // checkpoint after it (they did not verify).
  CheckpointWriter(fs::path state_dir, int64_t keep_last, bool keep_best, std::optional<int64_t> resumed_step);
  ~CheckpointWriter();  // waits for the thread; an error is lost here: call wait()
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  // Takes a checkpoint of this step. trainer must hold "step"; "metric" (a number; lower is better) where this
  // step was evaluated. Waits for the one before, and throws its error.
  void save(int64_t step, const NamedTensors& model, const NamedTensors& optimizer, nlohmann::json trainer);

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
  int64_t keep_last_;
  bool keep_best_;
  int64_t last_step_ = -1;
  std::thread thread_;
  std::atomic<bool> failed_{false};
  std::exception_ptr error_;
};

}  // namespace athanor
