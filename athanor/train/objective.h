// What is trained, on what, and by which loss: the only thing that differs between causal language modelling, masked
// language modelling, classification and the rest. The trainer (trainer.h) does everything else.
//
//   CausalObjective objective(model, train_tokens, &valid_tokens, options);
//   TrainResult result = train(objective, options, run / "state", hooks);
//
// Samples are numbered 0, 1, 2, ... without end; which data sample g is must be a pure function of (seed, g), so that a
// resume, accumulation, a growing batch and a changed number of ranks all see the same samples.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include <ATen/core/Tensor.h>
#include <nlohmann/json.hpp>

#include "athanor/eval/eval_share.h"
#include "athanor/model/nn/module.h"
#include "athanor/tensor/dtype.h"
#include "athanor/train/memory.h"

namespace athanor {

// Pieces of a batch that differ in these host tensors alone, so that a GPU may keep one's passes and run them again for all
// others (graph_pieces.h).
class CapturedPieces {
 public:
  virtual ~CapturedPieces() = default;
  // Error(kUsage) that names what of the model or the data a captured piece cannot follow, and the option that changes it.
  virtual void require_capturable() const = 0;
  // Rows [begin, begin + count) of the batch that was loaded, contiguous. Checked as loss_of does it, which a replay does not.
  virtual std::vector<at::Tensor> piece(int64_t begin, int64_t count) const = 0;
  // As Objective::loss_sum of those rows. What else it moves to the GPU is the same for every piece of so many rows.
  virtual at::Tensor loss_of(const std::vector<at::Tensor>& piece) = 0;
};

class Objective {
 public:
  Objective() = default;
  Objective(const Objective&) = delete;
  Objective& operator=(const Objective&) = delete;
  virtual ~Objective() = default;

  // Its parameters are trained; its parameters and buffers are what a checkpoint holds.
  virtual Module& module() = 0;
  virtual void set_precision(Precision precision) = 0;
  // Whether its model and losses run on a GPU.
  virtual bool runs_on_gpu() const { return false; }
  // Called when parameters may have changed: drops casted copies.
  virtual void begin_step() = 0;

  // {"model": ..., "data": ...}: what must be the same for a checkpoint to be continued.
  virtual nlohmann::json fingerprint() const = 0;

  // What speed is counted in ("tokens", "samples"), how many a sample holds, and the cost of one, forward and backward;
  // 0 = not known, then no MFU is told.
  virtual std::string unit() const { return "samples"; }
  virtual int64_t units_per_sample() const { return 1; }
  virtual double flops_per_unit() const { return 0; }
  // Prediction for the report; all zero = none.
  virtual MemoryPlan memory(const TrainPlace&) const { return {}; }
  MemoryPlan memory() const { return memory(TrainPlace()); }

  // Takes samples [first, first + count) as the batch that loss_sum cuts. Returns how many targets in it count: the
  // trainer divides by the sum over the whole batch, whatever it was cut into. Throws Error(kInput) for data that
  // cannot be used.
  virtual int64_t load(uint64_t first, int64_t count) = 0;

  // The sum of the losses of rows [begin, begin + count) of the batch, a scalar recorded by autograd. dropout_seed names
  // this call's masks. The module's training mode says whether dropout is on.
  virtual at::Tensor loss_sum(int64_t begin, int64_t count, uint64_t dropout_seed) = 0;

  // Null: its pieces cannot be captured.
  virtual CapturedPieces* captured_pieces() { return nullptr; }

  // The documents (or rows) that samples [first, first + count) touch, for a message about them: at most 32, then a last
  // entry "... and N more".
  virtual std::vector<std::string> documents_of(uint64_t first, int64_t count) const = 0;

  // Scores the validation set: an object with "loss" (lower is better, what keeps the best checkpoint and early stopping
  // read) and whatever else the objective measures. Nothing when there is no such set. Leaves the module in evaluation
  // mode. share: of several processes, which all call this and get the same.
  virtual std::optional<nlohmann::json> evaluate(const EvalShare& share) = 0;
  std::optional<nlohmann::json> evaluate() { return evaluate(EvalShare()); }
};

}  // namespace athanor
