// What a training run says after a step, and what validation decides.
#include <algorithm>
#include <cmath>

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/tensor/device/device.h"
#include "athanor/train/throughput.h"
#include "athanor/train/train_run.h"

namespace athanor {

namespace {

nlohmann::json without_clocks(nlohmann::json event) {
  for (const char* key : {"seconds", "breakdown", "tokens_per_second", "samples_per_second", "mfu", "eta_seconds"}) {
    event.erase(key);
  }
  return event;
}

nlohmann::json breakdown_of(const StepClock& clock, double seconds) {
  return {{"load", clock.load},
          {"forward", clock.forward},
          {"backward", clock.backward},
          {"exchange", clock.exchange},
          {"update", clock.update},
          {"other", std::max(0.0, seconds - clock.load - clock.forward - clock.backward - clock.exchange - clock.update)}};
}

uint64_t bytes_of(const NamedTensors& tensors) {
  uint64_t bytes = 0;
  for (const auto& [name, tensor] : tensors) {
    bytes += tensor.nbytes();
  }
  return bytes;
}

}  // namespace

void StepClock::add(const StepClock& other) {
  load += other.load;
  forward += other.forward;
  backward += other.backward;
  exchange += other.exchange;
  update += other.update;
}

void TrainRun::report_step(const TrainingStepOutcome& outcome) {
  const bool due = result_.step == 1 || result_.step == options_.steps ||
                   (options_.log_every > 0 && result_.step % options_.log_every == 0);
  if (!due) {
    return;
  }
  const double seconds = step_watch_.lap();
  const auto units = static_cast<double>(result_.num_units - reported_units_);
  const std::string unit = objective_.unit();
  training_seconds_ += seconds;
  training_units_ += units;
  reported_units_ = result_.num_units;
  nlohmann::json event = {{"type", "step"},
                          {"step", result_.step},
                          {"loss", outcome.loss},
                          {"lr", outcome.lr},
                          {"grad_norm", outcome.grad_norm},
                          {unit, result_.num_units},
                          {"seconds", seconds},
                          {"breakdown", breakdown_of(clock_, seconds)},
                          {unit + "_per_second", units / seconds}};
  whole_clock_.add(clock_);
  clock_ = {};
  if (!std::isfinite(outcome.grad_norm) && std::isfinite(outcome.loss)) {
    event.erase("grad_norm");  // fp16 overflowed: there is none
  }
  if (result_.gemm_peak > 0) {
    event["mfu"] = units / seconds * objective_.flops_per_unit() / result_.gemm_peak;
  }
  emit(event);
  if (hooks_.progress) {
    const auto left = static_cast<double>((options_.steps - result_.step) * options_.batch_size *
                                          objective_.units_per_sample());
    event["eta_seconds"] = left * training_seconds_ / training_units_;
    hooks_.progress(static_cast<double>(result_.step) / static_cast<double>(options_.steps), event);
  }
  if (options_.mfu && result_.gemm_peak == 0 && objective_.flops_per_unit() > 0) {  // after the first step, so that it does not delay it
    result_.gemm_peak = parallel_.sum({measure_gemm_peak(precision_, 0.3, parameters_[0].tensor.device())}, "the machine's peak").at(0);
  }
  step_watch_.lap();
}

bool TrainRun::evaluate_if_due() {
  metric_.reset();
  const bool due = result_.step == options_.steps || result_.stopped_early ||  // a rule ends it here
                   (options_.eval_every > 0 && result_.step % options_.eval_every == 0);
  if (!due) {
    return false;
  }
  const Stopwatch watch;
  average_.swap();
  objective_.begin_step();
  const EvalShare share{parallel_.rank(), parallel_.world(), [this](const std::vector<double>& values) {
                          parallel_.meet("the end of the validation");  // as long as the slowest takes
                          return parallel_.sum(values, "the validation's numbers");
                        }};
  const std::optional<nlohmann::json> own = objective_.evaluate(share);
  average_.swap();
  objective_.begin_step();
  if (!own) {
    return false;
  }
  // Rank 0's words count for all, whatever the last bits of machines that differ.
  const nlohmann::json score = parallel_.from_leader("the validation's score", [&] { return *own; });
  nlohmann::json event = {{"type", "eval"}, {"step", result_.step}};
  event.update(score);
  event["seconds"] = watch.seconds();
  emit(event);
  result_.last_eval = without_clocks(event);
  metric_ = score.at("loss").get<double>();
  const bool improved = std::isfinite(*metric_) && (!result_.best_metric || *metric_ < *result_.best_metric);
  if (improved) {
    result_.best_metric = metric_;
    result_.best_step = result_.step;
  }
  note_progress(*metric_);
  follow(control_.see_validation(*metric_));
  step_watch_.lap();
  return improved;
}

void TrainRun::follow(const std::vector<ControlDecision>& decisions) {
  for (const ControlDecision& decision : decisions) {
    emit({{"type", "decision"},
          {"step", result_.step},
          {"what", decision.what},
          {"why", decision.why},
          {"rule", "control[" + std::to_string(decision.rule) + "]"}});
  }
  result_.stopped_early = result_.stopped_early || (control_.stopped() && result_.step < options_.steps);
}

void TrainRun::note_progress(double loss) {
  if (plateau_.see(loss)) {
    emit({{"type", "decision"}, {"step", result_.step},
          {"what", "learning rate x " + human_number(plateau_.factor()) + " of the schedule's"},
          {"why", "validation loss " + human_number(loss) + ": no progress in " + std::to_string(options_.schedule.patience + 1) +
                      " validations"}});
  }
  if (std::isfinite(loss) && (!progress_mark_ || loss < *progress_mark_ - options_.min_delta)) {
    progress_mark_ = loss;
    evaluations_without_progress_ = 0;
  } else if (++evaluations_without_progress_ >= options_.patience && options_.patience > 0) {
    result_.stopped_early = result_.step < options_.steps;
    emit({{"type", "decision"}, {"step", result_.step}, {"what", "end of training"},
          {"why", "no progress in " + std::to_string(evaluations_without_progress_) + " validations"}});
  }
}

void TrainRun::finish_rates() {
  result_.peak_bytes = peak_memory_bytes();
  const uint64_t parameters = bytes_of(model_state());
  result_.memory_by_use = {{"parameters", parameters},
                           {"gradients", parameters},
                           {"optimizer", bytes_of(optimizer_.state())},
                           {"weight_average", bytes_of(average_.state())}};
  const at::Device device = parameters_[0].tensor.device();
  GpuMemory memory{};
  if (!device.is_cpu() && gpu_unit().memory(device.index(), &memory)) {
    result_.memory_by_use["gpu_peak"] = memory.peak_bytes;
    result_.memory_by_use["gpu_reserved"] = memory.reserved_bytes;
  }
  result_.breakdown = breakdown_of(whole_clock_, training_seconds_);
  if (training_seconds_ > 0) {
    result_.units_per_second = training_units_ / training_seconds_;
    result_.mfu =
        result_.gemm_peak > 0 ? result_.units_per_second * objective_.flops_per_unit() / result_.gemm_peak : 0;
  }
}

void TrainRun::emit(const nlohmann::json& event) const {
  if (hooks_.emit) {
    hooks_.emit(event);
  }
}

}  // namespace athanor
