// plan for finetune: documents, labels, parameters, memory by category and the time, which a few real steps tell.
#include <unistd.h>

#include <ATen/Parallel.h>

#include <algorithm>

#include "athanor/base/format.h"
#include "athanor/base/machine.h"
#include "athanor/base/text.h"
#include "athanor/stage/finetune_net.h"
#include "athanor/stage/ranks_torch.h"
#include "athanor/stage/torch_verbs.h"
#include "athanor/tensor/autograd.h"
#include "athanor/tensor/host_memory.h"
#include "athanor/train/memory.h"

namespace athanor {

namespace {

constexpr double kCalibrationSeconds = 2;
constexpr double kLongStep = 1;  // seconds: with more rows it is not tried

// What a forward and backward pass over so many rows held at its fullest, beside what was there before.
struct Pass {
  int64_t rows = 0;
  uint64_t bytes = 0;
  double seconds = 0;
};

// Passes over more and more rows, the longest example among them: up to `piece`, or until the next might not fit.
struct Trial {
  int64_t piece = 0;
  Pass before;  // none: rows 0
  Pass last;

  // Of a pass over so many rows, on the line through the two.
  double bytes_of(int64_t rows) const {
    const double slope = before.bytes < last.bytes ? static_cast<double>(last.bytes - before.bytes) / static_cast<double>(last.rows - before.rows) : 0;
    return static_cast<double>(last.bytes) + slope * static_cast<double>(rows - last.rows);
  }
  double seconds_a_row() const { return last.seconds / static_cast<double>(last.rows); }
};

// The first epoch's sample with the longest example.
uint64_t longest_sample(const NetTraining& made, ClassificationObjective& objective) {
  uint64_t best = 0;
  int64_t longest = -1;
  for (uint64_t sample = 0; sample < made.train.examples.size(); ++sample) {
    objective.load(sample, 1);
    const int64_t length = objective.longest_row();
    if (length > longest) {
      longest = length;
      best = sample;
    }
  }
  return best;
}

Pass try_pass(const NetTraining& made, ClassificationObjective& objective, uint64_t first, int64_t rows) {
  for (const NamedParameter& parameter : made.net->named_parameters()) {
    parameter.tensor.mutable_grad().reset();  // what is measured has them
  }
  give_back_freed_memory();
  reset_peak_memory();
  const uint64_t held = resident_bytes();
  const double begin = monotonic_time();
  objective.begin_step();
  objective.load(first, rows);
  backward(objective.loss_sum(0, rows, first));
  const double seconds = monotonic_time() - begin;
  const uint64_t peak = peak_memory_bytes();
  return {rows, peak > held ? peak - held : 0, seconds};
}

Trial try_passes(const NetTraining& made, const TrainPlace& place) {
  ClassificationObjective objective(*made.net, made.train, nullptr, made.options, made.settings);
  objective.set_precision(precision_of(made.options.precision));
  made.net->set_training(true);
  const int64_t share = (made.options.batch_size + place.ranks - 1) / place.ranks;
  Trial trial;
  trial.piece = made.options.micro_batch > 0 ? std::min(made.options.micro_batch, share) : share;
  const auto piece = static_cast<uint64_t>(trial.piece);
  const uint64_t longest = longest_sample(made, objective);
  for (int64_t rows = 1;; rows = std::min(2 * rows, trial.piece)) {
    const uint64_t behind = static_cast<uint64_t>(rows) - 1;
    const uint64_t first = std::max(longest / piece * piece, longest > behind ? longest - behind : 0);
    trial.before = trial.last;
    trial.last = try_pass(made, objective, first, rows);
    if (rows == trial.piece || trial.last.seconds > kLongStep || 4 * trial.last.bytes > available_memory_bytes()) {
      break;
    }
  }
  const double begin = monotonic_time();  // kernels are warm now
  int64_t passes = 0;
  while (passes < 2 || monotonic_time() - begin < kCalibrationSeconds) {
    ++passes;
    objective.begin_step();
    objective.load(static_cast<uint64_t>(passes * trial.last.rows), trial.last.rows);
    backward(objective.loss_sum(0, trial.last.rows, static_cast<uint64_t>(passes)));
  }
  trial.last.seconds = (monotonic_time() - begin) / static_cast<double>(passes);
  return trial;
}

// With pieces of so many rows. The measured pass holds the gradients already.
MemoryPlan memory_of(const NetTraining& made, const Trial& trial, const TrainPlace& place, int64_t parameters, int64_t rows) {
  MemoryPlan plan = plan_memory(parameters, made.options, place);
  plan.examples = made.train.examples.bytes() + made.valid.examples.bytes();
  const double bytes = std::min(1e18, trial.bytes_of(rows));
  const auto gradients = static_cast<double>(plan.gradients);
  plan.activations = bytes > gradients ? static_cast<uint64_t>(bytes - gradients) : 0;
  return plan;
}

std::string net_memory_advice(const NetTraining& made, const Trial& trial, const TrainPlace& place, int64_t parameters,
                              uint64_t offered) {
  for (int64_t rows = trial.piece / 2; rows >= 1; rows /= 2) {
    if (memory_needed(memory_of(made, trial, place, parameters, rows), place) <= offered) {
      return "micro_batch=" + std::to_string(rows) + " fits: the same batch, computed in pieces";
    }
  }
  return "not even micro_batch=1 fits: smaller sizes in model:, shorter examples, precision=bf16 or optimizer.state=bf16 need less";
}

}  // namespace

nlohmann::json plan_finetune(const nlohmann::json& resolved, const std::vector<StageInput>& inputs) {
  const auto options = load_options<FinetuneOptions>(resolved);
  const TrainPlace place = place_of(read_launch(), options);  // a device that cannot be had is told before the steps before run
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
  NetTraining made = prepare_net_training(options, inputs, place, rejects);
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
  const Trial trial = try_passes(made, place);
  const MemoryPlan memory = memory_of(made, trial, place, parameters, trial.piece);
  const nlohmann::json categories = memory.to_json();
  for (const auto& [name, bytes] : categories.items()) {
    if (name != "total" && bytes.is_number() && bytes.get<uint64_t>() > 0) {
      row("memory: " + name, bytes, human_bytes(bytes.get<double>()),
          name != "activations"            ? ""
          : trial.last.rows == trial.piece ? "measured: the longest examples, a step"
                                           : "measured on " + grouped_integer(trial.last.rows) + " of " + grouped_integer(trial.piece) + " rows");
    }
  }
  const uint64_t needed = memory_needed(memory, place);
  const uint64_t offered = memory_offered(options, place);
  const bool fits = needed < offered;
  row("memory in all", needed, human_bytes(static_cast<double>(needed)),
      (fits ? "fits: this machine has " : "does NOT fit in ") + human_bytes(static_cast<double>(offered)));
  const double seconds = trial.seconds_a_row() * static_cast<double>(planned_samples(made.options)) / static_cast<double>(place.ranks);
  row("steps", made.options.steps, grouped_integer(made.options.steps), "of " + grouped_integer(made.options.batch_size));
  row("time", seconds, human_duration(seconds), "measured over a few steps now; without validation");
  plan["fits"] = fits;
  if (!fits) {
    plan["why"] = memory_shortage(needed, offered, place);
    plan["advice"] = net_memory_advice(made, trial, place, parameters, offered);
  }
  return plan;
}

}  // namespace athanor
