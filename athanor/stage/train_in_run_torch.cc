#include "athanor/stage/train_in_run.h"

#include <algorithm>

#include "athanor/base/error.h"
#include "athanor/base/format.h"
#include "athanor/base/interrupt.h"
#include "athanor/base/text.h"
#include "athanor/run/tensorboard.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/training_words.h"
#include "athanor/train/checkpoint.h"

namespace athanor {

namespace {

std::string details_text(const nlohmann::json& event, const std::string& unit) {
  std::string text = "step " + grouped_integer(event.value("step", int64_t{0})) + "  loss " +
                     fixed_number(event.value("loss", 0.0), 3) + "  " +
                     human_count(event.value(unit + "_per_second", 0.0)) + " " + unit.substr(0, 3) + "/s";
  const double mfu = event.value("mfu", 0.0);
  return mfu > 0 ? text + "  mfu " + human_percent(mfu) : text;
}

// The event log goes back to where the checkpoint was taken, and TensorBoard's file with it.
std::unique_ptr<TensorBoardWriter> prepare_events(Run& run, const std::optional<ResumePoint>& point) {
  run.events().truncate(point ? point->event_position : 0);
  const fs::path dir = run.dir() / "tensorboard";
  fs::remove_all(dir);
  if (point) {
    rebuild_tensorboard(run.dir() / "events.jsonl", dir, unix_time());
  }
  return std::make_unique<TensorBoardWriter>(dir, unix_time());
}

void write_scalars(TensorBoardWriter& board, const nlohmann::json& event) {
  each_scalar(event, [&](const std::string& tag, double value) {
    board.scalar(tag, event.value("step", int64_t{0}), value, event.value("t", 0.0));
  });
}

// The whole time as the first seconds of steps predict it: what the report holds against the time it took.
class TimePrediction {
 public:
  explicit TimePrediction(int64_t steps) : steps_(steps) {}

  void see(int64_t step) {
    const double now = monotonic_time();
    if (first_step_ < 0) {
      first_step_ = step;
      begin_ = now;
    } else if (predicted_ == 0 && now - begin_ >= kSeconds) {
      predicted_ = (now - begin_) / static_cast<double>(step - first_step_) * static_cast<double>(steps_ - first_step_);
    }
  }

  // {"predicted_seconds", "measured_seconds", "error"}; null for a run too short to say.
  nlohmann::json to_json() const {
    if (predicted_ == 0) {
      return nullptr;
    }
    const double measured = monotonic_time() - begin_;
    return {{"predicted_seconds", predicted_}, {"measured_seconds", measured}, {"error", predicted_ / measured - 1}};
  }

 private:
  static constexpr double kSeconds = 3;
  int64_t steps_;
  int64_t first_step_ = -1;
  double begin_ = 0;
  double predicted_ = 0;
};

// "  loss 2.1034  perplexity 8.19  accuracy 0.81": what the objective measured, in its own order.
std::string score_text(const nlohmann::json& event) {
  std::string text = " loss " + fixed_number(event.value("loss", 0.0), 4);
  for (const auto& [key, value] : event.items()) {
    if (value.is_number_float() && key != "loss" && key != "seconds" && key != "standard_error") {
      std::string name = key;
      std::replace(name.begin(), name.end(), '_', ' ');
      text += "  " + name + " " + human_number(value.get<double>());
    }
  }
  return text;
}

// Of the ranks that follow: their own log, no board and no progress line.
TrainHooks make_follower_hooks(StageContext& context) {
  TrainHooks hooks;
  EventLog& events = context.run.events();
  hooks.emit = [&events](const nlohmann::json& event) {
    nlohmann::json fields = event;
    fields.erase("type");
    events.emit(event.value("type", ""), fields);
  };
  hooks.stop_requested = [] { return interrupted(); };
  return hooks;
}

// One of several processes, after rank 0 ordered the step.
nlohmann::json follow_in_run(StageContext& context, Objective& objective, const TrainOptions& options, ProcessGroup& group) {
  context.run.events().emit("started", {{"rank", group.rank()}, {"ranks", group.world()}});
  train(objective, options, context.run.state(), make_follower_hooks(context), &group);
  return {{"follows", true}};  // after a pause too: rank 0 says how it ends
}

TrainHooks make_hooks(StageContext& context, const std::string& unit, TensorBoardWriter& board,
                      TimePrediction& prediction, Overflows& overflows) {
  TrainHooks hooks;
  EventLog& events = context.run.events();
  events.on_event([&board](const nlohmann::json& event) { write_scalars(board, event); });
  hooks.emit = [&events, &context, &overflows](const nlohmann::json& event) {
    nlohmann::json fields = event;
    const std::string type = fields.value("type", "");
    fields.erase("type");
    events.emit(type, fields);
    overflows.see(event);
    const std::string words = type == "eval" ? "validation" + score_text(event) : training_words(event);
    if (!words.empty()) {
      context.progress.line("  step " + grouped_integer(event.value("step", int64_t{0})) + "  " + words);
    }
  };
  hooks.event_position = [&events] { return events.position(); };
  hooks.trace_path = context.run.dir() / "trace.json";
  hooks.stop_requested = [] { return interrupted(); };
  hooks.progress = [&context, &prediction, unit](double fraction, const nlohmann::json& event) {
    prediction.see(event.value("step", int64_t{0}));
    context.progress.update(fraction, details_text(event, unit));
  };
  return hooks;
}

int64_t num_parameters_of(Objective& objective) {
  int64_t parameters = 0;
  for (const NamedParameter& parameter : objective.module().named_parameters()) {
    parameters += parameter.tensor.numel();
  }
  return parameters;
}

// Small models are looked at in the middle and at the end, so that `athanor doctor` knows how far a step moves the weights.
TrainOptions with_looks(TrainOptions options, Objective& objective) {
  constexpr int64_t kSmall = 50000000;  // a look copies all parameters
  if (options.watch_every == 0 && num_parameters_of(objective) <= kSmall) {
    options.watch_every = std::max<int64_t>(1, options.steps / 2);
  }
  return options;
}

// What was planned against what was measured, of the memory that this process's model lies in.
nlohmann::json memory_json(const TrainResult& result, const MemoryPlan& plan, const TrainPlace& place) {
  const uint64_t measured = place.gpu ? result.memory_by_use.value("gpu_peak", uint64_t{0}) : result.peak_bytes;
  const uint64_t predicted = place.gpu ? plan.on_gpu() : plan.total();
  nlohmann::json json{{"measured_bytes", measured}, {"measured_by_use", result.memory_by_use}};
  if (place.gpu) {
    json["host_peak_bytes"] = result.peak_bytes;
  }
  if (plan.total() > 0) {
    json["predicted_bytes"] = predicted;
    json["by_category"] = plan.to_json();
    if (measured > 0) {
      json["error"] = static_cast<double>(predicted) / static_cast<double>(measured) - 1;
    }
  }
  return json;
}

nlohmann::json result_json(const TrainResult& result, Objective& objective, const TrainPlace& place, int64_t planned_steps) {
  const std::string unit = objective.unit();
  const int64_t parameters = num_parameters_of(objective);
  nlohmann::json json{{"parameters", parameters},
                      {"steps", result.step},
                      {"planned_steps", planned_steps},
                      {"unit", unit},
                      {unit, result.num_units},
                      {unit + "_per_second", result.units_per_second},
                      {"train_loss", result.loss},
                      {"mfu", result.mfu},
                      {"gemm_peak_flops", result.gemm_peak},
                      {"flops_per_unit", objective.flops_per_unit()},
                      {"skipped_steps", result.num_skipped},
                      {"rollbacks", result.num_rollbacks},
                      {"breakdown", result.breakdown},
                      {"memory", memory_json(result, objective.memory(place), place)}};
  std::string summary = human_count(static_cast<double>(parameters)) + " parameters, loss " + fixed_number(result.loss, 3);
  if (const std::string end = early_end(json); !end.empty()) {
    summary += ", " + end;
  }
  if (result.last_eval) {
    json["valid"] = *result.last_eval;
    summary += ", validation " + fixed_number(result.last_eval->value("loss", 0.0), 3);
  }
  if (result.best_metric) {
    json["best_valid_loss"] = *result.best_metric;
    json["best_step"] = result.best_step;
  }
  json["summary"] = summary + ", " + human_count(result.units_per_second) + " " + unit.substr(0, 3) + "/s";
  return json;
}

}  // namespace

nlohmann::json train_in_run(StageContext& context, Objective& objective, const TrainOptions& given,
                            const nlohmann::json& started) {
  const TrainOptions options = with_looks(given, objective);
  const std::unique_ptr<ProcessGroup> group = open_group(context, options.rank_timeout);
  if (group && group->rank() > 0) {
    return follow_in_run(context, objective, options, *group);
  }
  make_dirs(context.run.state());
  FoundCheckpoint found;
  found.point = find_resume_point(context.run.state(), options.final_weights == "best", &found.warnings);
  const std::optional<ResumePoint>& point = found.point;
  const auto board = prepare_events(context.run, point);
  TimePrediction prediction(options.stop_at > 0 ? std::min(options.stop_at, options.steps) : options.steps);
  Overflows overflows;
  TrainHooks hooks = make_hooks(context, objective.unit(), *board, prediction, overflows);
  hooks.found = found;
  nlohmann::json fields = {{"step", point ? point->step : 0}};
  fields.update(started);
  if (group) {
    fields["ranks"] = group->world();
  }
  context.run.events().emit(point ? "resumed" : "started", fields);
  for (const std::string& warning : schedule_warnings(options)) {
    if (point) {
      context.progress.line("  warning: " + warning);  // the log has it since the start
    } else {
      context.warn(warning);
    }
  }
  if (point) {
    context.progress.line("  resumed at step " + grouped_integer(point->step));
  }
  if (options.profile_steps > 0) {
    context.progress.line("  trace of " + grouped_integer(options.profile_steps) + " steps, from this process's fourth: " +
                          hooks.trace_path.string());
  }
  TrainResult result = train(objective, options, context.run.state(), hooks, group.get());
  if (options.profile_steps > 0 && !fs::exists(hooks.trace_path)) {
    result.warnings.push_back("no trace was written: this process made fewer than four steps");
  }
  for (const auto& warning : result.warnings) {
    context.progress.line("  warning: " + warning);
    context.run.events().emit("warning", {{"what", warning}});
  }
  if (overflows.count > 0) {
    context.progress.line("  " + overflows.text());
  }
  if (result.status == TrainStatus::kPaused) {
    if (point && options.stop_at > 0 && point->step > options.stop_at) {
      return {{"paused", "at step " + std::to_string(point->step) + ", already past stop_at step " + std::to_string(options.stop_at)}};
    }
    if (interrupted() || result.step != options.stop_at) {  // another rank may have been the one to be told
      throw Error(ErrorKind::kInterrupted, "stopped at step " + grouped_integer(result.step) + "; the state is saved", "",
                  "run the same command again to go on");
    }
    return {{"paused", "stop_at step " + std::to_string(result.step)}};
  }
  board->flush();
  nlohmann::json json = result_json(result, objective, place_of(context, options), options.steps);
  json["time"] = prediction.to_json();
  return json;
}

void keep_last_checkpoint(const Run& run) {
  if (const auto last = find_resume_point(run.state())) {
    fs::copy(last->path, run.out_tmp() / "checkpoint", fs::copy_options::recursive);
  }
}

}  // namespace athanor
