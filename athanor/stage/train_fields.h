// The fields that every verb with a trainer has: TrainOptions but for what only some objectives know.
#pragma once

#include "athanor/run/fields.h"
#include "athanor/train/options.h"

namespace athanor {

// Options: derived from TrainOptions. what: "sequences" or "examples".
template <class Options>
void add_train_fields(Fields<Options>& f) {
  f.add("batch_size", &Options::batch_size, "sequences or examples an optimiser step").range(1, 1e9);
  f.add("micro_batch", &Options::micro_batch, "of them a forward pass; 0: the whole batch").range(0, 1e9);
  f.add("seed", &Options::seed, "of initialisation, sample order and dropout").range(0, 1e15);
  f.add("label_smoothing", &Options::label_smoothing, "share of the target spread over all answers").range(0, 0.99);
  f.add("grad_noise", &Options::grad_noise, "noise of variance grad_noise / (1 + step)^0.55 on gradients").range(0, 1e6);
  f.add("ema_decay", &Options::ema_decay, "above 0: validate and save a moving average of the weights, of this decay")
      .range(0, 0.9999999);
  f.add("batch_start", &Options::batch_start, "batch of the first step; 0: batch_size at once").range(0, 1e9);
  f.add("batch_warmup_steps", &Options::batch_warmup_steps, "steps over which the batch grows to batch_size").range(0, 1e12);
  f.add("precision", &Options::precision, "of compute, over fp32 master weights; fp16 scales the loss").choices({"fp32", "bf16", "fp16"});
  f.add("optimizer", &Options::optimizer, "which update, and its constants");
  f.add("schedule", &Options::schedule, "the learning rate over the run");
  f.add("grad_clip", &Options::grad_clip, "global gradient norm above which it is scaled down; 0: never").range(0, 1e9);
  f.add("on_spike", &Options::on_spike, "what a loss spike does: end, leave the update out, or go back some steps and past their data; NaN is never ignored")
      .choices({"stop", "skip", "rollback", "ignore"});
  f.add("rollback_every", &Options::rollback_every, "rollback: to the last step that this divides; each is a checkpoint").range(1, 1e12);
  f.add("spike_zscore", &Options::spike_zscore, "deviations above the last 128 losses; 0: off").range(0, 1e9);
  f.add("spike_zscore_grad", &Options::spike_zscore_grad, "the same for the gradient's norm; 0: off").range(0, 1e9);
  f.add("eval_batches", &Options::eval_batches, "batches a validation; 0: the whole set").range(0, 1e9);
  f.add("patience", &Options::patience, "validations without progress after which training ends; 0: never").range(0, 1e9);
  f.add("min_delta", &Options::min_delta, "how much lower a validation loss must be to count as progress").range(0, 1e6);
  f.add("control", &Options::control,
        "rules over live metrics: [{metric: grad_norm, above: 5, for: 20, lr: 0.5}]. metric: loss, loss_mean (of 100 steps), "
        "grad_norm; at validations valid_loss, gap (valid_loss - loss_mean). above or below, for so many looks in a row, or "
        "no_better_for: LOOKS. Then lr: FACTOR, batch: FACTOR (all in all up to 64 x batch_size) or stop: true; cooldown: looks it "
        "rests (0), at_most: decisions (1; 0: any number)");
  f.add("final_weights", &Options::final_weights, "which are saved: the last, or those of the best validation")
      .choices({"last", "best"});
  f.add("log_every", &Options::log_every, "steps between step events").range(1, 1e9);
  f.add("checkpoint_every_steps", &Options::checkpoint_every_steps, "0: not by steps").range(0, 1e12).speed();
  f.add("checkpoint_every_minutes", &Options::checkpoint_every_minutes, "0: not by the clock").range(0, 1e6).speed();
  f.add("keep_last", &Options::keep_last, "newest checkpoints kept").range(1, 1000).speed();
  f.add("keep_best", &Options::keep_best, "and the one with the lowest validation loss").speed();
  f.add("stop_at", &Options::stop_at, "end early after this step, as paused; 0: never").range(0, 1e12).speed();
  f.add("watch_every", &Options::watch_every,
        "steps between looks at every parameter (norms, update ratio) and layer (activations); 0: twice for models of at most "
        "50 M parameters, else never")
      .range(0, 1e12)
      .speed();
  f.add("profile_steps", &Options::profile_steps, "steps recorded as a Chrome trace, trace.json; 0: none")
      .range(0, 1000)
      .speed();
  f.add("mfu", &Options::mfu, "measure this machine's matrix products (0.3 s) to report MFU").speed();
  f.add("shard_optimizer", &Options::shard_optimizer,
        "several processes: each holds and updates its share of the optimiser's state (ZeRO-1)")
      .speed();
  f.add("rank_timeout", &Options::rank_timeout, "several processes: seconds until one that does not come is taken for dead")
      .range(1, 86400)
      .speed();
  f.add("threads", &Options::threads, "compute threads; 0: one a core").range(0, 4096).speed();
  f.add("device", &Options::device, "cpu; cuda or cuda:N: a GPU (the gpu preset); auto: a GPU where there is one").speed();
}

}  // namespace athanor
