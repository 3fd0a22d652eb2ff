// Checks and JSON of the options.
#include "athanor/train/options.h"

#include <cmath>

#include "athanor/base/error.h"
#include "athanor/train/schedule.h"
#include "athanor/train/trainer.h"

namespace athanor {

namespace {

void require(bool ok, const char* what, const char* where) {
  if (!ok) {
    throw Error(ErrorKind::kUsage, what, where);
  }
}

}  // namespace

void check_options(const TrainOptions& o) {
  require(o.steps >= 1, "must be at least 1", "steps");
  require(o.batch_size >= 1, "must be at least 1", "batch_size");
  require(o.micro_batch >= 0, "must be 0 or more", "micro_batch");
  require(o.sequence_length >= 1, "must be at least 1", "sequence_length");
  require(o.sampling == "shuffled" || o.sampling == "random", "must be shuffled or random", "sampling");
  require(o.precision == "fp32" || o.precision == "bf16", "must be fp32 or bf16", "precision");
  require(o.on_spike == "stop" || o.on_spike == "skip" || o.on_spike == "ignore", "must be stop, skip or ignore",
          "on_spike");
  require(o.optimizer.beta1 >= 0 && o.optimizer.beta1 < 1, "must lie in [0, 1)", "optimizer.beta1");
  require(o.optimizer.beta2 >= 0 && o.optimizer.beta2 < 1, "must lie in [0, 1)", "optimizer.beta2");
  require(std::isfinite(o.optimizer.eps) && o.optimizer.eps > 0, "must be above 0", "optimizer.eps");
  require(std::isfinite(o.optimizer.weight_decay) && o.optimizer.weight_decay >= 0, "must be 0 or more",
          "optimizer.weight_decay");
  require(std::isfinite(o.grad_clip) && o.grad_clip >= 0, "must be 0 or more", "grad_clip");
  require(o.spike_zscore >= 0, "must be 0 or more", "spike_zscore");
  require(o.spike_zscore_grad >= 0, "must be 0 or more", "spike_zscore_grad");
  require(o.eval_every >= 0, "must be 0 or more", "eval_every");
  require(o.eval_batches >= 0, "must be 0 or more", "eval_batches");
  require(o.log_every >= 0, "must be 0 or more", "log_every");
  require(o.checkpoint_every_steps >= 0, "must be 0 or more", "checkpoint_every_steps");
  require(o.checkpoint_every_minutes >= 0, "must be 0 or more", "checkpoint_every_minutes");
  require(o.keep_last >= 1, "must be at least 1", "keep_last");
  require(o.stop_at >= 0, "must be 0 or more", "stop_at");
  require(o.threads >= 0, "must be 0 or more", "threads");
  Schedule(o.optimizer.lr, o.schedule, o.steps);
}

nlohmann::json to_json(const TrainOptions& o) {
  return {{"steps", o.steps},
          {"batch_size", o.batch_size},
          {"micro_batch", o.micro_batch},
          {"sequence_length", o.sequence_length},
          {"seed", o.seed},
          {"sampling", o.sampling},
          {"document_mask", o.document_mask},
          {"precision", o.precision},
          {"optimizer",
           {{"lr", o.optimizer.lr},
            {"beta1", o.optimizer.beta1},
            {"beta2", o.optimizer.beta2},
            {"eps", o.optimizer.eps},
            {"weight_decay", o.optimizer.weight_decay}}},
          {"schedule",
           {{"name", o.schedule.name},
            {"warmup_steps", o.schedule.warmup_steps},
            {"min_lr_fraction", o.schedule.min_lr_fraction},
            {"decay_fraction", o.schedule.decay_fraction},
            {"decay_shape", o.schedule.decay_shape}}},
          {"grad_clip", o.grad_clip},
          {"on_spike", o.on_spike},
          {"spike_zscore", o.spike_zscore},
          {"spike_zscore_grad", o.spike_zscore_grad},
          {"eval_every", o.eval_every},
          {"eval_batches", o.eval_batches},
          {"log_every", o.log_every}};
}

}  // namespace athanor
