// What a training run can be told. Torch-free plain structs, so that the program's command line, docs and run
// ids can walk them without LibTorch. A "step" is one optimiser update; a "sample" is one window of tokens.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>

#include "athanor/run/fields.h"

namespace athanor {

// Which update, and its constants. 0 (or -1) means: as the optimiser's own paper or PyTorch has it (optimizer_rules.h).
struct OptimizerOptions {
  std::string name = "adamw";  // adamw | adam | sgd | adagrad | adadelta | rmsprop | lion | muon
  double lr = 1e-3;            // peak learning rate, > 0
  double beta1 = 0.9;          // decay of the first moment, in [0, 1): adam, adamw, lion, muon's other parameters
  double beta2 = 0.95;         // decay of the second moment, in [0, 1)
  double momentum = -1;        // sgd, rmsprop, muon; in [0, 1); -1: sgd 0.9, rmsprop 0, muon 0.95
  bool nesterov = false;       // sgd; muon always looks ahead
  double smoothing = 0;        // rmsprop's alpha, adadelta's rho, in [0, 1); 0: 0.99, 0.9
  double eps = 0;              // 0: 1e-8; adagrad 1e-10, adadelta 1e-6
  double weight_decay = -1;    // decoupled, on matrices only, >= 0; -1: 0.1 for adamw, lion, muon, else 0
  double l2 = 0;               // l2 w is added to a matrix's gradient (PyTorch's weight_decay of SGD, Adam, ...)
  double l1 = 0;               // l1 sign(w) is added to a matrix's gradient
  std::string state = "fp32";  // of the moments: fp32 | bf16 with stochastic rounding (half the memory)
  nlohmann::json groups = nlohmann::json::array();  // see parameter_groups.h

  static void fields(Fields<OptimizerOptions>& f) {
    f.add("name", &OptimizerOptions::name, "which update; muon: for hidden matrices, adamw for the rest")
        .choices({"adamw", "adam", "sgd", "adagrad", "adadelta", "rmsprop", "lion", "muon"});
    f.add("lr", &OptimizerOptions::lr, "peak learning rate").range(0, 1e6);
    f.add("beta1", &OptimizerOptions::beta1, "decay of the first moment (adamw, adam, lion)").range(0, 0.999999);
    f.add("beta2", &OptimizerOptions::beta2, "decay of the second moment (adamw, adam, lion)").range(0, 0.999999);
    f.add("momentum", &OptimizerOptions::momentum, "sgd, rmsprop, muon; -1: 0.9, 0, 0.95").range(-1, 0.999999);
    f.add("nesterov", &OptimizerOptions::nesterov, "sgd: the momentum looks ahead");
    f.add("smoothing", &OptimizerOptions::smoothing, "rmsprop's alpha, adadelta's rho; 0: 0.99, 0.9")
        .range(0, 0.999999);
    f.add("eps", &OptimizerOptions::eps, "added to roots; 0: 1e-8 (adagrad 1e-10, adadelta 1e-6)").range(0, 1);
    f.add("weight_decay", &OptimizerOptions::weight_decay,
          "decoupled, on matrices only; -1: 0.1 for adamw, lion and muon, else 0")
        .range(-1, 1e6);
    f.add("l2", &OptimizerOptions::l2, "L2 penalty's share of a matrix's gradient").range(0, 1e6);
    f.add("l1", &OptimizerOptions::l1, "L1 penalty's share of a matrix's gradient").range(0, 1e6);
    f.add("state", &OptimizerOptions::state, "moments in fp32, or in bf16 with stochastic rounding")
        .choices({"fp32", "bf16"});
    f.add("groups", &OptimizerOptions::groups,
          "parameters by name: [{match: '*norm*', lr: 0.5, weight_decay: 0}]; lr multiplies the schedule's");
  }
};

// The learning rate over the run, as a fraction of optimizer.lr. See schedule.h for the formulas.
struct ScheduleOptions {
  std::string name = "cosine";  // see schedule.h
  int64_t warmup_steps = 100;         // linear warm-up from near 0, >= 0; one_cycle has its own
  double min_lr_fraction = 0.1;       // where the decay ends, in [0, 1]
  double decay_fraction = 0.2;        // wsd: the share of all steps that decays, in [0, 1]
  std::string decay_shape = "linear"; // wsd: linear | sqrt (1 - sqrt(t))
  double gamma = 0;                   // step, plateau: factor, 0 = 0.1; exponential: a step's, 0 = so as to end at min
  int64_t step_size = 1000;           // step: updates between two falls, >= 1
  double power = 1;                   // polynomial, > 0
  int64_t patience = 3;               // plateau: validations without progress before a fall, >= 0
  double threshold = 1e-3;            // plateau: progress is a validation loss lower by this share, >= 0

  static void fields(Fields<ScheduleOptions>& f) {
    f.add("name", &ScheduleOptions::name, "shape of the learning rate; wsd: warm-up, stable, decay")
        .choices({"cosine", "wsd", "linear", "constant", "step", "exponential", "inverse_sqrt", "polynomial",
                  "one_cycle", "plateau"});
    f.add("warmup_steps", &ScheduleOptions::warmup_steps, "linear warm-up").range(0, 1e12);
    f.add("min_lr_fraction", &ScheduleOptions::min_lr_fraction, "where the decay ends").range(0, 1);
    f.add("decay_fraction", &ScheduleOptions::decay_fraction, "wsd: share of the steps that decays").range(0, 1);
    f.add("decay_shape", &ScheduleOptions::decay_shape, "wsd: how it decays").choices({"linear", "sqrt"});
    f.add("gamma", &ScheduleOptions::gamma,
          "step, plateau: factor of a fall, 0: 0.1; exponential: factor of each step, 0: so that it ends at the minimum")
        .range(0, 1);
    f.add("step_size", &ScheduleOptions::step_size, "step: updates between two falls").range(1, 1e12);
    f.add("power", &ScheduleOptions::power, "polynomial: exponent").range(1e-3, 100);
    f.add("patience", &ScheduleOptions::patience, "plateau: validations without progress before a fall").range(0, 1e6);
    f.add("threshold", &ScheduleOptions::threshold, "plateau: progress is a loss lower by this share").range(0, 1);
  }
};

// With what fine-tuning has in place of pretraining's defaults: a few thousand labelled examples, not a corpus.
inline OptimizerOptions finetune_defaults(OptimizerOptions options) {
  options.beta2 = 0.999;
  options.weight_decay = 0.01;
  return options;
}
inline ScheduleOptions finetune_defaults(ScheduleOptions options) {
  options.name = "linear";
  options.min_lr_fraction = 0;
  options.warmup_steps = 20;
  return options;
}

struct TrainOptions {
  // These change the result.
  int64_t steps = 1000;              // optimiser updates of the whole run; schedules read this
  int64_t batch_size = 16;           // sequences an optimiser step, >= 1
  int64_t micro_batch = 0;           // sequences a forward pass; 0 = the whole batch at once
  int64_t sequence_length = 256;     // tokens a sequence, >= 1
  int64_t seed = 1;                  // of initialisation, sample order and dropout
  std::string sampling = "shuffled"; // the order of rows, see loading/rows.h: shuffled | ordered | random
  std::string packing = "windows";   // how documents become rows: windows | best_fit (loading/packed_rows.h)
  nlohmann::json mixture = nlohmann::json::object();  // shares of several train sets, see loading/mixture.h
  bool document_mask = true;         // attention never crosses from one document into another
  double dropout = 0.0;              // the caller copies it into the model's config
  double stochastic_depth = 0.0;     // likewise
  double label_smoothing = 0.0;      // of the training loss, in [0, 1)
  double grad_noise = 0.0;           // eta: noise of variance eta / (1 + step)^0.55 on gradients (Neelakantan 2015)
  double ema_decay = 0.0;            // > 0: validation and the saved model use a moving average of the weights
  int64_t batch_start = 0;           // sequences of the first step; 0 = batch_size at once
  int64_t batch_warmup_steps = 0;    // steps over which the batch grows to batch_size
  int64_t patience = 0;              // validations without progress after which training ends; 0 = never
  double min_delta = 0.0;            // how much lower a validation loss must be to count as progress
  nlohmann::json control = nlohmann::json::array();  // rules over live metrics, see control.h
  std::string final_weights = "last";  // last | best (by validation loss; wants keep_best)
  std::string precision = "fp32";    // fp32 | bf16 | fp16: of compute; master weights and moments stay fp32; fp16 scales
                                     // the loss (loss_scale.h)
  OptimizerOptions optimizer;
  ScheduleOptions schedule;
  double grad_clip = 1.0;            // global norm above which gradients are scaled down; 0 = never
  std::string on_spike = "stop";     // stop | skip (leave the update out) | rollback (back to the last step that
                                     // rollback_every divides, the samples since then are left out) | ignore; NaN is
                                     // never ignored
  int64_t rollback_every = 100;      // rollback: steps between the states that it goes back to, each a checkpoint, >= 1
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
  int64_t watch_every = 0;               // steps between looks at every parameter and layer; 0 = never
  int64_t profile_steps = 0;             // steps recorded as a Chrome trace, from the fourth of this process; 0 = none
  bool mfu = true;                       // measure this machine's matrix-product peak (0.3 s) to report MFU
  bool shard_optimizer = true;           // several processes: each holds and updates its share of the moments (ZeRO-1)
  double rank_timeout = 50;              // seconds until a process that does not come is taken for dead
  std::string recompute = "none";        // what the backward pass computes again instead of keeping (model/recompute.h)
  int64_t threads = 0;                   // compute threads; 0 = leave as the process has them
  bool graphs = false;                   // on a GPU, pieces of a batch as captured CUDA graphs; see graph_pieces.h
  std::string device = "cpu";            // cpu | cuda | cuda:N | auto; see tensor/device/device.h
};

// Sequences of a step (from 0) and of the whole run, as batch_start and batch_warmup_steps have them; rules of `control` may
// change both.
int64_t planned_batch(const TrainOptions& options, int64_t step);
uint64_t planned_samples(const TrainOptions& options);

}  // namespace athanor
