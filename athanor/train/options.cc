// Checks and JSON of the options.
#include "athanor/train/options.h"

#include <algorithm>
#include <cmath>
#include <sstream>
#include <initializer_list>
#include <string>
#include <vector>

#include "athanor/base/error.h"
#include "athanor/base/text.h"
#include "athanor/train/control.h"
#include "athanor/train/optimizer_rules.h"
#include "athanor/train/parameter_groups.h"
#include "athanor/train/schedule.h"
#include "athanor/train/trainer.h"

namespace athanor {

namespace {

constexpr double kOwn = -1;  // momentum and weight_decay: as the optimiser has it

void require(bool ok, const char* what, const char* where) {
  if (!ok) {
    throw Error(ErrorKind::kUsage, what, where);
  }
}

// What the optimiser would not read must not be given: the user believes that it counts.
void refuse_idle_options(const OptimizerOptions& o) {
  const OptimizerOptions none;
  const OptimizerOptions tuned = finetune_defaults(none);
  const auto is = [&](std::initializer_list<const char*> names) {
    return std::any_of(names.begin(), names.end(), [&](const char* name) { return o.name == name; });
  };
  const auto refuse = [&](bool given, bool read, const char* option, const char* readers) {
    if (given && !read) {
      throw Error(ErrorKind::kUsage, o.name + " does not read " + option, std::string("optimizer.") + option,
                  std::string("leave it out: it is for ") + readers);
    }
  };
  refuse(o.beta1 != none.beta1, is({"adamw", "adam", "lion", "muon"}), "beta1", "adamw, adam, lion and muon");
  refuse(o.beta2 != none.beta2 && o.beta2 != tuned.beta2, is({"adamw", "adam", "lion", "muon"}), "beta2", "adamw, adam, lion and muon");
  refuse(o.momentum >= 0, is({"sgd", "rmsprop", "muon"}), "momentum", "sgd, rmsprop and muon");
  refuse(o.nesterov, is({"sgd"}), "nesterov", "sgd");
  refuse(o.smoothing > 0, is({"rmsprop", "adadelta"}), "smoothing", "rmsprop and adadelta");
  refuse(o.eps > 0, !is({"sgd", "lion"}), "eps", "the optimisers that divide by roots");
}

void refuse_idle_options(const ScheduleOptions& o) {
  const ScheduleOptions none;
  const struct {
    const char* option;
    bool given;
    std::vector<std::string> readers;
  } table[] = {
      {"decay_fraction", o.decay_fraction != none.decay_fraction, {"wsd"}},
      {"decay_shape", o.decay_shape != none.decay_shape, {"wsd"}},
      {"gamma", o.gamma != none.gamma, {"step", "exponential", "plateau"}},
      {"step_size", o.step_size != none.step_size, {"step"}},
      {"power", o.power != none.power, {"polynomial"}},
      {"patience", o.patience != none.patience, {"plateau"}},
      {"threshold", o.threshold != none.threshold, {"plateau"}},
  };
  for (const auto& row : table) {
    if (row.given && std::find(row.readers.begin(), row.readers.end(), o.name) == row.readers.end()) {
      throw Error(ErrorKind::kUsage, o.name + " does not read " + row.option, std::string("schedule.") + row.option,
                  "leave it out: it is for " + join_text(row.readers, ", "));
    }
  }
}

// What only acts after so many validations, of which there are too few before the last step, where nothing is left to decide.
void warn_of_few_validations(const TrainOptions& o, const std::vector<ControlRule>& rules, std::vector<std::string>& warnings) {
  const int64_t validations = o.eval_every > 0 ? (o.steps - 1) / o.eval_every : 0;
  const auto want = [&](int64_t least, const std::string& what) {
    if (validations < least) {
      warnings.push_back(what + " acts after " + std::to_string(least) + " validations at the earliest, and eval_every " +
                         std::to_string(o.eval_every) + " makes " + std::to_string(validations) + " before step " +
                         std::to_string(o.steps) + ", the last: it does nothing");
    }
  };
  if (o.patience > 0) {
    want(o.patience + 1, "patience " + std::to_string(o.patience));
  }
  if (o.schedule.name == "plateau") {
    want(o.schedule.patience + 2, "schedule: plateau");
  }
  for (size_t i = 0; i < rules.size(); ++i) {
    if (rules[i].metric == "valid_loss" || rules[i].metric == "gap") {
      want(rules[i].no_better_for > 0 ? rules[i].no_better_for + 1 : rules[i].looks,
           "control: rule " + std::to_string(i + 1) + " on " + rules[i].metric);
    }
  }
}

}  // namespace

std::vector<std::string> schedule_warnings(const TrainOptions& o) {
  const ScheduleOptions& s = o.schedule;
  std::vector<std::string> warnings;
  const auto number = [](double value) {
    std::ostringstream text;
    text << value;
    return text.str();
  };
  const std::vector<ControlRule> rules = parse_control(o.control);
  if (o.mixture.is_array() && o.mixture.size() > 1 &&
      std::any_of(rules.begin(), rules.end(), [](const ControlRule& rule) { return rule.batch != 1; })) {
    warnings.push_back("mixture: until is a share of the samples that steps and batch_size plan; a rule of control that changes the "
                       "batch moves the stages");
  }
  warn_of_few_validations(o, rules, warnings);
  if (s.name == "one_cycle") {  // has a warm-up and an end of its own
    return warnings;
  }
  if (s.warmup_steps >= o.steps) {
    warnings.push_back("schedule.warmup_steps " + std::to_string(s.warmup_steps) +
                       " is as long as the run: the rate never comes to optimizer.lr");
  }
  if (s.name == "step" && s.warmup_steps + s.step_size >= o.steps) {
    warnings.push_back("schedule: step falls every " + std::to_string(s.step_size) + " steps after the warm-up (step_size), which the run's " +
                       std::to_string(o.steps) + " do not come to: the rate never falls");
  }
  const double gamma = s.gamma > 0 ? s.gamma : s.name == "exponential" ? 1 : 0.1;
  const double falls = s.name == "step"          ? std::floor(static_cast<double>(o.steps - 1) / static_cast<double>(s.step_size))
                       : s.name == "exponential" ? static_cast<double>(o.steps)
                       : s.name == "plateau"     ? 2
                                                 : 0;
  if (falls > 0 && std::pow(gamma, falls) < s.min_lr_fraction * (1 - 1e-9)) {
    warnings.push_back("schedule: " + s.name + " falls no further than min_lr_fraction, " + number(s.min_lr_fraction) +
                       " of optimizer.lr; min_lr_fraction=0 lets it");
  }
  return warnings;
}

void require_validation(const TrainOptions& o) {
  const auto refuse = [](bool asked, const char* where) {
    if (asked) {
      throw Error(ErrorKind::kUsage, "wants a validation set, and none is given", where,
                  "give the step an input valid, or leave the option out");
    }
  };
  refuse(o.patience > 0, "patience");
  refuse(o.final_weights == "best", "final_weights");
  refuse(o.schedule.name == "plateau", "schedule.name");
  for (const ControlRule& rule : parse_control(o.control)) {
    refuse(rule.metric == "valid_loss" || rule.metric == "gap", "control");
  }
}

void check_options(const TrainOptions& o) {
  require(o.steps >= 1, "must be at least 1", "steps");
  require(o.batch_size >= 1, "must be at least 1", "batch_size");
  require(o.micro_batch >= 0, "must be 0 or more", "micro_batch");
  require(o.sequence_length >= 1, "must be at least 1", "sequence_length");
  require(o.sampling == "shuffled" || o.sampling == "ordered" || o.sampling == "random",
          "must be shuffled, ordered or random", "sampling");
  require(o.packing == "windows" || o.packing == "best_fit", "must be windows or best_fit", "packing");
  require(o.packing == "windows" || o.sampling != "random", "packing: best_fit has no random windows", "sampling");
  require(o.precision == "fp32" || o.precision == "bf16" || o.precision == "fp16", "must be fp32, bf16 or fp16", "precision");
  require(o.on_spike == "stop" || o.on_spike == "skip" || o.on_spike == "rollback" || o.on_spike == "ignore",
          "must be stop, skip, rollback or ignore", "on_spike");
  require(o.rollback_every >= 1, "must be at least 1", "rollback_every");
  require(o.on_spike == "rollback" || o.rollback_every == TrainOptions().rollback_every, "is read by on_spike: rollback",
          "rollback_every");
  require(o.recompute == "none" || o.recompute == "mlp" || o.recompute == "block", "must be none, mlp or block", "recompute");
  require(o.watch_every >= 0, "must be 0 or more", "watch_every");
  require(o.profile_steps >= 0, "must be 0 or more", "profile_steps");
  require(o.optimizer.beta1 >= 0 && o.optimizer.beta1 < 1, "must lie in [0, 1)", "optimizer.beta1");
  require(o.optimizer.beta2 >= 0 && o.optimizer.beta2 < 1, "must lie in [0, 1)", "optimizer.beta2");
  require(std::isfinite(o.optimizer.eps) && o.optimizer.eps >= 0, "must be 0 or more", "optimizer.eps");
  const auto given_or_own = [](double value) { return value >= 0 || value == kOwn; };
  require(std::isfinite(o.optimizer.weight_decay) && given_or_own(o.optimizer.weight_decay), "must be 0 or more, or -1: the optimiser's own",
          "optimizer.weight_decay");
  require(o.optimizer.momentum < 1 && given_or_own(o.optimizer.momentum), "must lie in [0, 1), or be -1: the optimiser's own",
          "optimizer.momentum");
  require(o.optimizer.state == "fp32" || o.optimizer.state == "bf16", "must be fp32 or bf16", "optimizer.state");
  optimizer_rule(with_defaults(o.optimizer));
  refuse_idle_options(o.optimizer);
  refuse_idle_options(o.schedule);
  parse_groups(o.optimizer.groups);
  parse_control(o.control);
  require(o.label_smoothing >= 0 && o.label_smoothing < 1, "must lie in [0, 1)", "label_smoothing");
  require(o.grad_noise >= 0, "must be 0 or more", "grad_noise");
  require(o.ema_decay >= 0 && o.ema_decay < 1, "must lie in [0, 1)", "ema_decay");
  require(o.batch_start >= 0 && o.batch_start <= o.batch_size, "must lie between 0 and batch_size", "batch_start");
  require(o.batch_start == 0 || o.batch_warmup_steps > 0, "wants batch_warmup_steps: over how many steps the batch grows", "batch_start");
  require(o.batch_warmup_steps == 0 || o.batch_start > 0, "wants batch_start: the batch that it grows from", "batch_warmup_steps");
  require(o.patience >= 0, "must be 0 or more", "patience");
  require(o.min_delta == 0 || o.patience > 0, "says what progress is, which only patience asks", "min_delta");
  require(o.final_weights == "last" || o.final_weights == "best", "must be last or best", "final_weights");
  require(o.final_weights == "last" || o.keep_best, "wants keep_best: true", "final_weights");
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
  if (o.graphs && o.device == "cpu") {
    throw Error(ErrorKind::kUsage, "graphs are a GPU's, and this run is on the host", "graphs", "device=cuda, or leave graphs out");
  }
  Schedule(o.optimizer.lr, o.schedule, o.steps);
}

nlohmann::json to_json(const TrainOptions& o) {
  return {{"steps", o.steps},
          {"batch_size", o.batch_size},
          {"micro_batch", o.micro_batch},
          {"sequence_length", o.sequence_length},
          {"seed", o.seed},
          {"sampling", o.sampling},
          {"packing", o.packing},
          {"mixture", o.mixture},
          {"document_mask", o.document_mask},
          {"precision", o.precision},
          {"optimizer", dump_options(o.optimizer, true)},
          {"schedule", dump_options(o.schedule, true)},
          {"label_smoothing", o.label_smoothing},
          {"grad_noise", o.grad_noise},
          {"ema_decay", o.ema_decay},
          {"batch_start", o.batch_start},
          {"batch_warmup_steps", o.batch_warmup_steps},
          {"patience", o.patience},
          {"control", o.control},
          {"min_delta", o.min_delta},
          {"grad_clip", o.grad_clip},
          {"on_spike", o.on_spike},
          {"rollback_every", o.rollback_every},
          {"spike_zscore", o.spike_zscore},
          {"spike_zscore_grad", o.spike_zscore_grad},
          {"eval_every", o.eval_every},
          {"eval_batches", o.eval_batches},
          {"log_every", o.log_every}};
}

int64_t planned_batch(const TrainOptions& o, int64_t step) {
  return o.batch_start > 0 && step < o.batch_warmup_steps
             ? o.batch_start + (o.batch_size - o.batch_start) * step / o.batch_warmup_steps
             : o.batch_size;
}

uint64_t planned_samples(const TrainOptions& o) {
  const int64_t growing = o.batch_start > 0 ? std::min(o.batch_warmup_steps, o.steps) : 0;
  uint64_t samples = static_cast<uint64_t>(o.steps - growing) * static_cast<uint64_t>(o.batch_size);
  for (int64_t step = 0; step < growing; ++step) {
    samples += static_cast<uint64_t>(planned_batch(o, step));
  }
  return samples;
}

}  // namespace athanor
