#include "athanor/train/trainer.h"

#include <ATen/Parallel.h>
#include <ATen/record_function.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "athanor/base/error.h"
#include "athanor/base/rng.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/parameter_groups.h"
#include "athanor/train/train_run.h"

namespace athanor {

namespace {

constexpr uint64_t kNoiseDraw = 4;  // place for random_at; dropout's is 3, the loader uses 1 and 2
constexpr int64_t kMaxSkipsInARow = 20;
constexpr int64_t kMaxRollbacks = 5;  // to one step
constexpr double kLeastLossScale = 0x1p-14;  // below it a gradient that is not finite is no overflow of fp16

// LibTorch, CUDA, cuBLAS and oneDNN, each in its own words.
bool tells_of_memory(const std::string& what) {
  for (const char* words : {"allocate memory", "out of memory", "ALLOC_FAILED", "ALLOCATION_FAILED", "could not create a primitive"}) {
    if (what.find(words) != std::string::npos) {
      return true;
    }
  }
  return false;
}

// What muon updates whole must lie whole on one rank.
ParallelOptions parallel_options(const std::vector<NamedParameter>& parameters, const TrainOptions& options) {
  ParallelOptions result;
  result.shard_optimizer = options.shard_optimizer;
  for (const NamedParameter& parameter : parameters) {
    result.whole.push_back(options.optimizer.name == "muon" && is_muon_matrix(parameter));
  }
  return result;
}

}  // namespace

TrainRun::TrainRun(Objective& objective, const TrainOptions& options, const fs::path& state_dir, const TrainHooks& hooks,
                   ProcessGroup* group)
    : objective_(objective),
      options_(options),
      hooks_(hooks),
      state_dir_(state_dir),
      precision_(precision_of(options.precision)),
      schedule_(options.optimizer.lr, options.schedule, options.steps),
      parameters_(objective.module().named_parameters()),
      buffers_(objective.module().named_buffers()),
      parallel_(group, parameters_, parallel_options(parameters_, options)),
      optimizer_(parallel_.own_parameters(), options.optimizer, options.precision == "bf16", parallel_.own_places()),
      average_(parameters_, options.ema_decay),
      plateau_(options.schedule),
      control_(parse_control(options.control)),
      guard_(options.spike_zscore, options.spike_zscore_grad),
      loss_scale_({.initial = options.precision == "fp16" ? LossScaleOptions{}.initial : 1}),
      fingerprint_(objective.fingerprint()) {
  fingerprint_["options"] = to_json(options);
  objective_.set_precision(precision_);
  std::vector<std::string> names;  // of all, also of those that another rank updates
  for (const NamedParameter& parameter : parameters_) {
    names.push_back(parameter.name);
  }
  check_groups(parse_groups(options_.optimizer.groups), names);
  result_.memory = objective_.memory();
  if (options_.graphs && !parameters_.at(0).tensor.is_cpu()) {
    graphs_ = std::make_unique<GraphPieces>(objective_, precision_,
                                            options_.micro_batch > 0 ? std::min(options_.micro_batch, options_.batch_size) : options_.batch_size);
  }
  resume();
}

TrainResult TrainRun::run() {
  const Stopwatch whole;
  const int64_t last = options_.stop_at > 0 ? std::min(options_.stop_at, options_.steps) : options_.steps;
  bool stopped = false;
  step_watch_.lap();
  while (result_.step < last && !stopped && !result_.stopped_early) {
    profile_if_due();
    TrainingStepOutcome outcome;
    guarded([&] { outcome = train_step(); });
    ++steps_here_;
    if (!outcome.done) {
      continue;  // rolled back
    }
    report_step(outcome);
    follow(control_.see_step(outcome.loss, outcome.grad_norm));
    bool improved = false;
    guarded([&] { improved = evaluate_if_due(); });
    if (writer_) {
      writer_->poll();
    }
    stopped = parallel_.alone() ? hooks_.stop_requested && hooks_.stop_requested() : stop_agreed_;
    if (checkpoint_due(improved) || stopped) {
      save_checkpoint();
    }
  }
  save_checkpoint();
  if (writer_) {
    writer_->wait();
  }
  parallel_.meet("the last checkpoint");
  objective_.module().set_training(false);
  const bool done = result_.step >= options_.steps || result_.stopped_early;
  if (done && optimizer_.num_updates() == 0) {
    throw Error(ErrorKind::kInput, "every update was left out, so nothing was learnt", "step " + std::to_string(result_.step),
                "the loss or its gradient was no number from the first step on: a smaller optimizer.lr or init_std, or precision=fp32");
  }
  result_.status = done ? TrainStatus::kDone : TrainStatus::kPaused;
  if (done && parallel_.leads()) {
    choose_final_weights(state_dir_);
  }
  result_.seconds = whole.seconds();
  if (profile_.recording()) {
    profile_.finish(hooks_.trace_path);
  }
  finish_rates();
  return result_;
}

void TrainRun::guarded(const std::function<void()>& work) {
  try {
    work();
  } catch (const std::bad_alloc&) {
    throw out_of_memory("");
  } catch (const c10::Error& error) {
    const std::string what = error.what_without_backtrace();
    if (!tells_of_memory(what)) {
      throw;
    }
    throw out_of_memory(what.substr(0, what.find('\n')));
  } catch (const Error& error) {  // a launch of our own
    if (error.kind() != ErrorKind::kResource || !tells_of_memory(error.message())) {
      throw;
    }
    throw out_of_memory(error.message());
  }
}

Error TrainRun::out_of_memory(const std::string& what) {
  optimizer_.zero_grad();
  watch_.reset();
  bool kept = parallel_.alone() && before_update_;
  if (kept) {
    buffers_.put_back();
    try {
      save_checkpoint();
      writer_->wait();
    } catch (const std::exception&) {  // no memory for that either
      kept = false;
    }
  }
  const std::string goes_on = kept ? "; this run's state is kept: with more memory free the same command goes on from this step"
                                   : "; this run goes on from its last checkpoint";
  const int64_t rows = batch_size_at(result_.step);
  const int64_t piece = options_.micro_batch > 0 ? std::min(options_.micro_batch, rows) : std::min(rows, options_.batch_size);
  return Error(ErrorKind::kResource, "memory ran out" + (what.empty() ? "" : ": " + what),
               before_update_ ? "step " + std::to_string(result_.step + 1) : "after step " + std::to_string(result_.step),
               (piece > 1 ? "micro_batch=" + std::to_string(std::max<int64_t>(1, piece / 2)) +
                                ", the same batch in smaller pieces, needs less, as a run of its own"
                          : std::string("a shorter sequence_length, a smaller model or precision=bf16 needs less")) + goes_on);
}

TrainingStepOutcome TrainRun::train_step() {
  TrainingStepOutcome outcome;
  const int64_t step = result_.step;
  const int64_t rows = batch_size_at(step);
  outcome.lr = schedule_.lr(step) * plateau_.factor() * control_.lr_factor();
  const bool look = options_.watch_every > 0 && (step + 1) % options_.watch_every == 0;
  activations_.values.clear();
  objective_.module().set_activation_log(look ? &activations_ : nullptr);
  objective_.module().set_training(true);
  objective_.begin_step();
  buffers_.keep();
  before_update_ = true;
  if (graphs_) {
    graphs_->begin_step(look);
  }
  outcome.loss = accumulate_gradients(rows);
  objective_.module().set_activation_log(nullptr);
  if (look) {
    parallel_.gather_gradients();
    watch_ = std::make_unique<ParameterWatch>(parameters_);
  }
  update(outcome, rows);
  parallel_.free_gradients(optimizer_);
  return outcome;
}

void TrainRun::update(TrainingStepOutcome& outcome, int64_t rows) {
  RECORD_USER_SCOPE("update");
  Stopwatch watch;
  const int64_t step = result_.step;
  if (options_.grad_noise > 0) {
    optimizer_.add_noise(loss_scale_.scale() * std::sqrt(options_.grad_noise / std::pow(1 + static_cast<double>(step), 0.55)),
                         random_at(static_cast<uint64_t>(options_.seed), kNoiseDraw, static_cast<uint64_t>(step)));
  }
  const double loss_scale = loss_scale_.scale();
  outcome.grad_norm = parallel_.grad_norm(optimizer_) / loss_scale;
  before_update_ = false;
  const bool overflow = precision_ == Precision::kFp16 && !loss_scale_.update(!std::isfinite(outcome.grad_norm));
  if (overflow && std::isfinite(outcome.loss) && loss_scale_.scale() >= kLeastLossScale) {
    emit({{"type", "overflow"}, {"step", step + 1}, {"loss_scale", loss_scale_.scale()}});
    // Not the data's fault: the update is left out, and the next step's scale is smaller.
    outcome.grad_norm = std::numeric_limits<double>::quiet_NaN();
    buffers_.put_back();
    watch_.reset();
    finish_step(outcome, rows);
    return;
  }
  const SpikeGuard::Verdict verdict = guard_.judge(outcome.loss, outcome.grad_norm);
  const SpikeAction action = verdict.spike ? handle_spike(verdict, outcome) : SpikeAction::kApply;
  if (action == SpikeAction::kRollBack) {
    roll_back(rows);
    return;
  }
  if (action != SpikeAction::kSkip) {
    guard_.push(outcome.loss, outcome.grad_norm);
  }
  if (action == SpikeAction::kSkip) {
    buffers_.put_back();
    ++skips_in_a_row_;
    ++result_.num_skipped;
  } else {
    skips_in_a_row_ = 0;
    optimizer_.step(outcome.lr, clip_scale(outcome.grad_norm, options_.grad_clip) / loss_scale);
    parallel_.share_weights();
    average_.update(optimizer_.num_updates());
  }
  finish_step(outcome, rows);
  clock_.update += watch.lap();
  if (watch_) {
    emit({{"type", "watch"}, {"step", result_.step}, {"parameters", watch_->compare(loss_scale)}, {"activations", to_json(activations_)}});
    watch_.reset();
  }
}

void TrainRun::finish_step(TrainingStepOutcome& outcome, int64_t rows) {
  samples_ += static_cast<uint64_t>(rows);
  ++result_.step;
  result_.loss = outcome.loss;
  result_.num_units = samples_ * static_cast<uint64_t>(objective_.units_per_sample());
  outcome.done = true;
}

void TrainRun::profile_if_due() {
  constexpr int64_t kWarmUp = 3;  // first steps allocate and choose kernels
  if (options_.profile_steps == 0 || hooks_.trace_path.empty()) {
    return;
  }
  if (steps_here_ == kWarmUp) {
    profile_.start();
  } else if (profile_.recording() && steps_here_ == kWarmUp + options_.profile_steps) {
    profile_.finish(hooks_.trace_path);
  }
}

TrainRun::SpikeAction TrainRun::handle_spike(const SpikeGuard::Verdict& verdict, const TrainingStepOutcome& outcome) {
  const bool stuck = skips_in_a_row_ >= kMaxSkipsInARow || rollbacks_to_point_ >= kMaxRollbacks;
  const bool skip = options_.on_spike == "skip" && !stuck;
  const bool back = options_.on_spike == "rollback" && !stuck && rollback_point() > 0;
  const bool ignore = options_.on_spike == "ignore" && verdict.finite;
  const std::vector<std::string> documents = objective_.documents_of(samples_, batch_size_at(result_.step));
  nlohmann::json event = {{"type", "spike"},
                          {"step", result_.step + 1},
                          {"loss", outcome.loss},
                          {"grad_norm", outcome.grad_norm},
                          {"loss_zscore", verdict.loss_zscore},
                          {"grad_zscore", verdict.grad_zscore},
                          {"reason", verdict.reason},
                          {"action", ignore ? "ignore" : skip ? "skip" : back ? "rollback" : "stop"},
                          {"documents", documents}};
  if (back) {
    event["to_step"] = rollback_point();
  }
  emit(event);
  if (skip || back || ignore) {
    return skip ? SpikeAction::kSkip : back ? SpikeAction::kRollBack : SpikeAction::kApply;
  }
  std::string names;
  for (const std::string& id : documents) {
    names += (names.empty() ? "" : ", ") + id;
  }
  const std::string tried = skips_in_a_row_ >= kMaxSkipsInARow
                                ? ", after " + std::to_string(kMaxSkipsInARow) + " skipped updates in a row"
                            : rollbacks_to_point_ >= kMaxRollbacks
                                ? ", after going back to one step " + std::to_string(kMaxRollbacks) + " times"
                            : options_.on_spike == "rollback" ? ", and there is no step yet to go back to (rollback_every)"
                                                              : "";
  throw Error(ErrorKind::kInput, verdict.reason + tried + "; the batch holds documents " + names,
              "step " + std::to_string(result_.step + 1),
              options_.on_spike == "stop" ? "look at these documents, lower optimizer.lr, or set on_spike=skip"
                                          : "look at these documents, or lower optimizer.lr");
}

int64_t TrainRun::batch_size_at(int64_t step) const {
  const auto size = static_cast<double>(planned_batch(options_, step));
  return std::max<int64_t>(1, static_cast<int64_t>(size * control_.batch_factor()));
}

namespace {

// Moves the model there, or says why it cannot train there.
void place(Objective& objective, at::Device device) {
  std::vector<at::Tensor> tensors;
  for (const NamedParameter& parameter : objective.module().named_parameters()) {
    tensors.push_back(parameter.tensor);
  }
  for (const auto& [name, buffer] : objective.module().named_buffers()) {
    tensors.push_back(buffer);
  }
  move_to(device, tensors);
}

// All ranks take a GPU, or all the host.
at::Device device_for(const Objective& objective, const TrainOptions& options, ProcessGroup* group) {
  at::Device device = open_device(options.device);
  const bool chosen = options.device != "auto";
  if (!device.is_cpu() && !objective.runs_on_gpu()) {
    if (chosen) {
      throw Error(ErrorKind::kUsage, "this model does not train on a GPU", "device", "train on the host: device=cpu");
    }
    device = at::kCPU;
  }
  if (group != nullptr && !chosen && group->sum({device.is_cpu() ? 0.0 : 1.0}, "devices").at(0) < group->world()) {
    device = at::kCPU;
  }
  return device;
}

}  // namespace

TrainResult train(Objective& objective, const TrainOptions& options, const fs::path& state_dir,
                  const TrainHooks& hooks, ProcessGroup* group) {
  check_options(options);
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
  }
  const at::Device device = device_for(objective, options, group);
  if (options.graphs && !device.is_cpu()) {
    require_graphs(objective, group == nullptr ? 1 : group->world());
  }
  place(objective, device);
  TrainResult result;
  {
    TrainRun run(objective, options, state_dir, hooks, group);
    result = run.run();
  }
  place(objective, at::kCPU);
  objective.set_precision(precision_of(options.precision));  // copies of the weights lie where they were
  return result;
}

}  // namespace athanor
