// What a training run can be told. Torch-free plain structs, so that the program's command line, docs and run
// ids can walk them without LibTorch. A "step" is one optimiser update; a "sample" is one window of tokens.
#pragma once

#include <cstdint>
#include <string>

#include "athanor/run/fields.h"

namespace athanor {

// AdamW (Loshchilov and Hutter 2019, decoupled weight decay).
struct OptimizerOptions {
  double lr = 1e-3;            // peak learning rate, > 0
  double beta1 = 0.9;          // decay of the first moment, in [0, 1)
  double beta2 = 0.95;         // decay of the second moment, in [0, 1)
  double eps = 1e-8;           // added to the root of the second moment, > 0
  double weight_decay = 0.1;   // on matrices only (norms and biases are never decayed), >= 0

  static void fields(Fields<OptimizerOptions>& f) {
    f.add("lr", &OptimizerOptions::lr, "peak learning rate").range(0, 1e6);
    f.add("beta1", &OptimizerOptions::beta1, "decay of the first moment").range(0, 0.999999);
    f.add("beta2", &OptimizerOptions::beta2, "decay of the second moment").range(0, 0.999999);
    f.add("eps", &OptimizerOptions::eps, "added to the root of the second moment").range(1e-30, 1);
    f.add("weight_decay", &OptimizerOptions::weight_decay, "decoupled, on matrices only").range(0, 1e6);
  }
};

// The learning rate over the run, as a fraction of optimizer.lr. See schedule.h for the formulas.
struct ScheduleOptions {
  std::string name = "cosine";        // cosine | wsd | linear | constant
  int64_t warmup_steps = 100;         // linear warm-up from near 0, >= 0
  double min_lr_fraction = 0.1;       // where the decay ends, in [0, 1]
  double decay_fraction = 0.2;        // wsd: the share of all steps that decays, in [0, 1]
  std::string decay_shape = "linear"; // wsd: linear | sqrt (1 - sqrt(t))

  static void fields(Fields<ScheduleOptions>& f) {
    f.add("name", &ScheduleOptions::name, "shape of the learning rate; wsd: warm-up, stable, decay")
        .choices({"cosine", "wsd", "linear", "constant"});
    f.add("warmup_steps", &ScheduleOptions::warmup_steps, "linear warm-up").range(0, 1e12);
    f.add("min_lr_fraction", &ScheduleOptions::min_lr_fraction, "where the decay ends").range(0, 1);
    f.add("decay_fraction", &ScheduleOptions::decay_fraction, "wsd: share of the steps that decays").range(0, 1);
    f.add("decay_shape", &ScheduleOptions::decay_shape, "wsd: how it decays").choices({"linear", "sqrt"});
  }
};

struct TrainOptions {
  // These change the result.
  int64_t steps = 1000;              // optimiser updates of the whole run; schedules read this
  int64_t batch_size = 16;           // sequences an optimiser step, >= 1
  int64_t micro_batch = 0;           // sequences a forward pass; 0 = the whole batch at once
  int64_t sequence_length = 256;     // tokens a sequence, >= 1
  int64_t seed = 1;                  // of initialisation, sample order and dropout
  std::string sampling = "shuffled"; // shuffled: every window once an epoch | random: uniform window starts
  bool document_mask = true;         // attention never crosses from one document into another
  double dropout = 0.0;              // the caller copies it into the model's config
  std::string precision = "fp32";    // fp32 | bf16 (bf16 compute, fp32 master weights and moments)
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  double grad_clip = 1.0;            // global norm above which gradients are scaled down; 0 = never
  std::string on_spike = "stop";     // stop | skip (leave the update out) | ignore; NaN is never ignored
  double spike_zscore = 10.0;        // a loss this many deviations above its last 128 is a spike; 0 = off
  double spike_zscore_grad = 0.0;    // the same for the gradient's norm; 0 = off
  int64_t eval_every = 250;          // steps between evaluations on the validation set; 0 = only at the end
  int64_t eval_batches = 20;         // batches an evaluation; 0 = the whole validation set
  int64_t log_every = 1;             // steps between step events

  // These do not.
  int64_t checkpoint_every_steps = 500;  // 0 = not by steps
  double checkpoint_every_minutes = 10;  // 0 = not by the clock
  int64_t keep_last = 2;                 // newest checkpoints kept, >= 1
  bool keep_best = true;                 // and the one with the lowest validation loss
  int64_t stop_at = 0;                   // end early after this step, as paused; 0 = never
  bool mfu = true;                       // measure this machine's matrix-product peak (0.3 s) to report MFU
  int64_t threads = 0;                   // compute threads; 0 = leave as the process has them
};

}  // namespace athanor
