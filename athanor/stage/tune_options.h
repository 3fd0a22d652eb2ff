// Options of `tune`, and a study's recipe resolved for one trial.
#pragma once

#include "athanor/run/fields.h"
#include "athanor/stage/child_runs.h"
#include "athanor/tune/search.h"

namespace athanor {

struct TuneOptions {
  nlohmann::json recipe;
  std::string data_dir;
  nlohmann::json space = nlohmann::json::object();
  nlohmann::json metric;
  nlohmann::json direction;
  int64_t trials = 20;
  tune::SamplerOptions sampler;
  tune::PrunerOptions pruner;
  int64_t parallel = 1;
  double timeout = 0;
  int64_t failures = 10;
  int64_t digits = 6;
  int64_t seed = 1;
  int64_t threads = 0;
  static void fields(Fields<TuneOptions>& f);
};

// A number that a run tells: "fit.valid_accuracy" is a key of the step's result (of a score with its interval,
// "fit.valid.rmse", the value), "pretrain.eval.loss" the field `loss` of its last `eval` event.
struct MetricPath {
  std::string text;
  std::string step;
  std::vector<std::string> keys;
};

// Error(kUsage) for what is no step.key.
MetricPath parse_metric(const std::string& text);

struct MetricReading {
  std::optional<double> value;                    // of the result, else of the last event
  std::vector<std::pair<int64_t, double>> steps;  // of the events: (step, value)
  std::string hint;                               // where there is no value: what the result has
};

// The step that the metric speaks of; Error(kUsage) that lists the steps when there is none.
const StepPlan& metric_step(const PipelinePlan& plan, const MetricPath& metric);
// What the step's run says so far. Nothing when it has not begun.
MetricReading read_metric(const StepPlan& step, const MetricPath& metric, const RunStore& store);

// The names in `metric` and the directions in `direction`, one or a list.
std::vector<std::string> metric_names(const nlohmann::json& metric);
// True: larger is better. An empty direction is guessed by the name (accuracy, f1, ... against loss, error, ...);
// Error(kUsage) when it does not tell.
std::vector<bool> directions(const nlohmann::json& direction, const std::vector<std::string>& metrics);

// The overrides of a trial, as the command line takes them.
std::vector<Override> overrides_of(const nlohmann::json& values);
std::string command_text(const nlohmann::json& recipe, const nlohmann::json& values);

// A schema that takes `sampler: tpe` for `sampler: {kind: tpe}`, the same for pruner, and reads the space with the
// recipe's places in its errors.
OptionSchema tune_schema();

}  // namespace athanor
