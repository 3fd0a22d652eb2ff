// plan for finetune: documents, labels, parameters, and the time that a few real steps predict.
#include <unistd.h>

#include "athanor/base/format.h"
#include "athanor/base/text.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/autograd.h"

namespace athanor {

namespace {

constexpr double kCalibrationSeconds = 2;

// Seconds a step, forward and backward.
double calibrate(NetTraining& made) {
  ClassificationObjective objective(*made.net, made.train, nullptr, made.options, made.settings);
  made.net->set_training(true);
  const double begin = monotonic_time();
  double first = 0;  // warms kernels, not counted
  uint64_t steps = 0;
  while (steps < 3 || monotonic_time() - begin < kCalibrationSeconds) {
    objective.load(steps * static_cast<uint64_t>(made.options.batch_size), made.options.batch_size);
    backward(objective.loss_sum(0, made.options.batch_size, steps));
    first = ++steps == 1 ? monotonic_time() - begin : first;
  }
  return (monotonic_time() - begin - first) / static_cast<double>(steps - 1);
}

}  // namespace

nlohmann::json plan_finetune(const nlohmann::json& resolved, const std::vector<StageInput>& inputs) {
  const auto options = load_options<FinetuneOptions>(resolved);
  nlohmann::json plan{{"rows", nlohmann::json::array()}};
  const auto row = [&](const std::string& name, const nlohmann::json& value, const std::string& text,
                       const std::string& note) {
    plan["rows"].push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  };
  const auto count = [](uint64_t value) { return grouped_integer(static_cast<int64_t>(value)); };
  row("family", options.model.family, options.model.family, "");
  if (find_input(inputs, "train") == nullptr) {
    row("documents", nullptr, "?", "the steps before this one have not run yet");
    return plan;
  }
  const fs::path scratch = fs::temp_directory_path() / ("athanor-plan-" + std::to_string(::getpid()));
  RejectLog rejects(scratch);
  NetTraining made = prepare_net_training(options, inputs, rejects);
  rejects.finish();
  fs::remove_all(scratch);
  int64_t parameters = 0;
  for (const NamedParameter& parameter : made.net->named_parameters()) {
    parameters += parameter.tensor.numel();
  }
  row("documents", made.train.examples.size(), count(made.train.examples.size()),
      count(made.valid.examples.size()) + " validate, " + count(rejects.total()) + " are of no use");
  row("labels", made.meaning.names.size(), made.meaning.regression ? "a number" : count(made.meaning.names.size()), "");
  row("parameters", parameters, human_count(static_cast<double>(parameters)), "");
  const uint64_t bytes = made.train.examples.bytes() + made.valid.examples.bytes();
  row("memory: examples", bytes, human_bytes(static_cast<double>(bytes)), "all of them are held");
  row("memory: training", parameters * 16, human_bytes(static_cast<double>(parameters * 16)),
      "weights, gradients, moments; activations come on top");
  const double seconds = calibrate(made) * static_cast<double>(made.options.steps);
  row("steps", made.options.steps, grouped_integer(made.options.steps), "of " + grouped_integer(made.options.batch_size));
  row("time", seconds, human_duration(seconds), "measured over a few steps now; without validation");
  return plan;
}

}  // namespace athanor
