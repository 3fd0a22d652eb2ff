// plan for finetune: documents, labels, parameters, memory by category and the time, which a few real steps tell.
#include <unistd.h>

#include <ATen/Parallel.h>

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/device/device.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/train/memory.h"
#include "athanor/train/optimizer.h"

namespace athanor {

namespace {

constexpr double kCalibrationSeconds = 2;

struct Trial {
  double seconds = 0;  // a step, forward and backward
  uint64_t bytes = 0;  // what the step with the longest examples held at its fullest, beside what was there before
};

// The samples of the first epoch's batch with the longest examples.
uint64_t longest_batch(NetTraining& made, ClassificationObjective& objective) {
  const auto rows = static_cast<uint64_t>(made.options.batch_size);
  const uint64_t batches = std::max<uint64_t>(1, made.train.examples.size() / rows);
  uint64_t best = 0;
  int64_t longest = -1;
  for (uint64_t batch = 0; batch < batches; ++batch) {
    objective.load(batch * rows, made.options.batch_size);
    const int64_t length = objective.longest_row();
    if (length > longest) {
      longest = length;
      best = batch * rows;
    }
  }
  return best;
}

Trial try_steps(NetTraining& made) {
  ClassificationObjective objective(*made.net, made.train, nullptr, made.options, made.settings);
  objective.set_precision(precision_of(made.options.precision));
  made.net->set_training(true);
  const int64_t rows = made.options.batch_size;
  const int64_t piece = made.options.micro_batch > 0 ? std::min(made.options.micro_batch, rows) : rows;
  const auto step = [&](uint64_t first) {
    objective.begin_step();
    objective.load(first, rows);
    for (int64_t begin = 0; begin < rows; begin += piece) {
      backward(objective.loss_sum(begin, std::min(piece, rows - begin), first));
    }
  };
  Trial trial;
  const uint64_t longest = longest_batch(made, objective);
  give_back_freed_memory();
  reset_peak_memory();
  const uint64_t before = resident_bytes();
  step(longest);  // warms kernels too; its time is not counted
  const uint64_t peak = peak_memory_bytes();
  trial.bytes = peak > before ? peak - before : 0;
  const double begin = monotonic_time();
  uint64_t steps = 0;
  while (steps < 2 || monotonic_time() - begin < kCalibrationSeconds) {
    step(++steps * static_cast<uint64_t>(rows));
  }
  trial.seconds = (monotonic_time() - begin) / static_cast<double>(steps);
  return trial;
}

// The measured step holds the gradients already.
MemoryPlan memory_of(const NetTraining& made, const Trial& trial, int64_t parameters) {
  MemoryPlan plan = plan_memory(parameters, made.options);
  plan.examples = made.train.examples.bytes() + made.valid.examples.bytes();
  plan.activations = trial.bytes > plan.gradients ? trial.bytes - plan.gradients : 0;
  return plan;
}

}  // namespace

nlohmann::json plan_finetune(const nlohmann::json& resolved, const std::vector<StageInput>& inputs) {
  const auto options = load_options<FinetuneOptions>(resolved);
  open_device(options.device);  // an error here is better than one after the steps before
  nlohmann::json plan{{"rows", nlohmann::json::array()}};
  const auto row = [&](const std::string& name, const nlohmann::json& value, const std::string& text,
                       const std::string& note) {
    plan["rows"].push_back({{"name", name}, {"value", value}, {"text", text}, {"note", note}});
  };
  const auto count = [](uint64_t value) { return grouped_integer(static_cast<int64_t>(value)); };
  if (find_input(inputs, "train") == nullptr) {
    row("family", options.model.family, options.model.family, "");
    row("documents", nullptr, "?", "the steps before this one have not run yet");
    return plan;
  }
  if (options.threads > 0) {
    at::set_num_threads(static_cast<int>(options.threads));
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
  const std::string& family = made.net->config().options.family;
  row("family", family, family, "");
  row("documents", made.train.examples.size(), count(made.train.examples.size()),
      count(made.valid.examples.size()) + " validate, " + count(rejects.total()) + " are of no use");
  row("labels", made.meaning.names.size(), made.meaning.regression ? "a number" : count(made.meaning.names.size()), "");
  row("parameters", parameters, human_count(static_cast<double>(parameters)), "");
  const Trial trial = try_steps(made);
  const MemoryPlan memory = memory_of(made, trial, parameters);
  const nlohmann::json categories = memory.to_json();
  for (const auto& [name, bytes] : categories.items()) {
    if (name != "total" && bytes.is_number() && bytes.get<uint64_t>() > 0) {
      row("memory: " + name, bytes, human_bytes(bytes.get<double>()),
          name == "activations" ? "measured: the longest examples, a step" : "");
    }
  }
  const bool fits = memory.total() < memory_bytes();
  row("memory in all", memory.total(), human_bytes(static_cast<double>(memory.total())),
      (fits ? "fits: this machine has " : "does NOT fit in ") + human_bytes(static_cast<double>(memory_bytes())));
  const double seconds = trial.seconds * static_cast<double>(made.options.steps);
  row("steps", made.options.steps, grouped_integer(made.options.steps), "of " + grouped_integer(made.options.batch_size));
  row("time", seconds, human_duration(seconds), "measured over a few steps now; without validation");
  plan["fits"] = fits;
  if (!fits) {
    plan["why"] = "needs " + human_bytes(static_cast<double>(memory.total())) + " of memory, this machine has " +
                  human_bytes(static_cast<double>(memory_bytes()));
    plan["advice"] = "a smaller micro_batch needs less for activations: the same batch, computed in pieces";
  }
  return plan;
}

}  // namespace athanor
