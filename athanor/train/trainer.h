// The training loop: resume, step, evaluate, checkpoint, stop. One short loop; everything that decides a value is a
// pure function of (options, step) or stands in the checkpoint, so that 5 + 5 steps equal 10 bit for bit.
//
//   auto point = find_resume_point(run / "state");
//   events.truncate(point ? point->event_position : 0);
//   CausalObjective objective(model, tokens, &valid, options);
//   TrainResult result = train(objective, options, run / "state", hooks);
//   if (result.status == TrainStatus::kDone) save_model(...);
//
// Loss: sum of the losses over the number of targets that count in the WHOLE batch, so that micro_batch changes
// the result by rounding only (tests state the bound).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "athanor/base/file.h"
#include "athanor/tensor/process_group.h"
#include "athanor/train/checkpoint.h"
#include "athanor/train/memory.h"
#include "athanor/train/objective.h"
#include "athanor/train/options.h"

namespace athanor {

// A checkpoint that was looked for: none, or the newest that verifies; and what was passed over.
struct FoundCheckpoint {
  std::optional<ResumePoint> point;
  std::vector<std::string> warnings;
};

// Any of them may be empty.
struct TrainHooks {
  // One event. Clocks stand only in the keys "seconds", "breakdown", "<unit>_per_second", "mfu" and "eta_seconds"; all
  // else is the same on every run. <unit>: the objective's, "tokens" or "samples".
  //   {"type":"step","step","loss","lr","grad_norm","<unit>","seconds","breakdown","<unit>_per_second","mfu"}
  //     breakdown: seconds spent in "load" (waiting for data), "forward", "backward", "update", "other"
  //   {"type":"eval","step","loss", ... what the objective measures ..., "seconds"}
  //   {"type":"decision","step","what","why"}: a lower rate on a plateau, an early end
  //   {"type":"spike","step","loss","grad_norm","reason","action","documents"}; a rollback adds "to_step"
  //   {"type":"overflow","step","loss_scale"}: fp16, the update was left out; the scale from now on
  //   {"type":"watch","step","parameters":{name:{"weight","gradient","ratio"}},"activations":{...}}: see watch.h
  std::function<void(const nlohmann::json&)> emit;
  // Flushes the event log and gives its size, which the checkpoint stores.
  std::function<uint64_t()> event_position;
  // Asked after every step; true: checkpoint and return paused.
  std::function<bool()> stop_requested;
  // fraction of all steps done, and what a progress line shows: the step event with "eta_seconds".
  std::function<void(double fraction, const nlohmann::json&)> progress;
  // What find_resume_point(state_dir) gave a moment ago, so that the same checkpoint is not read and verified twice; empty: it
  // is looked for. Rank 0's counts.
  std::optional<FoundCheckpoint> found;
  fs::path trace_path;  // where profile_steps are written; empty: nowhere
};

enum class TrainStatus { kDone, kPaused };

struct TrainResult {
  TrainStatus status = TrainStatus::kDone;
  int64_t step = 0;                      // updates done, earlier processes included
  int64_t resumed_from = 0;              // the step this process began at
  uint64_t num_units = 0;                // of the objective, trained on, earlier processes included
  double loss = 0;                       // of the last step of this process; NaN when it made none
  std::optional<nlohmann::json> last_eval;  // the last eval event, clocks left out
  std::optional<double> best_metric;     // lowest validation loss, and its step
  int64_t best_step = 0;
  bool stopped_early = false;            // by patience
  int64_t num_skipped = 0;               // updates left out because of spikes, earlier processes included
  int64_t num_rollbacks = 0;             // likewise
  nlohmann::json breakdown;              // seconds of this process by what they went into, see TrainHooks::emit
  nlohmann::json memory_by_use;          // measured bytes: "parameters", "gradients", "optimizer", "weight_average"
  double seconds = 0;                    // in this process: training and evaluation
  double units_per_second = 0;           // training steps only
  double mfu = 0;                        // against gemm_peak
  double gemm_peak = 0;                  // FLOP/s of this machine's own matrix products
  MemoryPlan memory;                     // predicted
  uint64_t peak_bytes = 0;               // measured: VmHWM
  std::vector<std::string> warnings;     // checkpoints that did not verify
};

// Trains until options.steps, options.stop_at or a stop request. The module is left in evaluation mode with the final
// weights. Throws Error(kUsage) for options out of range, Error(kInput) for a checkpoint made with other options or a
// spike that stops the run (it names step and documents), Error(kResource) when a checkpoint cannot be written.
//
// group: one process of several (parallel.h). All call this with the same arguments but for the hooks; batch_size counts
// the samples of all. Rank 0 decides (resume, validation, stop, when to save) and writes state_dir, which the others read:
// a folder that all machines see. stop_requested may become true on any one of them. Only rank 0 is left with the final
// weights.
TrainResult train(Objective& objective, const TrainOptions& options, const fs::path& state_dir,
                  const TrainHooks& hooks, ProcessGroup* group = nullptr);

// Checks what can be checked without data. Throws Error(kUsage) that names the option.
void check_options(const TrainOptions& options);

// Error(kUsage) for an option that means nothing without a validation set: patience, final_weights: best, plateau, rules over it.
void require_validation(const TrainOptions& options);

// What the schedule will not do, though its options look as if it did; one sentence each.
std::vector<std::string> schedule_warnings(const TrainOptions& options);

// The fields that decide the result, as a checkpoint records them.
nlohmann::json to_json(const TrainOptions& options);

}  // namespace athanor
