#include "athanor/train/trainer.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/autograd.h"
#include "athanor/train/train_run.h"

namespace athanor {

namespace {

constexpr uint64_t kDropoutDraw = 3;  // place for random_at; the loader uses 1 and 2
constexpr uint64_t kNoiseDraw = 4;
constexpr int64_t kMaxSkipsInARow = 20;

}  // namespace

TrainRun::TrainRun(Objective& objective, const TrainOptions& options, const fs::path& state_dir, const TrainHooks& hooks)
    : objective_(objective),
      options_(options),
      hooks_(hooks),
      state_dir_(state_dir),
      precision_(options.precision == "bf16" ? Precision::kBf16 : Precision::kFp32),
      schedule_(options.optimizer.lr, options.schedule, options.steps),
      optimizer_(objective.module().named_parameters(), options.optimizer, options.precision == "bf16"),
      average_(objective.module().named_parameters(), options.ema_decay),
      plateau_(options.schedule),
      control_(parse_control(options.control)),
      guard_(options.spike_zscore, options.spike_zscore_grad),
      fingerprint_(objective.fingerprint()) {
  fingerprint_["options"] = to_json(options);
  objective_.set_precision(precision_);
  result_.memory = objective_.memory();
  resume(state_dir);
}

TrainResult TrainRun::run() {
  const Stopwatch whole;
  const int64_t last = options_.stop_at > 0 ? std::min(options_.stop_at, options_.steps) : options_.steps;
  bool stopped = false;
  step_watch_.lap();
  while (result_.step < last && !stopped && !result_.stopped_early) {
    const StepOutcome outcome = train_step();
    report_step(outcome);
    follow(control_.see_step(outcome.loss, outcome.grad_norm));
    const bool improved = evaluate_if_due();
    writer_->poll();
    stopped = hooks_.stop_requested && hooks_.stop_requested();
    if (checkpoint_due(improved) || stopped) {
      save_checkpoint();
    }
  }
  save_checkpoint();
  writer_->wait();
  objective_.module().set_training(false);
  const bool done = result_.step >= options_.steps || result_.stopped_early;
  result_.status = done ? TrainStatus::kDone : TrainStatus::kPaused;
  if (done) {
    choose_final_weights(state_dir_);
  }
  result_.seconds = whole.seconds();
  finish_rates();
  return result_;
}

StepOutcome TrainRun::train_step() {
  StepOutcome outcome;
  const int64_t step = result_.step;
  const int64_t rows = batch_size_at(step);
  outcome.lr = schedule_.lr(step) * plateau_.factor() * control_.lr_factor();
  objective_.module().set_training(true);
  objective_.begin_step();
  outcome.loss = accumulate_gradients(rows);
  if (options_.grad_noise > 0) {
    optimizer_.add_noise(std::sqrt(options_.grad_noise / std::pow(1 + static_cast<double>(step), 0.55)),
                         random_at(static_cast<uint64_t>(options_.seed), kNoiseDraw, static_cast<uint64_t>(step)));
  }
  outcome.grad_norm = optimizer_.grad_norm();
  const SpikeGuard::Verdict verdict = guard_.judge(outcome.loss, outcome.grad_norm);
  if (verdict.spike && handle_spike(verdict, outcome)) {
    ++skips_in_a_row_;
    ++result_.num_skipped;
  } else {
    skips_in_a_row_ = 0;
    optimizer_.step(outcome.lr, clip_scale(outcome.grad_norm, options_.grad_clip));
    average_.update(optimizer_.num_updates());
  }
  optimizer_.zero_grad();
  samples_ += static_cast<uint64_t>(rows);
  result_.step = step + 1;
  result_.loss = outcome.loss;
  result_.num_units = samples_ * static_cast<uint64_t>(objective_.units_per_sample());
  return outcome;
}

double TrainRun::accumulate_gradients(int64_t rows) {
  const int64_t targets = objective_.load(samples_, rows);
  const int64_t piece = options_.micro_batch > 0 ? std::min(options_.micro_batch, rows) : rows;
  const double scale = 1.0 / static_cast<double>(std::max<int64_t>(1, targets));
  double loss = 0;
  for (int64_t begin = 0; begin < rows; begin += piece) {
    const int64_t count = std::min(piece, rows - begin);
    const uint64_t dropout_seed = random_at(static_cast<uint64_t>(options_.seed), kDropoutDraw,
                                            samples_ + static_cast<uint64_t>(begin), 2);
    const at::Tensor mean = objective_.loss_sum(begin, count, dropout_seed).mul(scale);
    backward(mean);
    loss += mean.item<double>();
  }
  return loss;
}

bool TrainRun::handle_spike(const SpikeGuard::Verdict& verdict, const StepOutcome& outcome) {
  const bool stuck = skips_in_a_row_ >= kMaxSkipsInARow;
  const bool skip = options_.on_spike == "skip" && !stuck;
  const bool ignore = options_.on_spike == "ignore" && verdict.finite;
  const std::vector<std::string> documents = objective_.documents_of(samples_, batch_size_at(result_.step));
  emit({{"type", "spike"},
        {"step", result_.step + 1},
        {"loss", outcome.loss},
        {"grad_norm", outcome.grad_norm},
        {"loss_zscore", verdict.loss_zscore},
        {"grad_zscore", verdict.grad_zscore},
        {"reason", verdict.reason},
        {"action", ignore ? "ignore" : skip ? "skip" : "stop"},
        {"documents", documents}});
  if (skip || ignore) {
    return skip;
  }
  std::string names;
  for (const std::string& id : documents) {
    names += (names.empty() ? "" : ", ") + id;
  }
  throw Error(ErrorKind::kInput,
              verdict.reason + (stuck ? ", after " + std::to_string(kMaxSkipsInARow) + " skipped updates in a row" : "") +
                  "; the batch holds documents " + names,
              "step " + std::to_string(result_.step + 1),
              "look at these documents, lower optimizer.lr, or set on_spike=skip");
}

int64_t TrainRun::batch_size_at(int64_t step) const {
  int64_t size = options_.batch_size;
  if (options_.batch_start > 0 && step < options_.batch_warmup_steps) {
    size = options_.batch_start + (options_.batch_size - options_.batch_start) * step / options_.batch_warmup_steps;
  }
  return std::max<int64_t>(1, static_cast<int64_t>(static_cast<double>(size) * control_.batch_factor()));
}

TrainResult train(Objective& objective, const TrainOptions& options, const fs::path& state_dir,
                  const TrainHooks& hooks) {
  check_options(options);
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  TrainRun run(objective, options, state_dir, hooks);
  return run.run();
}

}  // namespace athanor
