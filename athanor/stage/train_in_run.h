// What every verb that trains shares: a trainer inside a run directory, with its events, progress line, TensorBoard file,
// resume, pause and interruption. Part of the torch unit.
//
//   CausalObjective objective(...);
//   nlohmann::json json = train_in_run(context, objective, options, {{"documents", n}});
//   if (json.contains("paused")) { return json; }
//   ... save the model into context.run.out_tmp() ...
#pragma once

#include <nlohmann/json.hpp>

#include "athanor/run/verb.h"
#include "athanor/train/trainer.h"

namespace athanor {

// Trains to the end, to stop_at ({"paused": why}) or to an interrupt (Error(kInterrupted), state kept). started: what the
// run's "started" event tells beside step and parameters. The result: parameters, steps, <unit>, <unit>_per_second,
// train_loss, mfu, gemm_peak_flops, flops_per_unit, skipped_steps, memory, time, and where there was a validation: valid,
// best_valid_loss, best_step; "summary".
// On a rank other than 0 (StageContext::ranks): {"follows": true}, and nothing is to be saved.
nlohmann::json train_in_run(StageContext& context, Objective& objective, const TrainOptions& options,
                            const nlohmann::json& started);

// Copies the last checkpoint to out/checkpoint (keep_state).
void keep_last_checkpoint(const Run& run);

}  // namespace athanor
